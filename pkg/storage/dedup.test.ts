import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Labels } from '../model/labels.ts';
import { mergeByChain } from './chain.ts';
import { ColumnMerger, splitOverlaps } from './dedup.ts';
import { columnSeries, columnsOf, listSeriesSet } from './list-series.ts';
import { LoserTree } from './loser-tree.ts';
import { mergeSeriesSets } from './merge.ts';
import { mergeByPenalty } from './penalty.ts';
import { SampleBuffer } from './sample-columns.ts';
import type { Series, SeriesSet } from './series.ts';
import { Warnings } from './warnings.ts';

function columnsFor(chunks: readonly (readonly [number, number])[]): number[] {
  const columnOf = new Uint32Array(chunks.length);
  const mins = Float64Array.from(chunks, ([min]) => min);
  const maxs = Float64Array.from(chunks, ([, max]) => max);
  const count = splitOverlaps(mins, maxs, chunks.length, columnOf);
  assert.equal(count, chunks.length === 0 ? 0 : Math.max(...columnOf) + 1);
  return [...columnOf];
}

describe('overlap split', () => {
  for (const [what, chunks, columns] of [
    ['nothing', [], []],
    [
      'chunks that follow one another stay in one column',
      [
        [0, 9],
        [10, 19],
        [20, 29],
      ],
      [0, 0, 0],
    ],
    [
      'a chunk that begins in the last millisecond of another overlaps',
      [
        [0, 10],
        [10, 20],
      ],
      [0, 1],
    ],
    [
      'two replicas',
      [
        [0, 9],
        [1, 9],
        [10, 19],
        [11, 19],
      ],
      [0, 1, 0, 1],
    ],
    [
      'the first column that is free is taken, whosever chunk it was',
      [
        [0, 30],
        [1, 9],
        [10, 19],
        [20, 40],
        [31, 50],
      ],
      [0, 1, 1, 1, 0],
    ],
    [
      'three at once',
      [
        [0, 9],
        [0, 9],
        [0, 9],
      ],
      [0, 1, 2],
    ],
  ] as const) {
    test(what, () => assert.deepEqual(columnsFor(chunks), columns));
  }
});

describe('chain', () => {
  test('keeps every timestamp once', () => {
    const into = new SampleBuffer(1);
    mergeByChain(
      columnsOf([
        [1, 1],
        [3, 1],
        [5, 1],
      ]),
      columnsOf([
        [1, 2],
        [2, 2],
        [5, 2],
        [6, 2],
        [7, 2],
      ]),
      into,
    );
    assert.deepEqual([...into.times.subarray(0, into.length)], [1, 2, 3, 5, 6, 7]);
    assert.deepEqual([...into.values.subarray(0, into.length)], [1, 2, 1, 1, 2, 2]);
  });
});

test('three gauges are folded from the left', () => {
  const columns = [
    columnsOf([
      [10_000, 1],
      [20_000, 1],
    ]),
    columnsOf([
      [10_001, 2],
      [60_000, 2],
      [70_000, 2],
    ]),
    columnsOf([
      [10_002, 3],
      [150_000, 3],
    ]),
  ];
  const pair = new SampleBuffer();
  mergeByPenalty(columns[0], columns[1], pair);
  const expected = new SampleBuffer();
  mergeByPenalty(pair, columns[2], expected);
  const into = new SampleBuffer();
  new ColumnMerger().merge('penalty', columns, false, into);
  assert.deepEqual([...into.times.subarray(0, into.length)], [...expected.times.subarray(0, expected.length)]);
  assert.deepEqual([...into.values.subarray(0, into.length)], [1, 1, 2, 2, 3]);
});

test('a loser tree hands out the items of all sources in order', () => {
  for (let count = 0; count < 9; count++) {
    const lists = Array.from({ length: count }, (_, i) =>
      Array.from({ length: (i * 3) % 7 }, (_, j) => j * (i + 2) + i),
    );
    const heads = lists.map(() => 0);
    const head = (i: number): number => lists[i][heads[i]] ?? Infinity;
    const tree = new LoserTree(count, (a, b) => head(a) < head(b));
    const out: number[] = [];
    while (count > 0 && head(tree.winner) !== Infinity) {
      out.push(head(tree.winner));
      heads[tree.winner]++;
      tree.replay();
    }
    assert.deepEqual(
      out,
      lists.flat().sort((a, b) => a - b),
    );
  }
});

test('warnings are kept once, in the order they came', () => {
  const warnings = new Warnings();
  const { list } = warnings;
  warnings.addAll(['b', 'a', 'b']);
  assert.deepEqual(list, ['b', 'a']);
});

describe('merged series sets', () => {
  const set = (names: readonly string[], value: number, batchSize = 2, warnings: string[] = []): SeriesSet =>
    listSeriesSet(
      names.map((name) =>
        columnSeries(
          Labels.of({ a: name }),
          columnsOf([
            [value, value],
            [10, value],
          ]),
        ),
      ),
      warnings,
      batchSize,
    );

  async function read(sets: readonly SeriesSet[]): Promise<string[]> {
    const out: string[] = [];
    const merger = mergeSeriesSets(sets);
    for await (const batch of merger.batches) {
      for (const series of batch) {
        const samples = new SampleBuffer();
        series.readInto(samples);
        out.push(`${series.labels.get('a')} ${[...samples.times.subarray(0, samples.length)]}`);
      }
    }
    return [...out, ...merger.warnings];
  }

  test('equal labels become one series with the samples of all', async () => {
    const sets = [set(['a', 'b', 'c', 'e'], 1), set(['b', 'c', 'd'], 2, 1, ['w']), set([], 3)];
    assert.deepEqual(await read(sets), ['a 1,10', 'b 1,2,10', 'c 1,2,10', 'd 2,10', 'e 1,10', 'w']);
  });

  test('a reader that stops early closes every set', async () => {
    let closed = 0;
    async function* endless(): AsyncGenerator<readonly Series[]> {
      try {
        for (let i = 100; ; i++) yield [columnSeries(Labels.of({ a: String(i) }), columnsOf([]))];
      } finally {
        closed++;
      }
    }
    const merger = mergeSeriesSets([
      { batches: endless(), warnings: [] },
      { batches: endless(), warnings: [] },
    ]);
    for await (const batch of merger.batches) {
      assert.ok(batch.length > 0);
      break;
    }
    assert.equal(closed, 2);
  });
});

import { assert, describe, test } from 'vitest';
import { blockRows } from './block-rows.ts';
import { type BlockEntry, blocksOf } from './blocks.ts';
import { findingsOf } from './findings.ts';

interface Spec {
  readonly from: number;
  readonly to: number;
  readonly labels?: Record<string, string>;
  readonly level?: number;
  readonly sources?: readonly string[];
  readonly resolution?: number;
}

function answerOf(specs: Readonly<Record<string, Spec>>, marks: readonly unknown[] = []) {
  return blocksOf({
    label: '',
    refreshedAt: '2026-01-01T00:00:00Z',
    err: null,
    marks,
    blocks: Object.entries(specs).map(
      ([ulid, { from, to, labels = { c: 'x' }, level = 1, sources = [ulid], resolution = 0 }]) => ({
        ulid,
        minTime: from,
        maxTime: to,
        compaction: { level, sources },
        thanos: {
          labels,
          downsample: { resolution },
          files: [{ rel_path: 'index', size_bytes: 7 }, { rel_path: 'meta.json' }],
        },
      }),
    ),
  });
}

const names = (list: readonly BlockEntry[]): string => list.map(({ ulid }) => ulid).join(' ');

describe('an answer of the blocks API', () => {
  test('of the reference, without our members, is read', () => {
    const { blocks, canMark, backlog, partial, refreshedAtMs } = answerOf({
      b: { from: 5, to: 9 },
      a: { from: 0, to: 5 },
    });
    assert.strictEqual(names(blocks), 'a b');
    assert.deepEqual([blocks[0].sizeBytes, canMark, backlog, partial], [7, false, undefined, []]);
    assert.strictEqual(refreshedAtMs, Date.UTC(2026, 0, 1));
  });

  for (const data of [
    null,
    [],
    { blocks: null },
    { blocks: [null, { thanos: 5 }], marks: {}, partial: 'x', backlog: [] },
  ]) {
    test(`that is ${JSON.stringify(data)} does not break the page`, () => {
      const { blocks, refreshedAtMs } = blocksOf(data);
      assert.ok(blocks.every(({ from, level, group }) => from === 0 && level === 0 && group === '0 {}'));
      assert.strictEqual(refreshedAtMs, undefined);
    });
  }

  test('before the first look has no time of one', () => {
    assert.strictEqual(blocksOf({ refreshedAt: '0001-01-01T00:00:00Z', blocks: null }).refreshedAtMs, undefined);
  });
});

describe('overlaps', () => {
  for (const [what, specs, wanted] of [
    ['two that touch', { a: { from: 0, to: 5 }, b: { from: 5, to: 9 } }, ''],
    ['two that share a time', { a: { from: 0, to: 6 }, b: { from: 5, to: 9 } }, 'a+b 5-6'],
    ['one in another', { a: { from: 0, to: 9 }, b: { from: 2, to: 3 }, c: { from: 8, to: 10 } }, 'a+b 2-3, a+c 8-9'],
    ['two streams', { a: { from: 0, to: 6 }, b: { from: 5, to: 9, labels: { c: 'y' } } }, ''],
    ['two resolutions', { a: { from: 0, to: 6 }, b: { from: 0, to: 6, resolution: 300_000 } }, ''],
    [
      'sources of a compacted block',
      { a: { from: 0, to: 5 }, b: { from: 5, to: 9 }, z: { from: 0, to: 9, level: 2, sources: ['a', 'b'] } },
      '',
    ],
  ] as const) {
    test(`of ${what} are [${wanted}]`, () => {
      const { overlaps } = findingsOf(answerOf(specs).blocks);
      assert.strictEqual(
        overlaps.map(({ first, second, from, to }) => `${first.ulid}+${second.ulid} ${from}-${to}`).join(', '),
        wanted,
      );
    });
  }

  test('do not count a block that is marked for deletion', () => {
    const marks = [{ id: 'b', kind: 'deletion', timeMs: 5, details: 'why' }];
    const { blocks } = answerOf({ a: { from: 0, to: 6 }, b: { from: 5, to: 9 } }, marks);
    assert.deepEqual(blocks[1].marks, [{ kind: 'deletion', timeMs: 5, details: 'why', reason: '' }]);
    assert.deepEqual(findingsOf(blocks).overlaps, []);
  });
});

test('a block whose sources are all in another one is replaced by it, and of two equals the older by the newer', () => {
  const { blocks } = answerOf({
    a: { from: 0, to: 5 },
    b: { from: 5, to: 9 },
    c: { from: 0, to: 9, level: 2, sources: ['a', 'b'] },
    d: { from: 0, to: 9, level: 2, sources: ['b', 'a'] },
  });
  const { replacedBy } = findingsOf(blocks);
  assert.deepEqual([...replacedBy].map(([one, by]) => `${one}<${by}`).sort(), ['a<c', 'b<c', 'c<d']);
});

test('holes are stretches between blocks of one group that nothing covers', () => {
  const { blocks } = answerOf({
    a: { from: 0, to: 5 },
    b: { from: 8, to: 9 },
    y: { from: 20, to: 30, labels: { c: 'y' } },
  });
  assert.deepEqual(findingsOf(blocks).holes, [{ group: '0 {c="x"}', from: 5, to: 8 }]);
});

test('rows are streams, then resolutions, with a lane for each level and each overlap', () => {
  const { blocks } = answerOf({
    a: { from: 0, to: 9, level: 3 },
    b: { from: 9, to: 12 },
    c: { from: 11, to: 13 },
    d: { from: 0, to: 9, level: 3, resolution: 300_000 },
    e: { from: 0, to: 9, labels: { c: 'a' } },
  });
  const rows = blockRows(blocks, '', findingsOf(blocks), ({ ulid }) => ulid);
  assert.deepEqual(
    rows.map(
      ({ key, laneCount, bars }) =>
        `${key} ${laneCount}: ${bars.map(({ key: name, lane }) => `${name}${lane}`).join(' ')}`,
    ),
    ['{c="a"} 1: ', '0 {c="a"} 1: e0', '{c="x"} 1: ', '0 {c="x"} 3: a0 b1 c2', '300000 {c="x"} 1: d0'],
  );
  assert.match(rows[3].bars[1].look, /look-level-1 look-overlap/);
  assert.deepEqual(
    blockRows(blocks, 'zone', findingsOf(blocks), () => '').map(({ blockCount }) => blockCount),
    [5, 4, 1],
  );
});

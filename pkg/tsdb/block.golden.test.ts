// Every block of the golden data set reads exactly: symbols, labels, chunk places and bytes, every bit of every sample.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import type { HistogramSample } from '../model/histogram.ts';
import { Labels } from '../model/labels.ts';
import { Matcher, type MatcherOp } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from './block.ts';
import { chunkSampleCount } from './chunkenc/encoding.ts';
import { packRef } from './chunks/ref.ts';
import { ChunkView } from './chunks/segment-reader.ts';
import {
  columnsText,
  type GoldenDump,
  type GoldenSample,
  goldenBlocks,
  goldenHistogramText,
  goldenText,
  histogramText,
  readDump,
  readJsonLines,
  testdata,
} from './golden-fixture.ts';
import { SeriesEntry } from './index/series-entry.ts';

const golden = goldenBlocks();
const encodings = { XOR: 1, histogram: 2, floathistogram: 3 } as const;

function blocksIn(root: string): { set: string; directory: string; dump: string }[] {
  return readdirSync(join(root, 'dumps')).map((file) => {
    const [set, ulid] = file.split('.');
    return { set, directory: join(root, set, ulid), dump: join(root, 'dumps', file) };
  });
}

describe('blocks written by Prometheus read exactly', () => {
  for (const { set, directory, dump } of blocksIn(testdata)) {
    test(`${set} from testdata`, () => compareBlock(directory, readDump(dump)));
  }

  test.skipIf(golden === undefined)('all of the golden data set', { timeout: 120_000 }, () => {
    const blocks = blocksIn(golden!);
    assert.equal(blocks.length, 45);
    for (const { directory, dump } of blocks) compareBlock(directory, readDump(dump));
  });
});

describe('matchers select what the reference selects', () => {
  interface Line {
    readonly matchers: readonly [string, MatcherOp, string][];
    readonly refs: readonly number[];
    readonly series?: readonly (readonly [string, string][])[];
    readonly labelNames?: readonly string[];
    readonly labelValues?: Readonly<Record<string, readonly string[]>>;
  }

  function compareMatchers(directory: string, lines: readonly Line[]): void {
    const block = Block.open(directory);
    const entry = new SeriesEntry();
    try {
      for (const line of lines) {
        const matchers = line.matchers.map(([name, op, value]) => new Matcher(op, name, value));
        const what = matchers.join(', ');
        const ids = block.match(matchers);
        assert.deepEqual([...ids], line.refs ?? [], what);
        if (line.series !== undefined && line.series !== null) {
          assert.deepEqual(
            [...ids].map((id) => [...block.series(id, entry)]),
            line.series,
            what,
          );
        }
        if (line.labelNames !== undefined) {
          assert.deepEqual(block.labelNames(matchers), line.labelNames ?? [], `names of ${what}`);
        }
        for (const [name, values] of Object.entries(line.labelValues ?? {})) {
          assert.deepEqual(block.labelValues(name, matchers), values ?? [], `${name} of ${what}`);
        }
      }
    } finally {
      block.close();
    }
  }

  test('in the basic block', () => {
    const lines = readJsonLines<Line>(join(testdata, 'vectors', 'matchers.jsonl.gz'));
    assert.equal(lines.length, 101);
    compareMatchers(blocksIn(testdata)[0].directory, lines);
  });

  test.skipIf(golden === undefined)('in the block of 20 000 series', () => {
    const lines = readJsonLines<Line>(join(golden!, 'vectors', 'matchers-large.jsonl.gz'));
    const { directory } = blocksIn(golden!).find(({ set }) => set === 'large')!;
    compareMatchers(directory, lines);
  });

  test('label values and their posting lists are the reference’s', () => {
    const block = Block.open(blocksIn(testdata)[0].directory);
    try {
      const lines = readJsonLines<{ name: string; values?: string[]; postings: number[][] }>(
        join(testdata, 'vectors', 'labels.jsonl.gz'),
      );
      for (const { name, values, postings } of lines) {
        if (name === '') {
          assert.deepEqual([...block.index.postings('', '')], postings.flat());
          continue;
        }
        assert.deepEqual(block.labelValues(name), values);
        assert.deepEqual(
          values!.map((value) => [...block.index.postings(name, value)]),
          postings,
        );
      }
      assert.deepEqual(block.labelValues(''), []);
    } finally {
      block.close();
    }
  });
});

test('deleted ranges are left out of what is read', () => {
  const { directory, dump } = blocksIn(testdata).find(({ set }) => set === 'tombstones')!;
  const { afterTombstones } = readDump(dump);
  const block = Block.open(directory);
  const entry = new SeriesEntry();
  try {
    const read = new Map<string, { floats: string[]; histograms: string[] }>();
    for (const id of block.match([])) {
      const labels = block.series(id, entry);
      const floats = new SampleBuffer();
      const histograms: HistogramSample[] = [];
      block.readSamples(id, entry, MIN_TIME, MAX_TIME, floats, histograms);
      read.set(labels.key, { floats: columnsText(floats), histograms: histograms.map(histogramText) });
    }
    assert.ok(afterTombstones.length > 5);
    for (const { labels, samples } of afterTombstones) {
      const found = read.get(Labels.from(labels).key)!;
      assert.deepEqual(found.floats, goldenText(samples));
      assert.deepEqual(withoutHints(found.histograms), withoutHints(histogramsOf(samples)));
      read.delete(Labels.from(labels).key);
    }
    for (const { floats, histograms } of read.values()) assert.equal(floats.length + histograms.length, 0);
  } finally {
    block.close();
  }
});

test('a time range cuts samples at both ends, inclusive', () => {
  const { directory, dump } = blocksIn(testdata)[0];
  const [line] = readDump(dump).series.filter(({ samples }) => samples.length > 130);
  const block = Block.open(directory);
  const entry = new SeriesEntry();
  try {
    block.series(line.ref, entry);
    const all = goldenText(line.samples);
    for (const [from, to] of [
      [0, all.length - 1],
      [5, 5],
      [100, 130],
      [119, 120],
      [121, 125],
    ] as const) {
      const floats = new SampleBuffer();
      block.readSamples(line.ref, entry, line.samples[from][0], line.samples[to][0], floats, []);
      assert.deepEqual(columnsText(floats), all.slice(from, to + 1));
    }
  } finally {
    block.close();
  }
});

function compareBlock(directory: string, dump: GoldenDump): void {
  const block = Block.open(directory);
  try {
    const { head } = dump;
    assert.equal(block.index.symbols.count, head.numSymbols);
    if (head.symbols !== undefined) {
      assert.deepEqual([...block.index.symbols], head.symbols);
      for (const [ref, symbol] of head.symbols.entries()) assert.equal(block.index.symbols.indexOf(symbol), ref);
    }
    assert.deepEqual(block.labelNames(), head.labelNames);
    const tombstones = new Map(
      (head.tombstones ?? []).map(({ ref, intervals }) => [
        ref,
        intervals.map(([minTime, maxTime]) => ({ minTime, maxTime })),
      ]),
    );
    assert.deepEqual(block.tombstones, tombstones);
    assert.equal(block.meta.ulid, head.meta['ulid']);
    assert.equal(block.meta.minTime, head.meta['minTime']);
    assert.equal(block.meta.maxTime, head.meta['maxTime']);
    const ids = [...block.match([])];
    assert.deepEqual(
      ids,
      dump.series.map(({ ref }) => ref),
    );
    assert.deepEqual([...block.index.walk()], ids);
    const entry = new SeriesEntry();
    const chunk = new ChunkView();
    for (const line of dump.series) {
      assert.deepEqual([...block.series(line.ref, entry)], line.labels);
      assert.equal(entry.chunkCount, line.chunks.length);
      line.chunks.forEach((expected, i) => {
        assert.equal(packRef(entry.segments[i], entry.offsets[i]), expected.ref);
        assert.equal(entry.minTimes[i], expected.mint);
        assert.equal(entry.maxTimes[i], expected.maxt);
        block.chunk(entry, i, chunk);
        const data = chunk.bytes.subarray(chunk.offset, chunk.offset + chunk.length);
        assert.equal(chunk.encoding, encodings[expected.enc]);
        assert.equal(chunkSampleCount(data), expected.num);
        assert.equal(Buffer.from(data).toString('base64'), expected.data);
      });
      if (tombstones.has(line.ref)) continue;
      const floats = new SampleBuffer();
      const histograms: HistogramSample[] = [];
      block.readSamples(line.ref, entry, MIN_TIME, MAX_TIME, floats, histograms);
      // Joined, because comparing long lists item by item takes the test's whole time.
      assert.equal(columnsText(floats).join('\n'), goldenText(line.samples).join('\n'));
      assert.equal(histograms.map(histogramText).join('\n'), histogramsOf(line.samples).join('\n'));
    }
  } finally {
    block.close();
  }
}

function histogramsOf(samples: readonly GoldenSample[]): string[] {
  return samples.flatMap(([time, value]) => (typeof value === 'string' ? [] : [goldenHistogramText(time, value)]));
}

/** Between chunks that a deletion touched the reference hands out other hints than the chunk's reader. */
function withoutHints(texts: readonly string[]): string[] {
  return texts.map((text) => text.replace(/"hint":"[a-z]+"/, ''));
}

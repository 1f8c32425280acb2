// Blocks with histograms, read, written again and read once more: the same samples, and chunks with the same bytes where
// nothing cut them for size.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { peer } from '../../dev/peers.ts';
import { kindOf } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Block } from './block.ts';
import { BlockWriter } from './block-writer.ts';
import { ChunkView } from './chunks/segment-reader.ts';
import { columnsText, goldenBlocks, histogramText, testdata } from './golden-fixture.ts';
import { SeriesEntry } from './index/series-entry.ts';

const promtool = await peer('promtool');
let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tributary-histogram-blocks-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

interface SeriesDump {
  readonly labels: Labels;
  readonly floats: SampleBuffer;
  readonly histograms: HistogramSample[];
  readonly chunks: { readonly minTime: number; readonly maxTime: number; readonly text: string }[];
}

function dumpBlock(directory: string): { dump: SeriesDump[]; block: Block } {
  const block = Block.open(directory);
  const dump: SeriesDump[] = [];
  const entry = new SeriesEntry();
  const view = new ChunkView();
  try {
    for (const id of block.match([])) {
      const one: SeriesDump = {
        labels: block.series(id, entry),
        floats: new SampleBuffer(),
        histograms: [],
        chunks: [],
      };
      block.readSamples(id, entry, MIN_TIME, MAX_TIME, one.floats, one.histograms);
      for (let i = 0; i < entry.chunkCount; i++) {
        block.chunk(entry, i, view);
        const { bytes, offset, length, encoding } = view;
        const text = `${encoding} ${Buffer.from(bytes.subarray(offset, offset + length)).toString('hex')}`;
        one.chunks.push({ minTime: entry.minTimes[i], maxTime: entry.maxTimes[i], text });
      }
      dump.push(one);
    }
  } finally {
    block.close();
  }
  return { dump: dump.filter(({ floats, histograms }) => floats.length + histograms.length > 0), block };
}

/** Without the hint, which tells where chunks begin. */
function sampleText(sample: HistogramSample): string {
  return histogramText(sample).replace(/"hint":"(unknown|not-?reset)",/, '');
}

function compareRewritten(directory: string): { equalChunks: number; histogramCount: number } {
  const { dump, block } = dumpBlock(directory);
  const { ulid, minTime, maxTime } = block.meta;
  const writer = new BlockWriter(parent, { ulid, minTime, maxTime });
  for (const { labels, floats, histograms } of dump) writer.addSeries(labels, floats, histograms);
  const { stats } = writer.finish();
  const written = dumpBlock(join(parent, ulid)).dump;
  rmSync(join(parent, ulid), { recursive: true });
  assert.equal(written.length, dump.length);
  let equalChunks = 0;
  let histogramCount = 0;
  let floatCount = 0;
  for (const [i, before] of dump.entries()) {
    const after = written[i];
    assert.equal(after.labels.key, before.labels.key);
    assert.deepEqual(columnsText(after.floats), columnsText(before.floats));
    assert.deepEqual(after.histograms.map(widestText), before.histograms.map(widestText), String(before.labels));
    histogramCount += before.histograms.length;
    floatCount += before.floats.length;
    const known = new Set(before.chunks.map(({ text }) => text));
    equalChunks += after.chunks.filter(({ text }) => known.has(text)).length;
  }
  assert.equal(stats.numHistogramSamples, histogramCount);
  assert.equal(stats.numFloatSamples, floatCount);
  assert.equal(stats.numSamples, histogramCount + floatCount);
  return { equalChunks, histogramCount };
}

/** Buckets by index, since empty ones come and go with the chunk a sample is in. */
function widestText(sample: HistogramSample): string {
  const { histogram } = sample;
  const sides = [
    [histogram.positiveSpans, histogram.kind === 'integer' ? histogram.positiveDeltas : histogram.positiveCounts],
    [histogram.negativeSpans, histogram.kind === 'integer' ? histogram.negativeDeltas : histogram.negativeCounts],
  ] as const;
  const buckets = sides.map(([spans, stored]) => {
    const found: string[] = [];
    let [index, at, count] = [0, 0, 0];
    for (const span of spans) {
      index += span.offset;
      for (let n = 0; n < span.length; n++, index++, at++) {
        count = histogram.kind === 'integer' ? count + stored[at] : stored[at];
        if (count !== 0) found.push(`${index}:${count}`);
      }
    }
    return found.join(' ');
  });
  const rest = JSON.parse(sampleText(sample)) as Record<string, unknown>;
  for (const key of ['positiveSpans', 'negativeSpans', 'positive', 'negative']) delete rest[key];
  return JSON.stringify([rest, buckets]);
}

describe('blocks are read, written again and read equal', () => {
  for (const set of ['basic', 'tombstones']) {
    test(`${set} from testdata`, () => {
      for (const name of readdirSync(join(testdata, set))) compareRewritten(join(testdata, set, name));
    });
  }

  for (const [set, leastHistograms, leastEqual] of [
    ['histograms', 5000, 20],
    ['histlong', 10_000, 0],
    ['ha-A', 500, 30],
    ['ooo', 0, 0],
  ] as const) {
    test.skipIf(goldenBlocks() === undefined)(`${set} of the golden data`, { timeout: 60_000 }, () => {
      let [histograms, equal] = [0, 0];
      for (const name of readdirSync(join(goldenBlocks()!, set))) {
        const { equalChunks, histogramCount } = compareRewritten(join(goldenBlocks()!, set, name));
        histograms += histogramCount;
        equal += equalChunks;
      }
      assert.ok(
        histograms >= leastHistograms && equal >= leastEqual,
        `${histograms} histograms, ${equal} equal chunks`,
      );
    });
  }
});

test.skipIf(goldenBlocks() === undefined || promtool === undefined)(
  'promtool reads in a written block what it reads in the reference’s',
  { timeout: 60_000 },
  () => {
    const set = join(goldenBlocks()!, 'histograms');
    const [ulid] = readdirSync(set);
    const { dump, block } = dumpBlock(join(set, ulid));
    const { minTime, maxTime } = block.meta;
    const [theirs, own] = ['theirs', 'own'].map((name) => join(parent, name));
    for (const database of [theirs, own]) mkdirSync(join(database, 'wal'), { recursive: true });
    cpSync(join(set, ulid), join(theirs, ulid), { recursive: true });
    const writer = new BlockWriter(own, { ulid, minTime, maxTime });
    for (const { labels, floats, histograms } of dump) writer.addSeries(labels, floats, histograms);
    writer.finish();
    const [expected, found] = [theirs, own].map((database) =>
      execFileSync(promtool!, ['tsdb', 'dump', database], { encoding: 'utf8', maxBuffer: 256 << 20 }).split('\n'),
    );
    assert.ok(expected.length > 5000, `${expected.length} lines`);
    assert.deepEqual(found, expected);
  },
);

describe('the writer refuses', () => {
  const histogram: HistogramSample = {
    time: 5,
    histogram: {
      kind: 'integer',
      hint: 'unknown',
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 0,
      count: 1,
      sum: 1,
      sumHigh: 0x3ff00000,
      sumLow: 0,
      positiveSpans: [{ offset: 0, length: 1 }],
      negativeSpans: [],
      positiveDeltas: [1],
      negativeDeltas: [],
      customValues: [],
    },
  };
  const at = (time: number): HistogramSample => ({ ...histogram, time });
  const floatAt5 = new SampleBuffer();
  floatAt5.push(5, 1);
  const none = new SampleBuffer();
  for (const [what, floats, histograms] of [
    ['a float and a histogram at one time', floatAt5, [at(1), at(5)]],
    ['histograms out of order', none, [at(5), at(4)]],
    ['two histograms at one time', none, [at(5), at(5)]],
    ['a histogram before the block', none, [at(-1)]],
    ['a histogram at its exclusive end', none, [at(100)]],
    ['fewer buckets than spans say', none, [{ time: 1, histogram: { ...histogram.histogram, positiveDeltas: [] } }]],
    [
      'a span that goes back',
      none,
      [
        {
          time: 1,
          histogram: {
            ...histogram.histogram,
            positiveSpans: [
              { offset: 0, length: 1 },
              { offset: -1, length: 1 },
            ],
            positiveDeltas: [1, 1],
          },
        },
      ],
    ],
  ] as [string, SampleBuffer, HistogramSample[]][]) {
    test(what, () => {
      const writer = new BlockWriter(parent, { ulid: '01M825161K2K92BNB3ZDTVS2F2', minTime: 0, maxTime: 100 });
      assert.throws(
        () => writer.addSeries(Labels.of({ a: '1' }), floats, histograms),
        (thrown) => kindOf(thrown) === 'invalid',
      );
      writer.abort();
    });
  }
});

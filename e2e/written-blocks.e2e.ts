// A block that we wrote, with floats, both kinds of histograms and deletions, in the hands of the reference: promtool reads
// it, Prometheus answers from it and leaves out what is deleted, and the bucket's verification finds nothing.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFailed, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { emptyThanos, parseMeta, printMeta } from '../pkg/block/meta.ts';
import type { HistogramSample } from '../pkg/model/histogram.ts';
import { Labels } from '../pkg/model/labels.ts';
import { SampleBuffer } from '../pkg/storage/sample-columns.ts';
import { Block } from '../pkg/tsdb/block.ts';
import { BlockWriter } from '../pkg/tsdb/block-writer.ts';
import { SeriesEntry } from '../pkg/tsdb/index/series-entry.ts';
import { openBlock } from '../pkg/tsdb/library.ts';
import { type Interval, printTombstones } from '../pkg/tsdb/tombstones.ts';
import { complaintsOfVerify } from './harness/bucket-tool.ts';
import { Cluster } from './harness/cluster.ts';
import { ask, instant, resultOf } from './harness/compare.ts';
import { filesystemYaml } from './harness/programs.ts';
import { startPrometheus } from './harness/prometheus.ts';

const [prometheus, promtool, thanos] = await Promise.all([peer('prometheus'), peer('promtool'), peer('thanos')]);

const ULID = '01M825161K2K92BNB3ZDTVS2F2';
const HOUR_MS = 3_600_000;
const START_MS = 1_718_668_800_000;
const END_MS = START_MS + 2 * HOUR_MS;
const STEP_MS = 15_000;
const COUNT = (END_MS - START_MS) / STEP_MS;
const at = (i: number): number => START_MS + i * STEP_MS;

/** What is deleted of the series of each kind, and how many samples that leaves. */
const deletions: Readonly<Record<string, { readonly intervals: readonly Interval[]; readonly left: number }>> = {
  // Within chunks, over several, and past the end of the block.
  float: {
    intervals: [
      { minTime: at(10), maxTime: at(19) },
      { minTime: at(100), maxTime: at(399) },
    ],
    left: COUNT - 310,
  },
  integer: { intervals: [{ minTime: at(50), maxTime: at(149) - 1 }], left: COUNT - 99 },
  floats_of_buckets: { intervals: [{ minTime: at(400), maxTime: Number.MAX_SAFE_INTEGER }], left: 400 },
  whole: { intervals: [{ minTime: 0, maxTime: END_MS }], left: 0 },
  untouched: { intervals: [], left: COUNT },
};
const kinds = Object.keys(deletions).sort();
const LEFT = kinds.reduce((sum, kind) => sum + deletions[kind].left, 0);

function floats(): SampleBuffer {
  const samples = new SampleBuffer(COUNT);
  for (let i = 0; i < COUNT; i++) samples.push(at(i), i * 1.5);
  return samples;
}

function histograms(kind: 'integer' | 'float'): HistogramSample[] {
  const view = new DataView(new ArrayBuffer(8));
  return Array.from({ length: COUNT }, (_, i) => {
    const counts = [i, 2 * i, 3 * i + 1];
    view.setFloat64(0, i * 0.25);
    const shared = {
      hint: 'unknown',
      schema: 2,
      zeroThreshold: 2 ** -128,
      zeroCount: i,
      count: i + counts[0] + counts[1] + counts[2],
      sum: view.getFloat64(0),
      sumHigh: view.getUint32(0),
      sumLow: view.getUint32(4),
      positiveSpans: [
        { offset: -2, length: 1 },
        { offset: 3, length: 2 },
      ],
      negativeSpans: [],
      customValues: [],
    } as const;
    const buckets =
      kind === 'float'
        ? ({ kind, positiveCounts: Float64Array.from(counts), negativeCounts: new Float64Array(0) } as const)
        : ({
            kind,
            positiveDeltas: counts.map((count, b) => count - (counts[b - 1] ?? 0)),
            negativeDeltas: [],
          } as const);
    return { time: at(i), histogram: { ...shared, ...buckets } };
  });
}

/** The block, with deletions and with what makes it one of a bucket. */
function writeBlock(parent: string): string {
  const directory = join(parent, ULID);
  const writer = new BlockWriter(parent, { ulid: ULID, minTime: START_MS, maxTime: END_MS });
  for (const kind of kinds) {
    const labels = Labels.of({ __name__: 'written', kind });
    if (kind === 'integer') writer.addSeries(labels, new SampleBuffer(), histograms('integer'));
    else if (kind === 'floats_of_buckets') writer.addSeries(labels, new SampleBuffer(), histograms('float'));
    else writer.addSeries(labels, floats());
  }
  writer.finish();
  const block = Block.open(directory);
  const tombstones = new Map<number, readonly Interval[]>();
  const entry = new SeriesEntry();
  for (const id of block.match([])) {
    const { intervals } = deletions[block.series(id, entry).get('kind')];
    if (intervals.length > 0) tombstones.set(id, intervals);
  }
  block.close();
  writeFileSync(join(directory, 'tombstones'), printTombstones(tombstones));
  const metaFile = join(directory, 'meta.json');
  const meta = parseMeta(readFileSync(metaFile));
  const thanosPart = { ...emptyThanos, version: 1, labels: Labels.of({ cluster: 'eu' }), source: 'test' };
  const stats = { ...meta.stats, numTombstones: tombstones.size };
  writeFileSync(metaFile, printMeta({ ...meta, stats, thanos: { ...thanosPart, segmentFiles: ['000001'] } }));
  return directory;
}

describe.skipIf(prometheus === undefined || promtool === undefined || thanos === undefined)('a block of ours', () => {
  const cluster = new Cluster('written-blocks');
  let bucket: string;
  let data: string;

  beforeAll(() => {
    bucket = cluster.path('bucket');
    const directory = writeBlock(bucket);
    data = cluster.path('data');
    cpSync(directory, join(data, ULID), { recursive: true });
    mkdirSync(join(data, 'wal'), { recursive: true });
  });
  afterAll(() => cluster.close());

  const run = (...args: string[]): string =>
    execFileSync(promtool!, args, { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'pipe'] });

  test('is read by ourselves without what is deleted', async () => {
    const block = await openBlock(join(data, ULID));
    try {
      let found = 0;
      for await (const series of block.series([])) found += series.floats.length + series.histograms.length;
      assert.equal(found, LEFT);
    } finally {
      await block.close();
    }
  });

  test('is found sound by promtool, which leaves out what is deleted', () => {
    assert.match(run('tsdb', 'analyze', data, ULID), new RegExp(`Total Series: ${kinds.length}\n`));
    const lines = run('tsdb', 'dump', data).trim().split('\n');
    for (const kind of kinds) {
      const own = lines.filter((line) => line.includes(`kind="${kind}"`));
      assert.equal(own.length, deletions[kind].left, kind);
    }
  });

  test('is answered from by Prometheus as it stands, without what is deleted', { timeout: 60_000 }, async () => {
    onTestFailed(() => console.error(cluster.logs));
    const { url } = await startPrometheus(cluster, prometheus!, {
      name: 'written',
      externalLabels: {},
      targets: [],
      scrapeInterval: '1m',
      blockDuration: '2h',
      retention: '100y',
      directory: data,
    });
    const valuesOf = async (query: string): Promise<Record<string, string>> => {
      const entries = resultOf(await ask(url, instant(query, END_MS)));
      return Object.fromEntries(entries.map(({ metric, value }) => [metric['kind'], value![1]]));
    };
    const expected = kinds.filter((kind) => deletions[kind].left > 0);
    assert.deepEqual(
      await valuesOf('count_over_time(written[3h])'),
      Object.fromEntries(expected.map((kind) => [kind, String(deletions[kind].left)])),
    );
    // The last that is left: number 399 of what ends there, 479 of the others.
    assert.deepEqual(await valuesOf('histogram_count(last_over_time(written{kind=~"integer|floats.*"}[3h]))'), {
      integer: String(7 * 479 + 1),
      floats_of_buckets: String(7 * 399 + 1),
    });
    assert.deepEqual(await valuesOf('histogram_sum(last_over_time(written{kind=~"integer|floats.*"}[3h]))'), {
      integer: String(479 * 0.25),
      floats_of_buckets: String(399 * 0.25),
    });
  });

  test('passes the verification of a bucket by the reference', { timeout: 60_000 }, async () => {
    assert.equal(await complaintsOfVerify(thanos!, filesystemYaml(bucket)), undefined);
  });
});

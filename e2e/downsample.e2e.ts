// One raw block downsampled by the reference and by us: equal blocks, which the reference's store and querier answer from
// alike; and answers over them that are those over the raw samples, as far as docs/components/compact.md says so.

import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { type BlockMeta, emptyThanos, parseMeta, printMeta } from '../pkg/block/meta.ts';
import { blockFiles } from '../pkg/block/upload.ts';
import { aggregatesIn } from '../pkg/compact/aggregates-fixture.ts';
import type { FloatHistogram, HistogramSample } from '../pkg/model/histogram.ts';
import { Labels } from '../pkg/model/labels.ts';
import { SampleBuffer } from '../pkg/storage/sample-columns.ts';
import { BlockWriter } from '../pkg/tsdb/block-writer.ts';
import { complaintsOfVerify } from './harness/bucket-tool.ts';
import { Cluster } from './harness/cluster.ts';
import { ask, compareQueriers, instant, type Question, range, resultOf } from './harness/compare.ts';
import { freePort, waitUntil } from './harness/process.ts';
import {
  filesystemYaml,
  ours,
  type Program,
  reference,
  type Service,
  startQuery,
  startStore,
} from './harness/programs.ts';

const thanos = await peer('thanos');

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAYS = 11;
/** A multiple of two weeks. */
const BASE_MS = 1_717_632_000_000;
const END_MS = BASE_MS + DAYS * 24 * HOUR_MS;
const RAW = '01HZP0000000000000000000RW';
const DONE_MS = 60_000;

describe.skipIf(thanos === undefined)('a block downsampled by the reference and by us', () => {
  const cluster = new Cluster('downsample');
  const buckets = { theirs: '', ours: '' };
  let readers: { readonly theirs: Service; readonly ours: Service; readonly allOurs: Service };

  beforeAll(async () => {
    const raw = await writeRawBlock(cluster.path('raw'));
    for (const [who, program] of [
      ['theirs', reference(thanos!)],
      ['ours', ours],
    ] as const) {
      const bucket = cluster.path(`bucket-${who}`);
      cpSync(raw, join(bucket, RAW), { recursive: true });
      // What a kill in the middle leaves behind is made up for.
      if (who === 'ours') await downsample(cluster, program, bucket, 'killed');
      await downsample(cluster, program, bucket);
      buckets[who] = bucket;
    }
    const reader = async (name: string, program: Program, bucket: string): Promise<Service> => {
      const store = await startStore(cluster, program, name, filesystemYaml(bucket));
      return startQuery(cluster, program, name, [store]);
    };
    const [theirs, own, allOurs] = await Promise.all([
      reader('over-theirs', reference(thanos!), buckets.theirs),
      reader('over-ours', reference(thanos!), buckets.ours),
      reader('all-ours', ours, buckets.ours),
    ]);
    readers = { theirs, ours: own, allOurs };
  });
  afterAll(() => cluster.close());

  test('is equal in every aggregate, and nothing is wrong with it', async () => {
    for (const resolutionMs of [300_000, HOUR_MS]) {
      const [theirs, own] = [blockOf(buckets.theirs, resolutionMs), blockOf(buckets.ours, resolutionMs)];
      assert.deepEqual(facts(own), facts(theirs));
      const [a, b] = [aggregatesIn(join(buckets.theirs, theirs.ulid)), aggregatesIn(join(buckets.ours, own.ulid))];
      assert.ok(a.length > 100);
      assert.deepEqual(b, a);
    }
    assert.equal(await complaintsOfVerify(thanos!, filesystemYaml(buckets.ours)), undefined);
  });

  test('gives the same answers to the reference', async () => {
    const questions = ['5m', '1h'].flatMap((resolution) => questionsAt(resolution));
    const found = await compareQueriers(readers.theirs.url, readers.ours.url, questions);
    assert.deepEqual([...found.values()], []);
    for (const question of questions) {
      assert.ok(resultOf(await ask(readers.ours.url, question)).length > 0, JSON.stringify(question.params));
    }
  });

  for (const resolution of ['5m', '1h'] as const) {
    test(`answers at ${resolution} as the raw samples do, as far as windows allow`, async () => {
      const more = { max_source_resolution: resolution };
      for (const [query, tolerance] of [
        // Values are whole numbers, so that sums are exact in any order.
        ['sum_over_time(gauge{kind!="nan"}[6h])', 0],
        ['min_over_time(gauge[6h])', 0],
        ['max_over_time(gauge[6h])', 0],
        ['min_over_time(counter_total[6h])', 0],
        ['max_over_time(counter_total[6h])', 0],
        // Every window of these has as many samples.
        ['avg_over_time(gauge{kind="regular"}[6h])', 1e-9],
        // Extrapolated over what may be missing at one end: a window of 72, or of 6.
        ['increase(counter_total[6h])', resolution === '5m' ? 0.03 : 0.2],
        // With resets they count too much where a chunk follows one with a reset, as the reference's do.
        ['histogram_count(increase(latency{kind="steady"}[6h]))', resolution === '5m' ? 0.03 : 0.2],
      ] as const) {
        let compared = 0;
        for (let hour = 6; hour <= DAYS * 24; hour += 66) {
          // Ranges leave their start out, and windows are written at their last millisecond.
          const timeMs = BASE_MS + hour * HOUR_MS - 1;
          const questions = [instant(query, timeMs), instant(query, timeMs, more)];
          const answers = await Promise.all(questions.map((question) => ask(readers.allOurs.url, question)));
          const [raw, downsampled] = answers.map(valuesOf);
          assert.deepEqual([...downsampled.keys()], [...raw.keys()], `${query} at hour ${hour}`);
          for (const [series, value] of raw) {
            const other = downsampled.get(series)!;
            const isClose = Math.abs(value - other) <= tolerance * Math.max(Math.abs(value), Math.abs(other));
            assert.ok(
              isClose || Object.is(value, other),
              `${query} at hour ${hour}: ${series} is ${value}, or ${other}`,
            );
            compared++;
          }
        }
        assert.ok(compared > 3, query);
      }
    });
  }
});

/** Counters with and without resets, gauges of every density, stale markers, numbers that are none, native histograms. */
async function writeRawBlock(parent: string): Promise<string> {
  const random = randomFrom(7);
  const writer = new BlockWriter(parent, { ulid: RAW, minTime: BASE_MS, maxTime: END_MS });
  const floats = (name: string, kind: string, stepMs: number, next: (i: number) => number | 'stale'): void => {
    const samples = new SampleBuffer();
    let i = 0;
    for (let time = BASE_MS; time < END_MS; time += stepMs) {
      const value = next(i++);
      const jittered = time + Math.floor(random() * Math.min(stepMs, 20_000));
      if (value === 'stale') samples.pushStale(jittered);
      else samples.push(jittered, value);
    }
    writer.addSeries(Labels.of({ __name__: name, kind }), samples);
  };
  let count = 0;
  const grow = (resetChance: number): number => {
    count = random() < resetChance ? Math.floor(random() * 20) : count + 1 + Math.floor(random() * 20);
    return count;
  };
  floats('counter_total', 'resets', MINUTE_MS, () => grow(0.002));
  floats('counter_total', 'stale', MINUTE_MS, () => (random() < 0.03 ? 'stale' : grow(0.0005)));
  floats('counter_total', 'steady', MINUTE_MS, () => grow(0));
  const anything = (): number => Math.floor(random() * 2000) - 1000;
  floats('gauge', 'nan', MINUTE_MS, () => (random() < 0.2 ? Number.NaN : anything()));
  floats('gauge', 'regular', MINUTE_MS, anything);
  floats('gauge', 'sparse', 50 * MINUTE_MS, anything);
  floats('gauge', 'stale', 7 * MINUTE_MS, () => (random() < 0.1 ? 'stale' : anything()));
  for (const [kind, resetChance] of [
    ['resets', 0.003],
    ['steady', 0],
  ] as const) {
    const counts = [0, 0, 0, 0, 0];
    const samples: HistogramSample[] = [];
    for (let time = BASE_MS; time < END_MS; time += 4 * MINUTE_MS) {
      const isReset = random() < resetChance;
      for (const i of counts.keys()) counts[i] = isReset ? 0 : counts[i] + 2 + Math.floor(random() * 5);
      samples.push({ time, histogram: histogramOf(counts) });
    }
    writer.addSeries(Labels.of({ __name__: 'latency', kind }), new SampleBuffer(), samples);
  }
  const { others: _others, ...base } = writer.finish();
  const directory = join(parent, RAW);
  const files = await blockFiles(directory, '');
  const labels = Labels.of({ cluster: 'downsample' });
  const thanosPart = { ...emptyThanos, version: 1, labels, source: 'sidecar', files, segmentFiles: ['000001'] };
  writeFileSync(join(directory, 'meta.json'), printMeta({ ...base, thanos: thanosPart }));
  rmSync(join(directory, 'tombstones'), { force: true });
  return directory;
}

function histogramOf(counts: readonly number[]): FloatHistogram {
  const sum = new Float64Array([counts.reduce((total, count, i) => total + count * 2 ** i, 0)]);
  const [sumLow, sumHigh] = new Uint32Array(sum.buffer);
  return {
    kind: 'float',
    hint: 'unknown',
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount: 0,
    count: counts.reduce((total, count) => total + count, 0),
    sum: sum[0],
    sumHigh,
    sumLow,
    positiveSpans: [{ offset: 0, length: counts.length }],
    negativeSpans: [],
    positiveCounts: Float64Array.from(counts),
    negativeCounts: new Float64Array(0),
    customValues: [],
  };
}

/** Numbers that are the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Runs the tool until both coarser blocks are there, or kills it when it has begun with the first. */
async function downsample(cluster: Cluster, program: Program, bucket: string, end?: 'killed'): Promise<void> {
  const dataDir = cluster.path(`data-${program.name}`);
  const server = await cluster.start({
    name: `${program.name} downsample`,
    command: program.command,
    args: [
      ...program.args,
      ...['tools', 'bucket', 'downsample', `--http-address=127.0.0.1:${await freePort()}`],
      `--objstore.config=${filesystemYaml(bucket)}`,
      `--data-dir=${dataDir}`,
    ],
    cwd: cluster.directory,
  });
  const work = join(dataDir, 'downsample', RAW);
  const isAtWork = (): boolean => existsSync(work) && readdirSync(work).some((name) => name.includes('.tmp'));
  if (end === 'killed') await waitUntil('it is at work', DONE_MS, async () => isAtWork() || metasIn(bucket).length > 1);
  else await waitUntil('both blocks are there', DONE_MS, async () => metasIn(bucket).length === 3);
  await server.kill();
}

function metasIn(bucket: string): BlockMeta[] {
  const paths = readdirSync(bucket).map((ulid) => join(bucket, ulid, 'meta.json'));
  const texts = paths.filter((path) => existsSync(path)).map((path) => readFileSync(path));
  // The reference's uploads are not atomic.
  return texts.filter((text) => text.at(-1) === 0x0a).map((text) => parseMeta(text));
}

function blockOf(bucket: string, resolutionMs: number): BlockMeta {
  return metasIn(bucket).find(({ thanos }) => thanos.resolutionMs === resolutionMs)!;
}

function facts({ minTime, maxTime, stats, compaction, thanos }: BlockMeta): object {
  const { labels, source, segmentFiles, extensions } = thanos;
  return { minTime, maxTime, stats, compaction, labels: String(labels), source, segmentFiles, extensions };
}

function questionsAt(resolution: string): Question[] {
  const over = { startMs: BASE_MS + 24 * HOUR_MS, endMs: END_MS - HOUR_MS, stepMs: 6 * HOUR_MS };
  const more = { max_source_resolution: resolution };
  return [
    'counter_total',
    'gauge',
    'sum by (kind) (rate(counter_total[12h]))',
    'increase(counter_total[12h])',
    'count_over_time(gauge[12h])',
    'sum_over_time(gauge[12h])',
    'avg_over_time(gauge[12h])',
    'min_over_time(gauge[12h])',
    'max_over_time(gauge[12h])',
    'histogram_count(rate(latency[12h]))',
    'histogram_quantile(0.9, rate(latency[12h]))',
  ].map((query) => range(query, over, more));
}

function valuesOf(answer: Awaited<ReturnType<typeof ask>>): Map<string, number> {
  const entries = resultOf(answer).map(({ metric, value }) => [JSON.stringify(metric), Number(value[1])] as const);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

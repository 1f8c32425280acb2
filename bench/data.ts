// The buckets the comparison runs on: two replicas of one Prometheus, a scrape every 15 s, in blocks of two hours; a day
// of it, and two days of more than twice the series, over which queries read sixty million samples.
// A pure function of its constants, so that every run on every machine reads the same bytes; made once and kept.
// What only compaction needs: compaction-data.ts.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { META_FILE } from '../pkg/block/layout.ts';
import { emptyThanos, parseMeta, printMeta } from '../pkg/block/meta.ts';
import { compareLabels, Labels, METRIC_NAME } from '../pkg/model/labels.ts';
import { newUlid } from '../pkg/model/ulid.ts';
import { SampleBuffer } from '../pkg/storage/sample-columns.ts';
import { BlockWriter, type BlockWriterOptions } from '../pkg/tsdb/block-writer.ts';

export const START_MS = Date.UTC(2025, 5, 2);
const DAY_MS = 86_400_000;
export const END_MS = START_MS + DAY_MS;
/** End of the large bucket. */
export const LARGE_END_MS = START_MS + 2 * DAY_MS;
export const REPLICAS = ['r0', 'r1'] as const;

const SCRAPE_MS = 15_000;
const BLOCK_MS = 2 * 3_600_000;
const JITTERED = 0.02;
const MISSED = 0.002;
/** Replica r1 is away for these ten minutes. */
const OUTAGE = { from: START_MS + 9 * 3_600_000, to: START_MS + 9 * 3_600_000 + 600_000 } as const;
/** Part of the folder's name: to be raised whenever the data change. */
const VERSION = 1;

const LE = ['0.005', '0.01', '0.025', '0.1', '0.25', '0.5', '1', '5', '+Inf'];
const SHARE_BELOW = [0.18, 0.4, 0.63, 0.86, 0.94, 0.975, 0.992, 0.999, 1];
const NAMESPACES = ['cart', 'catalog', 'identity', 'mail', 'payment', 'search', 'shipping', 'web'];

export interface Target {
  readonly seed: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly isNode: boolean;
}

export interface BenchSeries {
  readonly target: Target;
  readonly labels: Labels;
  readonly valueAt: (timeMs: number) => number;
}

/** Hears of each block that is written. */
export type Progress = (written: number, wanted: number) => void;

/** The bucket's folder, written first when it is not there yet. */
export function benchBucket(progress: Progress): string {
  return keptBucket(`${VERSION}`, (folder) => writeBlocks(folder, series, END_MS, progress));
}

/** The same over `LARGE_END_MS` and the series of 18 pods a namespace: 48 blocks, half a gigabyte. */
export function largeBucket(progress: Progress): string {
  return keptBucket(`large-${VERSION}`, (folder) => writeBlocks(folder, seriesOf(18), LARGE_END_MS, progress));
}

function writeBlocks(folder: string, all: readonly BenchSeries[], endMs: number, progress: Progress): void {
  const wanted = ((endMs - START_MS) / BLOCK_MS) * REPLICAS.length;
  let written = 0;
  for (let fromMs = START_MS; fromMs < endMs; fromMs += BLOCK_MS) {
    for (const [replica, name] of REPLICAS.entries()) {
      writeBlock(folder, all, replica, name, fromMs);
      progress(++written, wanted);
    }
  }
}

/** A folder that is made once and kept for further runs; a run that is killed leaves nothing under its name. */
export function keptBucket(name: string, write: (folder: string) => void): string {
  const folder = join(tmpdir(), `tributary-bench-${name}`);
  if (existsSync(folder)) return folder;
  const aside = `${folder}.writing-${process.pid}`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  write(aside);
  renameSync(aside, folder);
  return folder;
}

/** Whether a block of the bucket is of this replica. */
export function isOfReplica(blockDir: string, replica: (typeof REPLICAS)[number]): boolean {
  return parseMeta(readFileSync(join(blockDir, META_FILE))).thanos.labels.get('replica') === replica;
}

function writeBlock(parent: string, all: readonly BenchSeries[], replica: number, name: string, fromMs: number): void {
  const writer = new BlockWriter(parent, benchBlock(fromMs, fromMs + BLOCK_MS, replica));
  const samples = new SampleBuffer(600);
  const times = new Map<Target, readonly number[]>();
  for (const { target, labels, valueAt } of all) {
    let scrapes = times.get(target);
    if (scrapes === undefined) times.set(target, (scrapes = scrapeTimes(target, replica, fromMs, fromMs + BLOCK_MS)));
    samples.clear();
    for (const time of scrapes) samples.push(time, valueAt(time));
    writer.addSeries(labels, samples);
  }
  finishBlock(parent, writer, { cluster: 'bench', replica: name });
}

/** Options of a block whose identifier depends on its time and this number only. */
export function benchBlock(minTime: number, maxTime: number, number = 0): BlockWriterOptions {
  return { ulid: `${newUlid(maxTime).slice(0, 10)}${'0'.repeat(15)}${number}`, minTime, maxTime };
}

/** Completes a block as if a sidecar with these external labels had uploaded it. */
export function finishBlock(parent: string, writer: BlockWriter, labels: Readonly<Record<string, string>>): void {
  const { ulid } = writer.finish();
  const metaPath = join(parent, ulid, META_FILE);
  const thanos = {
    ...emptyThanos,
    version: 1,
    labels: Labels.of(labels),
    source: 'sidecar',
    segmentFiles: readdirSync(join(parent, ulid, 'chunks')).sort(),
  };
  writeFileSync(metaPath, printMeta({ ...parseMeta(readFileSync(metaPath)), thanos }));
}

/** Each replica scrapes a target at its own offset, now and then late, now and then not at all. */
function scrapeTimes(target: Target, replica: number, fromMs: number, toMs: number): number[] {
  const out: number[] = [];
  const salt = replica * 100;
  const offset = Math.floor(random(target.seed, salt + 1, 0) * SCRAPE_MS * 0.95);
  for (let k = Math.floor((fromMs - offset) / SCRAPE_MS); ; k++) {
    const jitter = random(target.seed, salt + 2, k) < JITTERED ? Math.floor(random(target.seed, salt + 3, k) * 500) : 0;
    const time = k * SCRAPE_MS + offset + jitter;
    if (time >= toMs) return out;
    if (time < fromMs || random(target.seed, salt + 4, k) < MISSED) continue;
    if (replica === 1 && time >= OUTAGE.from && time < OUTAGE.to) continue;
    out.push(time);
  }
}

function targetsOf(podsOfNamespace: number): Target[] {
  return [
    ...NAMESPACES.flatMap((namespace, n) =>
      Array.from({ length: podsOfNamespace }, (_, pod) => ({
        seed: 1 + n * podsOfNamespace + pod,
        isNode: false,
        labels: {
          job: 'pods',
          namespace,
          pod: `${namespace}-${(0x5d41 + n * 977 + pod * 131).toString(16)}-${pod}`,
          instance: `10.0.${n}.${pod + 10}:8080`,
        },
      })),
    ),
    ...Array.from({ length: 4 }, (_, node) => ({
      seed: 100 + node,
      isNode: true,
      labels: { job: 'node', instance: `node-${node}:9100` },
    })),
  ];
}

/** In label order. */
function seriesOf(podsOfNamespace: number): BenchSeries[] {
  return targetsOf(podsOfNamespace)
    .flatMap((target) => (target.isNode ? nodeSeries(target) : podSeries(target)))
    .sort((a, b) => compareLabels(a.labels, b.labels));
}

/** 2,192 of them, in label order. */
export const series: readonly BenchSeries[] = seriesOf(8);

export const SERIES_COUNT = series.length;

function podSeries(target: Target): BenchSeries[] {
  const { seed } = target;
  const out = [one(target, 'up', {}, () => 1)];
  for (const [h, handler] of ['/api/v1/items', '/api/v1/orders'].entries()) {
    const perSecond = (4 + (seed % 13)) / (1 + 2 * h);
    for (const [c, share] of [0.96, 0.03, 0.01].entries()) {
      const code = ['200', '404', '500'][c];
      out.push(one(target, 'http_requests_total', { handler, code }, counter(seed * 7 + h * 3 + c, perSecond * share)));
    }
    const total = counter(seed * 7 + h, perSecond);
    for (const [b, le] of LE.entries()) {
      const share = SHARE_BELOW[b];
      const valueAt = (time: number): number => Math.floor(total(time) * share);
      out.push(one(target, 'http_request_duration_seconds_bucket', { handler, le }, valueAt));
    }
    out.push(one(target, 'http_request_duration_seconds_count', { handler }, total));
    out.push(one(target, 'http_request_duration_seconds_sum', { handler }, (time) => total(time) * 0.0437));
  }
  out.push(one(target, 'container_memory_working_set_bytes', {}, gauge(seed, 3e8, 5e7, 4096)));
  out.push(one(target, 'container_memory_rss', {}, gauge(seed + 500, 2e8, 3e7, 4096)));
  const cpu = counter(seed + 600, 240);
  out.push(one(target, 'container_cpu_usage_seconds_total', {}, (time) => cpu(time) / 1000));
  out.push(one(target, 'container_network_receive_bytes_total', {}, counter(seed + 700, 52_000)));
  out.push(one(target, 'container_threads', {}, gauge(seed + 800, 40, 6, 1)));
  return out;
}

function nodeSeries(target: Target): BenchSeries[] {
  const { seed } = target;
  const load = gauge(seed, 400, 250, 1);
  const cpu = counter(seed, 130);
  return [
    one(target, 'up', {}, () => 1),
    one(target, 'node_load1', {}, (time) => load(time) / 100),
    one(target, 'node_memory_MemAvailable_bytes', {}, gauge(seed + 50, 6e9, 2e9, 4096)),
    one(target, 'node_cpu_seconds_total', { cpu: '0', mode: 'user' }, (time) => cpu(time) / 100),
  ];
}

function one(
  target: Target,
  name: string,
  labels: Readonly<Record<string, string>>,
  valueAt: (timeMs: number) => number,
): BenchSeries {
  return { target, labels: Labels.of({ [METRIC_NAME]: name, ...target.labels, ...labels }), valueAt };
}

/** Whole numbers that grow by about `perSecond` with two swings, and begin anew once or twice a day. */
function counter(seed: number, perSecond: number): (timeMs: number) => number {
  const life = (13 + (seed % 19)) * 3_600_000;
  const phase = (seed * 7_654_321) % life;
  const slow = (5 + (seed % 7)) * 3_600_000;
  const fast = (7 + (seed % 11)) * 60_000;
  const grown = (time: number): number =>
    (perSecond / 1000) *
    (time -
      ((0.5 * slow) / (2 * Math.PI)) * Math.cos((2 * Math.PI * time) / slow) -
      ((0.3 * fast) / (2 * Math.PI)) * Math.cos((2 * Math.PI * (time + seed * 9_973)) / fast));
  let begun = Number.NaN;
  let base = 0;
  return (time) => {
    const start = Math.floor((time - phase) / life) * life + phase;
    if (start !== begun) {
      begun = start;
      base = grown(start);
    }
    return Math.floor(grown(time) - base);
  };
}

/** A value that moves in steps of `unit` about every fourth scrape. */
function gauge(seed: number, middle: number, swing: number, unit: number): (timeMs: number) => number {
  const period = (3 + (seed % 9)) * 3_600_000;
  return (time) => {
    const slow = Math.sin((2 * Math.PI * (time + seed * 777_777)) / period);
    const noise = random(seed, 9, Math.floor(time / 60_000)) - 0.5;
    return Math.floor((middle + swing * (0.8 * slow + 0.3 * noise)) / unit) * unit;
  };
}

/** A number in [0, 1) that depends on its arguments only (a 32-bit integer hash). */
export function random(seed: number, salt: number, k: number): number {
  let x = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b) ^ Math.imul(k | 0, 0xc2b2ae35)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

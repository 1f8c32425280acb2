// The demonstration's past: what two replicas of one Prometheus would have scraped from a small shop, as pure functions
// of time. The same moment always gives the same sample, so history can be extended at every start without a seam.

import { compareLabels, Labels, METRIC_NAME } from '../../pkg/model/labels.ts';
import { SampleBuffer } from '../../pkg/storage/sample-columns.ts';

export const DEMO_REPLICAS = ['a', 'b'] as const;
export type DemoReplica = (typeof DEMO_REPLICAS)[number];

const SCRAPE_INTERVAL_MS = 15_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A scraped process: its series share their timestamps, its counters restart with it. */
interface Target {
  readonly job: string;
  readonly instance: string;
  /** Tells targets apart in every pseudo-random choice. */
  readonly seed: number;
  readonly restartEveryMs: number;
}

interface DemoSeries {
  readonly target: Target;
  readonly labels: Labels;
  /** The value at a moment; `target` tells when its process started. */
  readonly valueAt: (timeMs: number) => number;
}

const targets: readonly Target[] = [
  ...['shop-0:8080', 'shop-1:8080', 'shop-2:8080'].map((instance, i) => target('shop', instance, 11 + i)),
  ...['payment-0:8080', 'payment-1:8080'].map((instance, i) => target('payment', instance, 23 + i)),
  ...['node-1:9100', 'node-2:9100', 'node-3:9100'].map((instance, i) => target('node', instance, 37 + i)),
];

const definitions: readonly DemoSeries[] = targets
  .flatMap((one) => [
    series(one, 'up', {}, (time) => (isDown(one, time) ? 0 : 1)),
    ...(one.job === 'node' ? nodeSeries(one) : serviceSeries(one)),
  ])
  .sort((a, b) => compareLabels(a.labels, b.labels));

/** Number of series of one replica. */
export const DEMO_SERIES_COUNT = definitions.length;

/**
 * Every series of one replica with its samples in [fromMs, toMs), in label order. The buffer is reused: read it before
 * pulling the next series. Series without a sample in the range are left out.
 */
export function* demoSeries(
  replica: DemoReplica,
  fromMs: number,
  toMs: number,
): Iterable<{ readonly labels: Labels; readonly samples: SampleBuffer }> {
  const times = new Map(targets.map((one) => [one, scrapeTimes(one, replica, fromMs, toMs)]));
  const samples = new SampleBuffer(4096);
  for (const one of definitions) {
    samples.clear();
    const isUp = one.labels.get(METRIC_NAME) === 'up';
    for (const time of times.get(one.target)!) {
      // A process that is down answers no scrape: only `up` has a sample then.
      if (isUp || !isDown(one.target, time)) samples.push(time, one.valueAt(time));
    }
    if (samples.length > 0) yield { labels: one.labels, samples };
  }
}

/** When this replica scraped a target: its own offset, some jitter, lost scrapes, and outages of the replica itself. */
function scrapeTimes(one: Target, replica: DemoReplica, fromMs: number, toMs: number): number[] {
  const out: number[] = [];
  const salt = replica === 'a' ? 1 : 2;
  const offset = Math.floor(random(one.seed, salt, 0) * SCRAPE_INTERVAL_MS * 0.9);
  for (let k = Math.floor((fromMs - offset) / SCRAPE_INTERVAL_MS) - 1; ; k++) {
    const jitter = random(one.seed, salt, k) < 0.05 ? Math.floor(random(one.seed, salt + 7, k) * 400) : 0;
    const time = k * SCRAPE_INTERVAL_MS + offset + jitter;
    if (time >= toMs) return out;
    if (time < fromMs || random(one.seed, salt + 13, k) < 0.005 || isReplicaDown(replica, time)) continue;
    out.push(time);
  }
}

/**
 * Replica a is away for ten minutes every seven hours, replica b for twenty-five every ten and a half: never both at once,
 * so that de-duplication has an answer for every moment.
 */
function isReplicaDown(replica: DemoReplica, timeMs: number): boolean {
  const [every, length] = replica === 'a' ? [7 * HOUR_MS, 600_000] : [10.5 * HOUR_MS, 1_500_000];
  return (timeMs + every / 3) % every < length;
}

/** A target is down for the first minute of each of its lives. */
function isDown(one: Target, timeMs: number): boolean {
  return timeMs - startOf(one, timeMs) < 60_000;
}

/** When the process that answers at this moment was started. */
function startOf(one: Target, timeMs: number): number {
  const phase = one.seed * 1_234_567;
  return Math.floor((timeMs - phase) / one.restartEveryMs) * one.restartEveryMs + phase;
}

function target(job: string, instance: string, seed: number): Target {
  return { job, instance, seed, restartEveryMs: (29 + seed) * HOUR_MS };
}

function series(
  one: Target,
  name: string,
  labels: Readonly<Record<string, string>>,
  valueAt: (timeMs: number) => number,
): DemoSeries {
  return {
    target: one,
    labels: Labels.of({ [METRIC_NAME]: name, job: one.job, instance: one.instance, ...labels }),
    valueAt,
  };
}

/** A whole-number counter that grows by about `perSecond`, with days and some minutes of swing, and starts with its process. */
function counter(one: Target, perSecond: number, seed: number): (timeMs: number) => number {
  const minutes = (11 + (seed % 17)) * 60_000;
  // The integral of perSecond * (1 + 0.6 sin(day) + 0.25 sin(minutes)), which never falls.
  const grown = (time: number): number =>
    (perSecond / 1000) *
    (time -
      ((0.6 * DAY_MS) / (2 * Math.PI)) * Math.cos((2 * Math.PI * time) / DAY_MS) -
      ((0.25 * minutes) / (2 * Math.PI)) * Math.cos((2 * Math.PI * (time + seed * 9_973)) / minutes));
  return (time) => Math.floor(grown(time) - grown(startOf(one, time)));
}

function serviceSeries(one: Target): DemoSeries[] {
  const out: DemoSeries[] = [];
  const handlers = one.job === 'shop' ? ['/', '/cart', '/search', '/checkout'] : ['/charge', '/refund'];
  for (const [h, handler] of handlers.entries()) {
    const perSecond = 40 / (h + 1);
    for (const [code, share] of [
      ['200', 0.97],
      ['404', 0.02],
      ['500', 0.01],
    ] as const) {
      const labels = { handler, code, method: handler === '/checkout' || handler === '/charge' ? 'POST' : 'GET' };
      out.push(series(one, 'http_requests_total', labels, counter(one, perSecond * share, one.seed + h)));
    }
    const total = counter(one, perSecond, one.seed + h);
    // Shares below each bound, ascending: every bucket counts what the ones before it count.
    for (const [le, share] of [
      ['0.005', 0.2],
      ['0.01', 0.42],
      ['0.025', 0.61],
      ['0.05', 0.78],
      ['0.1', 0.9],
      ['0.25', 0.96],
      ['0.5', 0.985],
      ['1', 0.995],
      ['+Inf', 1],
    ] as const) {
      out.push(
        series(one, 'http_request_duration_seconds_bucket', { handler, le }, (time) => Math.floor(total(time) * share)),
      );
    }
    out.push(series(one, 'http_request_duration_seconds_count', { handler }, total));
    out.push(series(one, 'http_request_duration_seconds_sum', { handler }, (time) => total(time) * 0.043));
  }
  out.push(series(one, 'process_cpu_seconds_total', {}, (time) => counter(one, 35, one.seed)(time) / 100));
  out.push(series(one, 'process_resident_memory_bytes', {}, (time) => wave(one.seed, time, 180e6, 60e6, 5 * HOUR_MS)));
  out.push(series(one, 'process_start_time_seconds', {}, (time) => startOf(one, time) / 1000));
  out.push(series(one, 'queue_length', {}, (time) => Math.max(0, wave(one.seed + 3, time, 12, 14, 40 * 60_000))));
  return out;
}

function nodeSeries(one: Target): DemoSeries[] {
  const out: DemoSeries[] = [];
  for (const cpu of ['0', '1', '2', '3']) {
    for (const [mode, share] of [
      ['idle', 62],
      ['user', 28],
      ['system', 8],
      ['iowait', 2],
    ] as const) {
      const count = counter(one, share, one.seed + Number(cpu));
      out.push(series(one, 'node_cpu_seconds_total', { cpu, mode }, (time) => count(time) / 100));
    }
  }
  out.push(series(one, 'node_memory_MemTotal_bytes', {}, () => 16 * 2 ** 30));
  out.push(series(one, 'node_memory_MemAvailable_bytes', {}, (time) => wave(one.seed, time, 9e9, 3e9, 9 * HOUR_MS)));
  out.push(
    series(one, 'node_filesystem_avail_bytes', { mountpoint: '/' }, (time) =>
      wave(one.seed + 1, time, 80e9, 6e9, 3 * DAY_MS),
    ),
  );
  out.push(series(one, 'node_load1', {}, (time) => Math.round(wave(one.seed + 2, time, 150, 90, 50 * 60_000)) / 100));
  return out;
}

/** A gauge around `middle`: a slow swing, a faster one, and a little noise that is fixed for each scrape interval. */
function wave(seed: number, timeMs: number, middle: number, swing: number, periodMs: number): number {
  const slow = Math.sin((2 * Math.PI * (timeMs + seed * 777_777)) / periodMs);
  const fast = Math.sin((2 * Math.PI * (timeMs + seed * 33_331)) / (periodMs / 7));
  const noise = random(seed, 5, Math.floor(timeMs / SCRAPE_INTERVAL_MS)) - 0.5;
  return Math.floor(middle + swing * (0.7 * slow + 0.2 * fast + 0.2 * noise));
}

/** A number in [0, 1) that depends on its arguments only (a 32-bit integer hash). */
function random(seed: number, salt: number, k: number): number {
  let x = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b) ^ Math.imul(k | 0, 0xc2b2ae35)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

import { describe, expect, test } from 'vitest';
import { compareLabels, METRIC_NAME } from '../../pkg/model/labels.ts';
import { DEMO_REPLICAS, DEMO_SERIES_COUNT, type DemoReplica, demoSeries } from './history.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const startMs = Date.UTC(2026, 2, 1, 7, 31);
/** In the two hours from here on shop-1, payment-1 and node-3 start anew. */
const restartsMs = Date.UTC(2026, 2, 10, 8);

type Points = readonly (readonly [timeMs: number, value: number])[];

/** Series by their labels' text, those with `part` in it. */
function history(replica: DemoReplica, fromMs: number, toMs: number, part = ''): Map<string, Points> {
  const out = new Map<string, Points>();
  for (const { labels, samples } of demoSeries(replica, fromMs, toMs)) {
    if (!labels.toString().includes(part)) continue;
    out.set(
      labels.toString(),
      Array.from({ length: samples.length }, (_, i) => [samples.times[i], samples.values[i]] as const),
    );
  }
  return out;
}

/** The points of the one series of a metric and instance, with what else tells it apart. */
function one(of: Map<string, Points>, ...parts: readonly string[]): Points {
  const keys = [...of.keys()].filter((key) => parts.every((part) => key.includes(part)));
  expect(keys).toHaveLength(1);
  return of.get(keys[0])!;
}

describe.each(DEMO_REPLICAS)('the history of replica %s', (replica) => {
  test('is the same moment for moment, however it is cut', () => {
    const cuts = [0, 1, 17_123, 900_000, 900_001, HOUR_MS].map((ms) => startMs + ms);
    const whole = history(replica, cuts[0], cuts.at(-1)!);
    const pieces = new Map<string, Points>();
    for (let i = 1; i < cuts.length; i++) {
      for (const [key, points] of history(replica, cuts[i - 1], cuts[i])) {
        expect(points[0][0]).toBeGreaterThanOrEqual(cuts[i - 1]);
        expect(points.at(-1)![0]).toBeLessThan(cuts[i]);
        pieces.set(key, [...(pieces.get(key) ?? []), ...points]);
      }
    }
    expect(pieces).toEqual(whole);
  });

  test('comes in label order, every series once, its times ascending', () => {
    const all = [...demoSeries(replica, startMs, startMs + 2 * HOUR_MS)].map(({ labels }) => labels);
    expect(all).toHaveLength(DEMO_SERIES_COUNT);
    for (let i = 1; i < all.length; i++) expect(compareLabels(all[i - 1], all[i])).toBeLessThan(0);
    for (const [key, points] of history(replica, startMs, startMs + 2 * HOUR_MS)) {
      const ascends = points.every(([time], i) => i === 0 || time > points[i - 1][0]);
      expect(ascends, key).toBe(true);
    }
  });

  test('has counters that fall only when their process starts anew', () => {
    let restartCount = 0;
    const falls: string[] = [];
    const starts = new Map<string, Points>();
    const toMs = restartsMs + 2 * HOUR_MS;
    for (const [key, points] of history(replica, restartsMs, toMs, 'process_start_time_seconds')) {
      starts.set(/instance="([^"]*)"/.exec(key)![1], points);
    }
    for (const { labels, samples } of demoSeries(replica, restartsMs, toMs)) {
      const started = starts.get(labels.get('instance') ?? '');
      if (started === undefined || !/_(total|count|sum|bucket)$/.test(labels.get(METRIC_NAME) ?? '')) continue;
      for (let i = 1; i < samples.length; i++) {
        const isRestart = started[i][1] !== started[i - 1][1];
        if (isRestart) restartCount++;
        if (samples.values[i] < samples.values[i - 1] && !isRestart) falls.push(`${labels} at ${samples.times[i]}`);
      }
    }
    expect(falls).toEqual([]);
    expect(restartCount).toBeGreaterThan(0);
  });

  test('has some scrapes lost', () => {
    const up = one(history(replica, startMs, startMs + 4 * HOUR_MS, 'shop-0'), '"up"', 'shop-0:8080');
    const steps = up.slice(1).map(([time], i) => time - up[i][0]);
    expect(steps.filter((ms) => ms > 25_000 && ms < 35_000).length).toBeGreaterThan(0);
  });
});

test('replicas scrape at times of their own, and one is always there', () => {
  // Their outages come back in the same order every 21 hours.
  const [a, b] = DEMO_REPLICAS.map((replica) =>
    one(history(replica, startMs, startMs + 21 * HOUR_MS, 'node-1:9100'), '"up"').map(([time]) => time),
  );
  const timesOfB = new Set(b);
  expect(a.filter((time) => timesOfB.has(time)).length).toBeLessThan(a.length / 100);
  const both = [...a, ...b].sort((x, y) => x - y);
  expect(Math.max(...both.slice(1).map((time, i) => time - both[i]))).toBeLessThan(MINUTE_MS);
  for (const times of [a, b]) {
    expect(Math.max(...times.slice(1).map((time, i) => time - times[i]))).toBeGreaterThan(9 * MINUTE_MS);
  }
});

test('buckets of a histogram ascend to its count', () => {
  const all = history('a', startMs, startMs + HOUR_MS / 4);
  const where = ['shop-1:8080', 'handler="/cart"'];
  const bounds = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '+Inf'];
  const buckets = bounds.map((le) => one(all, 'request_duration_seconds_bucket', `le="${le}"`, ...where));
  const count = one(all, 'request_duration_seconds_count', ...where);
  for (let i = 0; i < count.length; i++) {
    for (let b = 1; b < buckets.length; b++) {
      expect(buckets[b][i][1]).toBeGreaterThanOrEqual(buckets[b - 1][i][1]);
    }
    expect(buckets.at(-1)![i]).toEqual(count[i]);
  }
});

test('a target that is down has `up` 0 and no other sample', () => {
  const all = history('b', restartsMs, restartsMs + 2 * HOUR_MS, 'shop-1:8080');
  const up = one(all, '"up"');
  const down = new Set(up.filter(([, value]) => value === 0).map(([time]) => time));
  expect(down.size).toBeGreaterThan(0);
  const queue = one(all, '"queue_length"').map(([time]) => time);
  expect(queue.filter((time) => down.has(time))).toEqual([]);
  expect(queue.length + down.size).toBe(up.length);
});

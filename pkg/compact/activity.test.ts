import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Activity } from './activity.ts';
import { estimatedEnd, type GroupBacklog } from './backlog.ts';

const HOUR_MS = 3_600_000;

function backlog(sizeBytes: number, blockedBecause?: string): GroupBacklog {
  return {
    group: '0@1',
    labels: {},
    resolutionMs: 0,
    compactionCount: 1,
    downsampleCount: 0,
    blockCount: 2,
    sizeBytes,
    totalBlockCount: 5,
    oldestTodoMs: 0,
    ...(blockedBecause === undefined ? {} : { blockedBecause }),
  };
}

describe('throughput', () => {
  test('is unknown before the first compaction', () => {
    const activity = new Activity(() => 0);
    assert.equal(activity.bytesPerSecond, undefined);
    assert.equal(estimatedEnd([backlog(100)], undefined, 0), undefined);
  });

  test('counts the time in which somebody was at work, and that once', () => {
    let now = 0;
    const activity = new Activity(() => now);
    activity.begin('a');
    activity.begin('b');
    now = 10_000;
    activity.end('a', { sizeBytes: 1000, startMs: 0 });
    now = 20_000;
    activity.end('b', { sizeBytes: 1000, startMs: 0 });
    now = 100_000;
    activity.begin('a');
    now = 120_000;
    activity.end('a', { sizeBytes: 2000, startMs: 100_000 });
    assert.equal(activity.bytesPerSecond, 100);
    assert.equal(activity.lastAdvance('a'), 120_000);
  });

  test('tells the end of a replayed backlog within a quarter from the first tenth of it on', () => {
    let now = 0;
    const activity = new Activity(() => now);
    // Sizes that differ, a fixed cost for each run and one for each byte.
    const sizes = Array.from({ length: 60 }, (_, i) => 40_000_000 + ((i * 7919) % 60) * 1_000_000);
    const durations = sizes.map((size) => 200 + size / 50_000);
    const end = durations.reduce((sum, ms) => sum + ms, 0);
    sizes.forEach((sizeBytes, i) => {
      const startMs = now;
      activity.begin('a');
      now += durations[i];
      activity.end('a', { sizeBytes, startMs });
      const left = sizes.slice(i + 1).reduce((sum, size) => sum + size, 0);
      if (i < 5 || i > 54) return;
      const estimate = estimatedEnd([backlog(left)], activity.bytesPerSecond, now)!;
      assert.ok(Math.abs(estimate - end) < 0.25 * (end - now), `after ${i}: ${estimate} of ${end} at ${now}`);
    });
  });

  test('does not promise an end for what is left alone', () => {
    let now = 0;
    const activity = new Activity(() => now);
    activity.begin('a');
    now = 1000;
    activity.end('a', { sizeBytes: 500, startMs: 0 });
    const groups = [backlog(1000), backlog(1e12, 'blocks overlap')];
    assert.equal(estimatedEnd(groups, activity.bytesPerSecond, now), 3000);
    assert.equal(estimatedEnd([backlog(1e12, 'blocks overlap')], activity.bytesPerSecond, now), undefined);
  });
});

describe('health', () => {
  test('is lost with the second pass that fails without getting anything done, and names the cause', () => {
    const activity = new Activity(() => 0);
    const fail = (hasWork: boolean): void => {
      activity.beginPass();
      activity.endPass('no route to the bucket', hasWork);
    };
    fail(true);
    assert.equal(activity.problem, undefined);
    fail(true);
    assert.match(activity.problem!, /nothing was compacted in 2 passes .*: no route to the bucket$/);
    fail(false);
    assert.equal(activity.problem, undefined);
  });

  test('is kept by failures beside which something got on, and comes back with it', () => {
    const activity = new Activity(() => 0);
    for (let i = 0; i < 5; i++) {
      activity.beginPass();
      activity.begin('a');
      activity.end('a', i === 3 ? undefined : { sizeBytes: 1, startMs: 0 });
      activity.endPass('group b failed', true);
      assert.equal(activity.problem, undefined);
    }
  });

  test('is lost when a pass shows no sign of life for an hour', () => {
    let now = 0;
    const activity = new Activity(() => now);
    activity.beginPass();
    now = HOUR_MS;
    assert.equal(activity.problem, undefined);
    now += 1000;
    assert.match(activity.problem!, /no sign of progress for 3601s/);
    activity.sign();
    assert.equal(activity.problem, undefined);
    activity.endPass('', false);
    now += 5 * HOUR_MS;
    assert.equal(activity.problem, undefined);
  });

  test('is lost for good by a halt', () => {
    const activity = new Activity(() => 0);
    activity.beginPass();
    activity.endPass('', false);
    activity.halt('halted: blocks overlap');
    assert.equal(activity.problem, 'halted: blocks overlap');
  });
});

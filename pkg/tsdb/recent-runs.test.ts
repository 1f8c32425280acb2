import assert from 'node:assert/strict';
import { test } from 'vitest';
import { RecentRuns } from './recent-runs.ts';

const run = (seed: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (seed * 7 + i) & 0xff);

test('what was kept is found by its segment and offset, as it was when it was kept', () => {
  const recent = new RecentRuns(64 * 1024);
  const lent = run(1, 300);
  recent.keep(0, 9000, lent);
  recent.keep(1, 9000, run(2, 1));
  recent.keep(1, 2 ** 29, run(3, 2048));
  lent.fill(0);
  assert.deepEqual(recent.find(0, 9000), run(1, 300));
  assert.deepEqual(recent.find(1, 9000), run(2, 1));
  assert.deepEqual(recent.find(1, 2 ** 29), run(3, 2048));
  assert.equal(recent.find(0, 9001), undefined);
});

test('large runs are not kept, nor those that come right after the one before', () => {
  const recent = new RecentRuns(1 << 20);
  recent.keep(0, 9000, run(1, 2049));
  assert.equal(recent.find(0, 9000), undefined);
  recent.keep(0, 9000 + 2049, run(2, 100));
  recent.keep(0, 15_000, run(3, 100));
  assert.equal(recent.find(0, 9000 + 2049), undefined);
  assert.equal(recent.find(0, 15_000), undefined);
  recent.keep(0, 20_000, run(4, 100));
  assert.deepEqual(recent.find(0, 20_000), run(4, 100));
  const tiny = new RecentRuns(100);
  tiny.keep(0, 9000, run(1, 51));
  assert.equal(tiny.find(0, 9000), undefined);
});

test('the oldest are forgotten, what is asked for again is not', () => {
  const recent = new RecentRuns(20_000);
  recent.keep(0, 5000, run(500, 500));
  for (let i = 1; i < 200; i++) {
    recent.keep(0, 10_000 * i, run(i, 500));
    assert.deepEqual(recent.find(0, 5000), run(500, 500), `after ${i}`);
  }
  assert.deepEqual(recent.find(0, 1_990_000), run(199, 500));
  assert.equal(recent.find(0, 10_000), undefined);
  const left = Array.from({ length: 200 }, (_, i) => recent.find(0, 10_000 * i)).filter((found) => found !== undefined);
  assert.ok(left.length >= 19 && left.length <= 40, `${left.length} are left`);
});

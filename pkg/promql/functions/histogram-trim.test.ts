import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type HistogramValue, noBuckets } from '../../model/histogram-value.ts';
import type { TrimOp } from './binary-ops.ts';
import { trimHistogram } from './histogram-trim.ts';

const histogram = (zeroCount: number): HistogramValue => ({
  hint: 'gauge',
  schema: 0,
  zeroThreshold: 0.001,
  zeroCount,
  count: 30,
  sum: 50,
  positive: { indexes: Int32Array.of(1, 2), counts: Float64Array.of(10, 16) },
  negative: noBuckets,
  customValues: [],
});

describe('a trimmed histogram', () => {
  for (const [op, limit, zeroCount, left, counts] of [
    ['</', 1, 4, 4, []],
    ['>/', 1, 4, 0, [10, 16]],
    // As a difference of counters has it after a reset: Prometheus neither counts such a zero bucket nor takes it away.
    ['</', 1, -4, -4, []],
    ['>/', 2, -4, -4, [16]],
    ['</', -1, -4, -4, []],
  ] as [TrimOp, number, number, number, number[]][]) {
    test(`${op} ${limit} of a zero bucket of ${zeroCount} leaves one of ${left}, and buckets of [${counts}]`, () => {
      const trimmed = trimHistogram(op, histogram(zeroCount), limit);
      const total = counts.reduce((sum, count) => sum + count, Math.max(0, left));
      assert.deepEqual([trimmed.zeroCount, trimmed.count, [...trimmed.positive.counts]], [left, total, counts]);
    });
  }

  test('is the histogram itself where nothing is taken away, counts that are no numbers or not', () => {
    const counts = { indexes: Int32Array.of(1, 2), counts: Float64Array.of(Number.NaN, 16) };
    const odd = { ...histogram(4), positive: counts };
    assert.equal(trimHistogram('>/', odd, -1), odd);
    assert.notEqual(trimHistogram('>/', odd, 1.5), odd);
  });
});

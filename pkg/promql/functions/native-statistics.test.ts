import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type HistogramValue, noBuckets } from '../../model/histogram-value.ts';
import { printHistogram } from './native-statistics.ts';

function histogram(zeroCount: number, count: number): HistogramValue {
  return {
    hint: 'gauge',
    schema: 0,
    zeroThreshold: 0.001,
    zeroCount,
    count,
    sum: 1,
    positive: { indexes: Int32Array.of(1, 2), counts: Float64Array.of(count, 0) },
    negative: noBuckets,
    customValues: [],
  };
}

describe('a histogram as a label value, as Prometheus writes it', () => {
  for (const [what, zeroCount, text] of [
    ['has its zero bucket', 5, '{count:3, sum:1, [-0.001,0.001]:5, (1,2]:3}'],
    ['leaves out what is empty', 0, '{count:3, sum:1, (1,2]:3}'],
    ['has what is below nothing', -5, '{count:3, sum:1, [-0.001,0.001]:-5, (1,2]:3}'],
    ['has what is no number', Number.NaN, '{count:3, sum:1, [-0.001,0.001]:NaN, (1,2]:3}'],
  ] as const) {
    test(what, () => assert.equal(printHistogram(histogram(zeroCount, 3)), text));
  }

  test('has none where custom bounds have come to a zero bucket', () => {
    const odd = { ...histogram(Number.NaN, 3), schema: -53, customValues: [1, 2] };
    assert.throws(() => printHistogram(odd), /histograms with custom buckets have no zero bucket/);
    assert.equal(printHistogram({ ...odd, zeroCount: 0 }), '{count:3, sum:1, (1,2]:3}');
  });
});

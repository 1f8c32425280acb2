// Native histograms: layouts made equal, sums, differences, resets, bounds.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import type { FloatHistogram, IntegerHistogram } from './histogram.ts';
import { exponentialBound, inclusiveEnds, listBuckets } from './histogram-bounds.ts';
import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  scaleHistogram,
  subtractHistograms,
  toSchema,
} from './histogram-math.ts';
import { isCounterReset } from './histogram-reset.ts';
import { HistogramSum } from './histogram-sum.ts';
import { type HistogramValue, histogramValueOf, noBuckets, sameHistogram } from './histogram-value.ts';

type Side = Readonly<Record<number, number>>;

function side(buckets: Side): HistogramValue['positive'] {
  const indexes = Object.keys(buckets)
    .map(Number)
    .sort((a, b) => a - b);
  return { indexes: Int32Array.from(indexes), counts: Float64Array.from(indexes, (index) => buckets[index]) };
}

interface Parts extends Partial<Omit<HistogramValue, 'positive' | 'negative'>> {
  readonly positive?: Side;
  readonly negative?: Side;
}

function histogram({ positive = {}, negative = {}, ...rest }: Parts): HistogramValue {
  const numbers = { schema: 0, zeroThreshold: 0, zeroCount: 0, count: 0, sum: 0 };
  const buckets = { positive: side(positive), negative: side(negative), customValues: [] };
  return { hint: 'unknown', ...numbers, ...buckets, ...rest };
}

const custom = (customValues: readonly number[], positive: Side, count = 0): HistogramValue =>
  histogram({ schema: -53, customValues, positive, count });

const bucketsOf = ({ indexes, counts }: HistogramValue['positive']): Side =>
  Object.fromEntries([...indexes].map((index, i) => [index, counts[i]]));

describe('sums and differences', () => {
  for (const [what, a, b, positive, more] of [
    ['the same buckets', { positive: { 1: 1, 2: 2 } }, { positive: { 1: 3, 2: 4 } }, { 1: 4, 2: 6 }, {}],
    ['buckets of one side only', { positive: { 1: 1 } }, { positive: { [-3]: 4, 7: 5 } }, { [-3]: 4, 1: 1, 7: 5 }, {}],
    ['a finer layout', { positive: { 1: 1, 2: 2 } }, { schema: 1, positive: { 1: 1, 2: 2, 3: 4 } }, { 1: 4, 2: 6 }, {}],
    ['a coarser layout', { schema: 1, positive: { 3: 1, 4: 2 } }, { positive: { 2: 2 } }, { 2: 5 }, { schema: 0 }],
    [
      'a wider zero bucket, which takes over what it covers',
      { zeroThreshold: 0.25, zeroCount: 1, positive: { [-1]: 1, 0: 2, 1: 3 } },
      { zeroThreshold: 0.5, zeroCount: 10, positive: { 0: 5 } },
      { 0: 7, 1: 3 },
      { zeroThreshold: 0.5, zeroCount: 12 },
    ],
    [
      'a zero bucket that ends inside a full bucket and grows to its end',
      { zeroThreshold: 0.3, zeroCount: 1, positive: { 1: 3 } },
      { zeroThreshold: 0.1, zeroCount: 2, positive: { [-1]: 4, 0: 5 } },
      { 0: 5, 1: 3 },
      { zeroThreshold: 0.5, zeroCount: 7 },
    ],
  ] as [string, Parts, Parts, Side, Parts][]) {
    test(`with ${what}`, () => {
      const sum = addHistograms(histogram(a), histogram(b))!.value;
      assert.deepEqual(bucketsOf(sum.positive), positive);
      for (const [key, value] of Object.entries(more)) assert.equal(sum[key as 'schema'], value, key);
      const running = new HistogramSum(histogram(a));
      running.add(histogram(b));
      assert.ok(sameHistogram(running.value(), compactHistogram(sum)), 'a running sum is the same');
    });
  }

  test('custom bounds that differ leave those of both', () => {
    const a = custom([1, 2, 3], { 0: 1, 1: 2, 2: 4, 3: 8 });
    const b = custom([2, 4], { 0: 10, 1: 20, 2: 40 });
    const { value, isReconciled } = addHistograms(a, b)!;
    assert.deepEqual([value.customValues, bucketsOf(value.positive)], [[2], { 0: 13, 1: 72 }]);
    assert.ok(isReconciled);
    const running = new HistogramSum(a);
    assert.deepEqual(running.add(b), { isReconciled: true });
    assert.deepEqual(bucketsOf(running.value().positive), { 0: 13, 1: 72 });
  });

  test('custom and exponential bounds have no sum', () => {
    const [a, b] = [custom([1], { 0: 1 }), histogram({ positive: { 1: 1 } })];
    assert.equal(addHistograms(a, b), undefined);
    assert.equal(subtractHistograms(b, a), undefined);
    const running = new HistogramSum(a);
    assert.equal(running.add(b), undefined);
    assert.ok(sameHistogram(running.value(), a), 'nothing was added');
  });

  test('a difference is a gauge, and empty only when compact', () => {
    const a = histogram({ positive: { 1: 3 }, count: 3, sum: 2 });
    const { value } = subtractHistograms(a, a)!;
    assert.equal(value.hint, 'gauge');
    assert.deepEqual([bucketsOf(value.positive), value.count], [{ 1: 0 }, 0]);
    assert.equal(compactHistogram(value).positive.indexes.length, 0);
  });

  for (const [a, b, sum, hasCollision] of [
    ['unknown', 'unknown', 'unknown', false],
    ['not-reset', 'not-reset', 'not-reset', false],
    ['gauge', 'reset', 'gauge', false],
    ['unknown', 'not-reset', 'unknown', false],
    ['reset', 'not-reset', 'unknown', true],
  ] as const) {
    test(`${a} and ${b} make ${sum}${hasCollision ? ', with a collision' : ''}`, () => {
      const combined = addHistograms(histogram({ hint: a }), histogram({ hint: b }))!;
      assert.deepEqual([combined.value.hint, combined.hasCollision], [sum, hasCollision]);
    });
  }

  test('a running sum keeps what a plain one loses', () => {
    const running = new HistogramSum(histogram({ sum: 1, positive: { 1: 1 } }));
    for (const big of [1e100, 1, -1e100]) running.add(histogram({ sum: big, positive: { 1: big, 2: 1 } }));
    const { sum, positive } = running.value();
    assert.deepEqual([sum, bucketsOf(positive)], [2, { 1: 2, 2: 3 }]);
  });

  describe('to the last bit, as Prometheus adds them', () => {
    const fine = histogram({
      schema: 3,
      positive: { [-2]: 0.018518518518518517, [-1]: 0.05555555555555556, 0: 0.02962962962962963 },
    });
    const coarse = histogram({ schema: 1, positive: { 0: 0.022222222222222223 } });
    for (const [what, first, second] of [
      ['after a coarser one', coarse, fine],
      ['before a coarser one', fine, coarse],
    ] as const) {
      test(`buckets that are merged, ${what}, keep what rounding takes in a running sum and not in a plain one`, () => {
        const running = new HistogramSum(first);
        running.add(second);
        assert.deepEqual(bucketsOf(running.value().positive), { 0: 0.12592592592592594 });
        assert.deepEqual(bucketsOf(addHistograms(first, second)!.value.positive), { 0: 0.1259259259259259 });
      });
    }

    test('buckets that a zero bucket takes over', () => {
      const running = new HistogramSum(histogram({ schema: 1, zeroThreshold: 2, zeroCount: 0.29859710693359376 }));
      running.add(histogram({ schema: 1, zeroThreshold: 1, zeroCount: 0.7366879081726074 }));
      const negative = { [-1]: 0.1353650188446045, 0: 0.3078520393371582, 1: 0.6833983755111694 };
      running.add(histogram({ schema: 1, zeroThreshold: 0.5, zeroCount: 18.352994918823246, negative }));
      assert.equal(running.value().zeroCount, 20.51489536762238);
      assert.equal(running.value(3).zeroCount, 6.838298455874127);
    });

    test('a zero bucket that has to grow twice counts nothing twice', () => {
      const wide = histogram({ zeroThreshold: 1.2, zeroCount: 1, positive: { 1: 3 } });
      const { zeroCount, zeroThreshold } = addHistograms(
        wide,
        histogram({ zeroCount: 1, negative: { 0: 2, 1: 4 } }),
      )!.value;
      assert.deepEqual([zeroCount, zeroThreshold], [11, 2]);
    });

    test('custom bounds that differ', () => {
      const left = [0.07160047650337219, 0.7343460416793823, 0.5852222537994385, 0.43732834815979005];
      const right = [0.08872718572616577, 0.527717719078064, 0.483768949508667, 0.0009824624156951904];
      const a = custom([0.5, 1, 3, 4], { ...left });
      const b = custom([0.5, 1, 2, 4], { ...right });
      const plain = { 0: 0.16032766222953795, 1: 1.2620637607574463, 2: 1.5073020138835906 };
      assert.deepEqual(bucketsOf(addHistograms(a, b)!.value.positive), plain);
      const running = new HistogramSum(a);
      running.add(b);
      assert.deepEqual(bucketsOf(running.value().positive), plain);
    });
  });

  test('what goes in is never changed', () => {
    const a = histogram({ positive: { 1: 1 }, schema: 1, zeroThreshold: 0.5 });
    const before = structuredClone(a);
    addHistograms(a, histogram({ positive: { 1: 5, 2: 6 }, zeroThreshold: 1 }));
    const running = new HistogramSum(a);
    running.add(a);
    running.scale(3);
    scaleHistogram(a, 2);
    divideHistogram(a, 0);
    assert.deepEqual(a, before);
  });
});

test('through zero the buckets are gone, and a negative factor makes a gauge', () => {
  const whole = histogram({ hint: 'not-reset', count: 2, positive: { 1: 2 } });
  assert.equal(divideHistogram(whole, 0).positive, noBuckets);
  assert.equal(divideHistogram(whole, 0).count, Number.POSITIVE_INFINITY);
  assert.deepEqual([scaleHistogram(whole, -1).hint, scaleHistogram(whole, 2).hint], ['gauge', 'not-reset']);
});

describe('counter resets', () => {
  const before = histogram({ count: 6, zeroThreshold: 0.25, zeroCount: 1, positive: { 1: 2, 2: 3 } });
  for (const [what, current, expected] of [
    ['the same again', before, false],
    ['more in a bucket', { ...before, count: 7, positive: side({ 1: 3, 2: 3 }) }, false],
    ['a new bucket', { ...before, count: 7, positive: side({ 1: 2, 2: 3, 3: 1 }) }, false],
    ['a smaller count', { ...before, count: 5 }, true],
    ['less in a bucket, the count the same', { ...before, positive: side({ 1: 3, 2: 2 }) }, true],
    ['a bucket gone', { ...before, positive: side({ 2: 5 }) }, true],
    ['less in the zero bucket', { ...before, zeroCount: 0 }, true],
    ['a finer schema', { ...before, schema: 1 }, true],
    ['a coarser schema', { ...toSchema(before, -1), count: 6 }, false],
    ['a narrower zero bucket', { ...before, zeroThreshold: 0.1 }, true],
    ['a wider zero bucket over nothing', { ...before, zeroThreshold: 0.5 }, false],
    [
      'a wider zero bucket with what it covered',
      { ...before, zeroThreshold: 2, zeroCount: 3, positive: side({ 2: 3 }) },
      false,
    ],
    ['a wider zero bucket without it', { ...before, zeroThreshold: 2, positive: side({ 2: 3 }) }, true],
    ['a zero bucket that ends in a full one', { ...before, zeroThreshold: 1.5, zeroCount: 9 }, true],
    ['a hint of a reset', { ...before, hint: 'reset' }, true],
    ['a smaller count and a hint of none', { ...before, count: 1, hint: 'not-reset' }, false],
    ['custom bounds', custom([1], { 0: 9 }, 9), true],
  ] as [string, HistogramValue, boolean][]) {
    test(`${what}: ${expected}`, () => assert.equal(isCounterReset(current, before), expected));
  }

  test('a bucket that is gone has fallen, although it held less than nothing', () => {
    const difference = histogram({ count: -9, zeroCount: 0, positive: { 1: -4, 2: -5 } });
    assert.equal(isCounterReset(histogram({ count: 3, positive: { 2: 3 } }), difference), true);
    assert.equal(isCounterReset(histogram({ count: 3, positive: { 1: 0, 2: 3 } }), difference), false);
  });

  test('custom bounds are compared as far as both have them', () => {
    const older = custom([2, 4, 6], { 0: 1, 1: 2, 2: 5, 3: 7 }, 15);
    assert.equal(isCounterReset(custom([2, 3, 4, 6], { 0: 1, 2: 1, 3: 5, 4: 8 }, 15), older), true);
    assert.equal(isCounterReset(custom([2, 3, 4, 6], { 0: 1, 1: 1, 2: 1, 3: 5, 4: 8 }, 16), older), false);
  });
});

describe('bounds', () => {
  // As the reference prints them; some are not the nearest floats.
  for (const [index, schema, bound] of [
    [0, 0, 1],
    // An ulp below the root of two, as the reference's table has it.
    [1, 1, Math.SQRT2 - 2 ** -52],
    [3, 2, 1.6817928305074288],
    [7, 3, 1.8340080864093422],
    [-1, 3, 0.9170040432046711],
    [3, -1, 64],
    [-2, -4, 2 ** -32],
    [1024, 0, Number.MAX_VALUE],
    [1025, 0, Number.POSITIVE_INFINITY],
    [1024 * 8, 3, Number.MAX_VALUE],
    [-1074, 0, 5e-324],
    [-1073 * 2 - 1, 1, 5e-324],
  ] as const) {
    test(`bucket ${index} of schema ${schema} ends at ${bound}`, () =>
      assert.equal(exponentialBound(index, schema), bound));
  }

  test('bounds of a finer schema hold those of the coarser ones', () => {
    for (let schema = 0; schema < 8; schema++) {
      for (let index = -300; index <= 300; index++) {
        assert.equal(exponentialBound(index, schema), exponentialBound(index * 2, schema + 1));
        assert.ok(exponentialBound(index, schema + 1) > exponentialBound(index - 1, schema + 1));
      }
    }
  });

  test('buckets ascend, cut at the zero bucket', () => {
    const value = histogram({ zeroThreshold: 0.75, zeroCount: 4, positive: { 0: 1, 2: 2 }, negative: { 0: 3, 1: 5 } });
    const list = listBuckets(value);
    const rows = Array.from({ length: list.length }, (_, i) => {
      const { lower, upper } = inclusiveEnds(list, i, value);
      return `${lower ? '[' : '('}${list.lowers[i]} ${list.uppers[i]}${upper ? ']' : ')'} ${list.counts[i]}`;
    });
    assert.deepEqual(rows, ['[-2 -1) 5', '[-1 -0.75) 3', '[-0.75 0.75] 4', '(0.75 1] 1', '(2 4] 2']);
  });

  test('custom buckets reach from one infinity to the other', () => {
    const value = custom([-1, 5], { 0: 1, 1: 2, 2: 3 });
    const { lowers, uppers, length } = listBuckets(value);
    assert.deepEqual(
      [[...lowers.subarray(0, length)], [...uppers.subarray(0, length)]],
      [
        [Number.NEGATIVE_INFINITY, -1, 5],
        [-1, 5, Number.POSITIVE_INFINITY],
      ],
    );
  });
});

describe('decoded histograms', () => {
  const integer: IntegerHistogram = {
    kind: 'integer',
    hint: 'not-reset',
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: 2,
    count: 12,
    sum: 18.4,
    sumHigh: 0x40326666,
    sumLow: 0x66666666,
    positiveSpans: [
      { offset: 0, length: 2 },
      { offset: 1, length: 2 },
    ],
    negativeSpans: [{ offset: -5, length: 1 }],
    positiveDeltas: [1, 1, -1, 0],
    negativeDeltas: [3],
    customValues: [],
  };

  test('integer counts become absolute', () => {
    const value = histogramValueOf(integer)!;
    assert.deepEqual(bucketsOf(value.positive), { 0: 1, 1: 2, 3: 1, 4: 1 });
    assert.deepEqual(bucketsOf(value.negative), { [-5]: 3 });
    assert.deepEqual([value.count, value.zeroCount, value.hint], [12, 2, 'not-reset']);
  });

  test('schemas finer than the finest are merged down', () => {
    const float: FloatHistogram = {
      ...integer,
      kind: 'float',
      schema: 10,
      positiveSpans: [{ offset: 3, length: 4 }],
      positiveCounts: Float64Array.of(1, 2, 4, 8),
      negativeCounts: Float64Array.of(3),
    };
    const value = histogramValueOf(float)!;
    assert.deepEqual(
      [value.schema, bucketsOf(value.positive), bucketsOf(value.negative)],
      [8, { 1: 3, 2: 12 }, { [-1]: 3 }],
    );
  });

  test('a stale marker is no histogram', () => {
    assert.equal(histogramValueOf({ ...integer, sumHigh: 0x7ff00000, sumLow: 2 }), undefined);
  });

  for (const [what, spans] of [
    [
      'overlapping',
      [
        { offset: 0, length: 2 },
        { offset: -1, length: 2 },
      ],
    ],
    ['endless', [{ offset: 2 ** 40, length: 4 }]],
  ] as const) {
    test(`${what} spans are corrupt`, () => {
      assert.throws(
        () => histogramValueOf({ ...integer, positiveSpans: spans }),
        (thrown) => kindOf(thrown) === 'corrupt',
      );
    });
  }
});

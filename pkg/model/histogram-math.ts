// Arithmetic of histograms: sums, differences, scaling, layouts made equal.
//
// The order of additions is part of the answer: buckets are added one by one, each sum of two first.

import type { CounterResetHint } from './histogram.ts';
import { exponentialBound } from './histogram-bounds.ts';
import {
  type BucketCounts,
  coarserBuckets,
  type HistogramValue,
  increaseAt,
  MergedBuckets,
  noBuckets,
  sameBounds,
  sameIndexes,
  usesCustomBounds,
  withParts,
} from './histogram-value.ts';

/** What comes of two histograms, and what has to be said about it. */
export interface Combined {
  readonly value: HistogramValue;
  /** One of them follows a counter reset, the other does not. */
  readonly hasCollision: boolean;
  /** Their custom bounds differed, and only those of both were kept. */
  readonly isReconciled: boolean;
}

/** a + b; undefined when one has custom bounds and the other has not. Not compact. */
export function addHistograms(a: HistogramValue, b: HistogramValue): Combined | undefined {
  return combine(a, b, 1, addedHint(a.hint, b.hint));
}

/** a - b, a gauge; undefined like `addHistograms`. */
export function subtractHistograms(a: HistogramValue, b: HistogramValue): Combined | undefined {
  return combine(a, b, -1, 'gauge');
}

/** What a sum is: a gauge as soon as one part is, and known only as far as both are. */
export function addedHint(a: CounterResetHint, b: CounterResetHint): CounterResetHint {
  if (a === b) return a;
  return a === 'gauge' || b === 'gauge' ? 'gauge' : 'unknown';
}

function combine(a: HistogramValue, b: HistogramValue, sign: 1 | -1, hint: CounterResetHint): Combined | undefined {
  const hasCollision = areColliding(a.hint, b.hint);
  const bounds = boundsOfBoth(a, b);
  if (bounds !== undefined) {
    const value = withParts(a, {
      hint,
      count: a.count + sign * b.count,
      sum: a.sum + sign * b.sum,
      positive: addOnBounds(a, b, bounds, sign),
      customValues: bounds,
    });
    return { value, hasCollision, isReconciled: true };
  }
  const aligned = alignHistograms(a, b);
  if (aligned === undefined) return undefined;
  const { a: x, b: y } = aligned;
  const value: HistogramValue = {
    hint,
    schema: x.schema,
    zeroThreshold: x.zeroThreshold,
    zeroCount: x.zeroCount + sign * y.zeroCount,
    count: x.count + sign * y.count,
    sum: x.sum + sign * y.sum,
    positive: addBuckets(x.positive, y.positive, sign),
    negative: addBuckets(x.negative, y.negative, sign),
    customValues: x.customValues,
  };
  return { value, hasCollision, isReconciled: false };
}

/** The custom bounds two histograms share where those of one are not those of the other; undefined otherwise. */
export function boundsOfBoth(a: HistogramValue, b: HistogramValue): readonly number[] | undefined {
  if (!usesCustomBounds(a) || !usesCustomBounds(b) || sameBounds(a.customValues, b.customValues)) return undefined;
  return sharedBounds(a.customValues, b.customValues);
}

/**
 * The buckets of a, then those of b times the sign, between fewer bounds; each number is added by itself, and the order shows
 * in the last bits. With compensation where a has any.
 */
export function addOnBounds(
  a: HistogramValue,
  b: HistogramValue,
  bounds: readonly number[],
  sign: 1 | -1,
): BucketCounts {
  const sums = new Float64Array(bounds.length + 1);
  const compensations = new Float64Array(sums.length);
  const isFilled = new Uint8Array(sums.length);
  for (const [{ customValues, positive }, factor] of [
    [a, 1],
    [b, sign],
  ] as const) {
    const lost = positive.compensations;
    eachOnBounds({ customValues, positive }, bounds, (target, i) => {
      increaseAt(sums, compensations, target, target, factor * positive.counts[i]);
      if (lost !== undefined) increaseAt(sums, compensations, target, target, lost[i]);
      isFilled[target] = 1;
    });
  }
  const all = { indexes: Int32Array.from(sums.keys()), counts: sums, compensations };
  return filterBuckets(
    a.positive.compensations === undefined ? { ...all, compensations: undefined } : all,
    (index) => isFilled[index] === 1,
  );
}

export function areColliding(a: CounterResetHint, b: CounterResetHint): boolean {
  return (a === 'reset' && b === 'not-reset') || (a === 'not-reset' && b === 'reset');
}

export interface Aligned {
  readonly a: HistogramValue;
  readonly b: HistogramValue;
  readonly isReconciled: boolean;
}

/**
 * The two in one layout: the coarser schema, the wider zero bucket, the custom bounds they share. Undefined when one has
 * custom bounds and the other has not. They come back as they are where nothing has to be done.
 */
export function alignHistograms(a: HistogramValue, b: HistogramValue): Aligned | undefined {
  if (usesCustomBounds(a) !== usesCustomBounds(b)) return undefined;
  if (usesCustomBounds(a)) {
    if (sameBounds(a.customValues, b.customValues)) return { a, b, isReconciled: false };
    const bounds = sharedBounds(a.customValues, b.customValues);
    return { a: onBounds(a, bounds), b: onBounds(b, bounds), isReconciled: true };
  }
  let x = a;
  let y = b;
  let isWidened = false;
  while (x.zeroThreshold !== y.zeroThreshold) {
    isWidened = true;
    if (x.zeroThreshold > y.zeroThreshold) y = widenZeroBucket(b, x.zeroThreshold);
    if (y.zeroThreshold > x.zeroThreshold) x = withoutInnerBuckets(widenZeroBucket(x, y.zeroThreshold));
  }
  if (x.schema !== y.schema) {
    const schema = Math.min(x.schema, y.schema);
    x = toSchema(x, schema);
    y = toSchema(y, schema);
  }
  // What the zero bucket has taken over counts only there.
  if (isWidened) y = withoutBucketsUpTo(y, y.zeroThreshold);
  return { a: x, b: y, isReconciled: false };
}

/** A coarser schema; the histogram itself when it has that already. */
export function toSchema(histogram: HistogramValue, schema: number): HistogramValue {
  const steps = histogram.schema - schema;
  if (steps <= 0) return histogram;
  const positive = coarserBuckets(histogram.positive, steps);
  return withParts(histogram, { schema, positive, negative: coarserBuckets(histogram.negative, steps) });
}

/**
 * The zero bucket reaching to `threshold`, or further where that lies inside a bucket with observations. Buckets it took
 * over are still there.
 */
export function widenZeroBucket(histogram: HistogramValue, threshold: number): HistogramValue {
  const { positive, negative, schema, zeroCompensation } = histogram;
  const zero = Float64Array.of(0, zeroCompensation ?? 0);
  const take = ({ counts, compensations }: BucketCounts, i: number): void => {
    increaseAt(zero, zero, 0, 1, counts[i]);
    if (compensations !== undefined) increaseAt(zero, zero, 0, 1, compensations[i]);
  };
  for (;;) {
    zero[0] = histogram.zeroCount;

    for (let i = 0; i < positive.indexes.length; i++) {
      if (exponentialBound(positive.indexes[i] - 1, schema) >= threshold) break;
      take(positive, i);
      const upper = exponentialBound(positive.indexes[i], schema);
      if (upper <= threshold) continue;
      if (positive.counts[i] > 0) threshold = upper;
      break;
    }
    let isMoved = false;
    for (let i = 0; i < negative.indexes.length; i++) {
      if (exponentialBound(negative.indexes[i] - 1, schema) >= threshold) break;
      take(negative, i);
      const upper = exponentialBound(negative.indexes[i], schema);
      if (upper <= threshold) continue;
      if (negative.counts[i] > 0) {
        // The positive side has to be looked at again.
        threshold = upper;
        isMoved = true;
      }
      break;
    }
    if (isMoved) continue;
    const compensated = zeroCompensation === undefined ? undefined : zero[1];
    return withParts(histogram, { zeroCount: zero[0], zeroCompensation: compensated, zeroThreshold: threshold });
  }
}

function withoutInnerBuckets(histogram: HistogramValue): HistogramValue {
  const { schema, zeroThreshold } = histogram;
  const isOutside = (index: number): boolean => exponentialBound(index - 1, schema) >= zeroThreshold;
  return withParts(histogram, {
    positive: filterBuckets(histogram.positive, (index, count) => count !== 0 && isOutside(index)),
    negative: filterBuckets(histogram.negative, (index, count) => count !== 0 && isOutside(index)),
  });
}

function withoutBucketsUpTo(histogram: HistogramValue, threshold: number): HistogramValue {
  const { schema } = histogram;
  const isOutside = (index: number): boolean => exponentialBound(index, schema) > threshold;
  return withParts(histogram, {
    positive: filterBuckets(histogram.positive, isOutside),
    negative: filterBuckets(histogram.negative, isOutside),
  });
}

/** The bounds two ascending lists share. */
export function sharedBounds(a: readonly number[], b: readonly number[]): number[] {
  const shared: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      shared.push(a[i++]);
      j++;
    } else if (a[i] < b[j]) i++;
    else j++;
  }
  return shared;
}

/** A histogram of custom bounds on fewer of them; empty buckets go. */
export function onBounds(histogram: HistogramValue, bounds: readonly number[]): HistogramValue {
  if (sameBounds(histogram.customValues, bounds)) return histogram;
  return withParts(histogram, {
    customValues: bounds,
    positive: bucketsOnBounds(histogram, bounds),
  });
}

/** The buckets of a histogram of custom bounds added up between fewer bounds; empty ones go. */
function bucketsOnBounds(histogram: HistogramValue, bounds: readonly number[]): BucketCounts {
  const merged = new MergedBuckets(histogram.positive);
  eachOnBounds(histogram, bounds, (target, i) => merged.take(i, target));
  return merged.buckets();
}

/** Which bucket between fewer bounds each that is not empty belongs to, ascending. */
function eachOnBounds(
  { customValues, positive }: Pick<HistogramValue, 'customValues' | 'positive'>,
  bounds: readonly number[],
  take: (target: number, i: number) => void,
): void {
  const { indexes, counts } = positive;
  let target = 0;
  for (let i = 0; i < indexes.length; i++) {
    if (counts[i] === 0) continue;
    const upper = indexes[i] < customValues.length ? customValues[indexes[i]] : Number.POSITIVE_INFINITY;
    while (target < bounds.length && bounds[target] < upper) target++;
    take(target, i);
  }
}

/** a + sign * b, bucket by bucket; of one side. */
export function addBuckets(a: BucketCounts, b: BucketCounts, sign: 1 | -1): BucketCounts {
  if (b.indexes.length === 0) return a;
  if (sameIndexes(a.indexes, b.indexes)) {
    const counts = new Float64Array(a.counts.length);
    for (let i = 0; i < counts.length; i++) counts[i] = a.counts[i] + sign * b.counts[i];
    return { indexes: a.indexes, counts };
  }
  const indexes = unionOf(a.indexes, b.indexes);
  const counts = new Float64Array(indexes.length);
  for (let k = 0, i = 0, j = 0; k < indexes.length; k++) {
    const index = indexes[k];
    const hasA = i < a.indexes.length && a.indexes[i] === index;
    const hasB = j < b.indexes.length && b.indexes[j] === index;
    if (hasA && hasB) counts[k] = a.counts[i++] + sign * b.counts[j++];
    else if (hasA) counts[k] = a.counts[i++];
    else counts[k] = sign * b.counts[j++];
  }
  return { indexes, counts };
}

/** The indexes of both, ascending. */
export function unionOf(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length);
  let length = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const x = i < a.length ? a[i] : Number.POSITIVE_INFINITY;
    const y = j < b.length ? b[j] : Number.POSITIVE_INFINITY;
    all[length++] = Math.min(x, y);
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return all.slice(0, length);
}

/** Everything times a factor. A negative one makes a gauge. */
export function scaleHistogram(histogram: HistogramValue, factor: number): HistogramValue {
  const { positive, negative } = histogram;
  return withParts(histogram, {
    hint: factor < 0 ? 'gauge' : histogram.hint,
    zeroCount: histogram.zeroCount * factor,
    count: histogram.count * factor,
    sum: histogram.sum * factor,
    positive: { indexes: positive.indexes, counts: scaledCounts(positive.counts, factor) },
    negative: { indexes: negative.indexes, counts: scaledCounts(negative.counts, factor) },
  });
}

/** Everything through a divisor. Through 0, buckets are gone. */
export function divideHistogram(histogram: HistogramValue, divisor: number): HistogramValue {
  const { positive, negative } = histogram;
  const divide = (counts: Float64Array): Float64Array => counts.map((count) => count / divisor);
  return withParts(histogram, {
    hint: divisor < 0 ? 'gauge' : histogram.hint,
    zeroCount: histogram.zeroCount / divisor,
    count: histogram.count / divisor,
    sum: histogram.sum / divisor,
    positive: divisor === 0 ? noBuckets : { indexes: positive.indexes, counts: divide(positive.counts) },
    negative: divisor === 0 ? noBuckets : { indexes: negative.indexes, counts: divide(negative.counts) },
  });
}

function scaledCounts(counts: Float64Array, factor: number): Float64Array {
  if (counts.length === 0) return counts;
  const scaled = new Float64Array(counts.length);
  for (let i = 0; i < counts.length; i++) scaled[i] = counts[i] * factor;
  return scaled;
}

/** Without empty buckets; the histogram itself when it has none. */
export function compactHistogram(histogram: HistogramValue): HistogramValue {
  const { positive, negative } = histogram;
  if (!positive.counts.includes(0) && !negative.counts.includes(0)) return histogram;
  const isFull = (_index: number, count: number): boolean => count !== 0;
  return withParts(histogram, { positive: filterBuckets(positive, isFull), negative: filterBuckets(negative, isFull) });
}

function filterBuckets(buckets: BucketCounts, keeps: (index: number, count: number) => boolean): BucketCounts {
  const { indexes, counts } = buckets;
  const kept = new MergedBuckets(buckets);
  for (let i = 0; i < indexes.length; i++) if (keeps(indexes[i], counts[i])) kept.take(i, indexes[i]);
  return kept.buckets();
}

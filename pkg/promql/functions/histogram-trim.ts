// `</` and `>/`: what a native histogram would be without the observations above or below a value. Counts inside the bucket
// that the value lies in are interpolated like those of histogram_fraction, and the sum is made anew of what is left.

import { listBuckets } from '../../model/histogram-bounds.ts';
import { compactHistogram } from '../../model/histogram-math.ts';
import { type BucketCounts, type HistogramValue, usesCustomBounds, withParts } from '../../model/histogram-value.ts';
import type { TrimOp } from './binary-ops.ts';
import { goLog2 } from './pointwise.ts';

/** What is left of one bucket. */
interface Rest {
  readonly count: number;
  /** What an observation in it is taken to be. */
  readonly value: number;
  /** All of it, which a count that is no number does not tell. */
  readonly isWhole?: boolean;
}

/** Compact. `</` leaves what is below the limit, `>/` what is above. */
export function trimHistogram(op: TrimOp, histogram: HistogramValue, limit: number): HistogramValue {
  const isUpper = op === '</';
  const isCustom = usesCustomBounds(histogram);
  const rest = isCustom ? customRest(isUpper, limit) : exponentialRest(isUpper, limit, histogram);
  const { lowers, uppers, counts, length } = listBuckets(histogram);
  let isTrimmed = false;
  let count = 0;
  let sum = 0;
  const take = (i: number): number => {
    if (counts[i] === 0) return 0;
    const left = rest(lowers[i], uppers[i], counts[i]);
    if (left.isWhole !== true && left.count !== counts[i]) isTrimmed = true;
    count += left.count;
    if (left.count !== 0) sum += left.count * left.value;
    return left.count;
  };
  // The sums are made in this order: positive buckets, negative ones from zero outwards, the zero bucket.
  const kept: number[] = new Array(length).fill(0);
  const negatives = histogram.negative.indexes.length;
  const zeros = length - negatives - histogram.positive.indexes.length;
  for (let i = negatives + zeros; i < length; i++) kept[i] = take(i);
  for (let i = negatives - 1; i >= 0; i--) kept[i] = take(i);
  for (let i = negatives; i < negatives + zeros; i++) kept[i] = take(i);
  if (!isTrimmed) return histogram;
  return compactHistogram(withParts(histogram, { count, sum, ...bucketsFrom(histogram, kept) }));
}

/** The counts of `listBuckets`, lowest bucket first, back on their sides. */
function bucketsFrom(
  histogram: HistogramValue,
  kept: readonly number[],
): Pick<HistogramValue, 'zeroCount' | 'positive' | 'negative'> {
  const { positive, negative } = histogram;
  const negatives = negative.indexes.length;
  const hasZero = kept.length > negatives + positive.indexes.length;
  const side = (buckets: BucketCounts, counts: readonly number[]): BucketCounts => ({
    indexes: buckets.indexes,
    counts: Float64Array.from(counts),
  });
  return {
    negative: side(negative, kept.slice(0, negatives).reverse()),
    // One below nothing is no bucket to the reference: it is neither counted nor taken away.
    zeroCount: hasZero ? kept[negatives] : histogram.zeroCount,
    positive: side(positive, kept.slice(kept.length - positive.indexes.length)),
  };
}

type RestOf = (lower: number, upper: number, count: number) => Rest;

const nothing: Rest = { count: 0, value: 0 };

/** Exponential buckets are divided along the logarithm, the zero bucket evenly. */
function exponentialRest(isUpper: boolean, limit: number, histogram: HistogramValue): RestOf {
  const [zeroLower, zeroUpper] = zeroReach(histogram);
  return (bucketLower, bucketUpper, count) => {
    const isZero = bucketLower <= 0 && bucketUpper >= 0;
    const lower = isZero ? zeroLower : bucketLower;
    const upper = isZero ? zeroUpper : bucketUpper;
    const middle = isZero ? evenly : geometrically;
    const isWhole = isUpper ? upper <= limit : lower >= limit;
    if (isWhole) return { count, value: middle(lower, upper), isWhole };
    const isGone = isUpper ? lower >= limit : upper <= limit;
    if (isGone || (Number.isNaN(limit) && !isZero)) return nothing;
    if (isUpper) {
      const part = isZero ? (limit - lower) / (upper - lower) : logarithmicPart(lower, upper, limit);
      return { count: count * part, value: middle(lower, limit) };
    }
    const above = isZero
      ? count * ((upper - limit) / (upper - lower))
      : count - count * logarithmicPart(lower, upper, limit);
    return { count: above, value: middle(limit, upper) };
  };
}

/** The zero bucket reaches to zero only on the side that has no buckets, as in histogram_quantile. */
function zeroReach({ positive, negative, zeroThreshold }: HistogramValue): [number, number] {
  if (negative.indexes.length === 0 && positive.indexes.length > 0) return [0, zeroThreshold];
  if (positive.indexes.length === 0 && negative.indexes.length > 0) return [-zeroThreshold, 0];
  return [-zeroThreshold, zeroThreshold];
}

/** The share of an exponential bucket that is below a value inside it. */
function logarithmicPart(lower: number, upper: number, value: number): number {
  const logLower = goLog2(Math.abs(lower));
  const logUpper = goLog2(Math.abs(upper));
  const log = goLog2(Math.abs(value));
  return value > 0 ? (log - logLower) / (logUpper - logLower) : 1 - (log - logUpper) / (logLower - logUpper);
}

function evenly(lower: number, upper: number): number {
  return (lower + upper) / 2;
}

function geometrically(lower: number, upper: number): number {
  const middle = Math.sqrt(Math.abs(lower * upper));
  return lower < 0 ? -middle : middle;
}

/** Custom buckets are divided evenly; the outermost ones, which have no end, are kept whole or not at all. */
function customRest(isUpper: boolean, limit: number): RestOf {
  return (bucketLower, upper, count) => {
    if (bucketLower === Number.NEGATIVE_INFINITY && upper === Number.POSITIVE_INFINITY) {
      return (isUpper ? limit === upper : limit === bucketLower) ? { count, value: 0, isWhole: true } : nothing;
    }
    if (upper === Number.POSITIVE_INFINITY) {
      if (isUpper) return limit === upper ? { count, value: bucketLower, isWhole: true } : nothing;
      return limit === upper || Number.isNaN(limit) ? nothing : { count, value: Math.max(bucketLower, limit) };
    }
    // A first bucket of positive values begins at zero.
    const lower = bucketLower === Number.NEGATIVE_INFINITY && upper > 0 ? 0 : bucketLower;
    if (lower === Number.NEGATIVE_INFINITY) {
      if (!isUpper) return limit === lower ? { count, value: upper, isWhole: true } : nothing;
      return limit === lower || Number.isNaN(limit) ? nothing : { count, value: Math.min(upper, limit) };
    }
    const isWhole = isUpper ? upper <= limit : lower >= limit;
    // A limit below zero takes the first bucket away altogether: the reference sees no beginning there.
    if (isWhole && !(lower !== bucketLower && limit < 0 && limit !== Number.NEGATIVE_INFINITY)) {
      return { count, value: evenly(lower, upper), isWhole: true };
    }
    const isGone = isWhole || (isUpper ? lower >= limit : upper <= limit);
    if (isGone || Number.isNaN(limit)) return nothing;
    // The order of the steps shows in the last bits, and is another one in a first bucket.
    const isFirst = lower !== bucketLower;
    const below = isFirst ? (count * limit) / upper : count * ((limit - lower) / (upper - lower));
    if (isUpper) return { count: below, value: evenly(lower, limit) };
    return { count: isFirst ? count * (1 - limit / upper) : count - below, value: evenly(limit, upper) };
  };
}

// Quantiles and fractions of native histograms, by interpolation inside buckets: along the logarithm in exponential
// buckets, evenly in the zero bucket and in buckets of custom bounds.

import { type BucketList, listBuckets } from '../../model/histogram-bounds.ts';
import { type HistogramValue, usesCustomBounds } from '../../model/histogram-value.ts';
import { goLog2 } from './pointwise.ts';

/** `nans` tells of observations of NaN, which are in no bucket: they made the answer NaN, or only too high. */
export interface NativeQuantile {
  readonly value: number;
  readonly nans: 'none' | 'result-is-nan' | 'skewed';
}

export function nativeQuantile(q: number, histogram: HistogramValue): NativeQuantile {
  const of = (value: number): NativeQuantile => ({ value, nans: 'none' });
  if (q < 0) return of(Number.NEGATIVE_INFINITY);
  if (q > 1) return of(Number.POSITIVE_INFINITY);
  if (histogram.count === 0 || Number.isNaN(q)) return of(Number.NaN);
  const hasNans = Number.isNaN(histogram.sum);
  const buckets = listBuckets(histogram);
  // Ranks count from the nearer end. Observations of NaN are in no bucket but beyond all, so that end is of no use then.
  const fromLow = hasNans || q < 0.5;
  let rank = (fromLow ? q : 1 - q) * histogram.count;
  let at = -1;
  let count = 0;
  for (let i = 0; i < buckets.length; i++) {
    const b = fromLow ? i : buckets.length - 1 - i;
    if (buckets.counts[b] === 0) continue;
    at = b;
    count += buckets.counts[b];
    if (count >= rank) break;
  }
  if (at < 0) return hasNans ? { value: Number.NaN, nans: rank > 0 ? 'result-is-nan' : 'none' } : of(0);
  const [lower, upper] = ends(buckets, at, histogram);
  const isCustom = usesCustomBounds(histogram);
  if (isCustom && lower === Number.NEGATIVE_INFINITY) return of(upper);
  if (isCustom && upper === Number.POSITIVE_INFINITY && !(hasNans && count < rank)) {
    return { value: lower, nans: hasNanObservations(histogram) ? 'skewed' : 'none' };
  }
  // Rounding may have brought more together than there are.
  count = Math.min(count, histogram.count);
  if (count < rank) return hasNans ? { value: Number.NaN, nans: 'result-is-nan' } : of(upper);
  rank = fromLow ? rank - (count - buckets.counts[at]) : count - rank;
  if (!hasNans) return of(inside(rank / buckets.counts[at], lower, upper, isCustom));
  // While it looks for observations of NaN the reference moves on to the last bucket, and interpolates there.
  let last = buckets.length - 1;
  while (last > at && buckets.counts[last] === 0) last--;
  const [lastLower, lastUpper] = ends(buckets, last, histogram);
  const value = inside(rank / buckets.counts[last], lastLower, lastUpper, isCustom);
  return { value, nans: hasNanObservations(histogram) ? 'skewed' : 'none' };
}

/** Whether there are more observations than the buckets hold, which only those of NaN can be. */
export function hasNanObservations(histogram: HistogramValue): boolean {
  if (!Number.isNaN(histogram.sum)) return false;
  const { counts, length } = listBuckets(histogram);
  let total = 0;
  for (let i = 0; i < length; i++) total += counts[i];
  return total < histogram.count;
}

/** The value below which `part` of a bucket's observations are. */
function inside(part: number, lower: number, upper: number, isCustom: boolean): number {
  if (isCustom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * part;
  const logLower = goLog2(Math.abs(lower));
  const logUpper = goLog2(Math.abs(upper));
  if (lower > 0) return 2 ** (logLower + (logUpper - logLower) * part);
  return -(2 ** (logUpper + (logLower - logUpper) * (1 - part)));
}

/**
 * The ends of a bucket to interpolate between: a zero bucket reaches to zero only on the side that has no buckets, and a
 * first custom bucket that holds positive values begins at zero.
 */
function ends({ lowers, uppers }: BucketList, i: number, histogram: HistogramValue): [number, number] {
  const lower = lowers[i];
  const upper = uppers[i];
  if (usesCustomBounds(histogram)) return [beginsAtZero(lower, upper) ? 0 : lower, upper];
  if (!(lower <= 0 && upper >= 0)) return [lower, upper];
  return endsAroundZero(lower, upper, histogram);
}

function endsAroundZero(lower: number, upper: number, { positive, negative }: HistogramValue): [number, number] {
  if (negative.indexes.length === 0 && positive.indexes.length > 0) return [0, upper];
  if (positive.indexes.length === 0 && negative.indexes.length > 0) return [lower, 0];
  return [lower, upper];
}

/** For fractions any bucket around zero, also one of custom bounds, reaches to zero only on a side without buckets. */
function fractionEnds({ lowers, uppers }: BucketList, i: number, histogram: HistogramValue): [number, number] {
  const lower = lowers[i];
  const upper = uppers[i];
  return lower <= 0 && upper >= 0 ? endsAroundZero(lower, upper, histogram) : [lower, upper];
}

/** The one bucket of a histogram without bounds has no beginning at all. */
function beginsAtZero(lower: number, upper: number): boolean {
  return lower === Number.NEGATIVE_INFINITY && upper > 0 && upper !== Number.POSITIVE_INFINITY;
}

/** The share of observations between two values; observations of NaN are in no share. */
export function nativeFraction(lower: number, upper: number, histogram: HistogramValue): number {
  const { count, sum } = histogram;
  if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const buckets = listBuckets(histogram);
  let rank = 0;
  let lowerRank: number | undefined;
  let upperRank: number | undefined;
  for (let i = 0; i < buckets.length && upperRank === undefined; i++) {
    const [from, to] = fractionEnds(buckets, i, histogram);
    const size = buckets.counts[i];
    if (lowerRank === undefined) lowerRank = rankInside(lower, from, to, rank, size, histogram);
    upperRank = rankInside(upper, from, to, rank, size, histogram);
    rank += size;
  }
  const all = Number.isNaN(sum) ? rank : count;
  const high = upperRank === undefined || upperRank > count ? all : upperRank;
  const low = lowerRank === undefined || lowerRank > count ? all : lowerRank;
  return (high - low) / count;
}

/** How many observations are below a value, if it is not beyond this bucket. */
function rankInside(
  value: number,
  from: number,
  to: number,
  below: number,
  size: number,
  histogram: HistogramValue,
): number | undefined {
  if (from >= value) return below;
  if (to <= value) return undefined;
  const isCustom = usesCustomBounds(histogram);
  // Without a beginning all of it is taken, without an end nothing.
  if (isCustom && from === Number.NEGATIVE_INFINITY) return value === from ? below : below + size;
  if (isCustom && to === Number.POSITIVE_INFINITY) return below;
  if (isCustom || (from <= 0 && to >= 0)) return below + size * ((value - from) / (to - from));
  const logFrom = goLog2(Math.abs(from));
  const logTo = goLog2(Math.abs(to));
  const log = goLog2(Math.abs(value));
  const part = value > 0 ? (log - logFrom) / (logTo - logFrom) : 1 - (log - logTo) / (logFrom - logTo);
  return below + size * part;
}

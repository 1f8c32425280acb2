// The share of a classic histogram's observations between two values, by interpolation inside buckets.

import type { ClassicBuckets } from './histogram-quantile.ts';

/** `bounds` ascend; equal ones follow each other. NaN without a last bucket of +Inf, without observations, or for NaN limits. */
export function classicFraction(lower: number, upper: number, buckets: ClassicBuckets): number {
  const merged = merge(buckets);
  const { bounds, counts, length } = merged;
  if (length === 0 || bounds[length - 1] !== Number.POSITIVE_INFINITY) return Number.NaN;
  const observations = counts[length - 1];
  if (observations === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  // Counts that are not cumulative may lead above the whole.
  const [from, to] = [lower, upper].map((limit) => Math.min(rankOf(limit, merged), observations));
  return (to - from) / observations;
}

/** How many observations are at or below `value`, spread evenly over each bucket. */
function rankOf(value: number, { bounds, counts, length }: ClassicBuckets): number {
  let at = 0;
  while (at < length && bounds[at] < value) at++;
  if (at === length) return counts[length - 1];
  const below = at === 0 ? 0 : counts[at - 1];
  if (bounds[at] === value) return counts[at];
  // The last bucket has no upper end to interpolate towards. A first one of negative values has no lower end: the
  // reference takes all of it.
  const start = at > 0 ? bounds[at - 1] : bounds[0] > 0 ? 0 : Number.NEGATIVE_INFINITY;
  if (at === length - 1 || value <= start) return below;
  if (start === Number.NEGATIVE_INFINITY) return counts[at];
  return below + ((counts[at] - below) * (value - start)) / (bounds[at] - start);
}

function merge({ bounds, counts, length }: ClassicBuckets): ClassicBuckets {
  let kept = 0;
  for (let i = 0; i < length; i++) {
    if (kept > 0 && bounds[kept - 1] === bounds[i]) counts[kept - 1] += counts[i];
    else {
      bounds[kept] = bounds[i];
      counts[kept++] = counts[i];
    }
  }
  return { bounds, counts, length: kept };
}

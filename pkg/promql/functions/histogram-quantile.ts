// Quantiles of classic histograms: cumulative counts in buckets bounded by `le`.

/** `bounds` and `counts`, which are cumulative, go in as read; `length` entries count. */
export interface ClassicBuckets {
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  length: number;
}

export interface QuantileAnswer {
  readonly value: number;
  /** Counts that went down from one bucket to the next by more than rounding and were raised: an info note is due. */
  readonly raised: RaisedCounts | undefined;
}

export interface RaisedCounts {
  /** Bounds of the first and the last bucket that were raised. */
  readonly firstBound: number;
  readonly lastBound: number;
  /** The most that a count was raised by. */
  readonly most: number;
}

/** Neighbouring counts closer than this, relatively, are taken as equal. */
const TOLERANCE = 1e-12;
const LEAST_NORMAL = 2.2250738585072014e-308;

/** The q-quantile. `buckets` is scratch: it comes back sorted, merged and monotonic. */
export function classicQuantile(q: number, buckets: ClassicBuckets): QuantileAnswer {
  if (Number.isNaN(q)) return { value: Number.NaN, raised: undefined };
  if (q < 0) return { value: Number.NEGATIVE_INFINITY, raised: undefined };
  if (q > 1) return { value: Number.POSITIVE_INFINITY, raised: undefined };
  sortAndMerge(buckets);
  const { bounds, counts, length } = buckets;
  if (length === 0 || bounds[length - 1] !== Number.POSITIVE_INFINITY) return { value: Number.NaN, raised: undefined };
  const raised = raise(buckets);
  const observations = counts[length - 1];
  if (length < 2 || observations === 0) return { value: Number.NaN, raised };
  return { value: interpolate(q * observations, buckets), raised };
}

function interpolate(rank: number, { bounds, counts, length }: ClassicBuckets): number {
  let at = 0;
  let high = length - 1;
  while (at < high) {
    const middle = (at + high) >>> 1;
    if (counts[middle] >= rank) high = middle;
    else at = middle + 1;
  }
  if (at === length - 1) return bounds[length - 2];
  if (at === 0 && bounds[0] <= 0) return bounds[0];
  const start = at === 0 ? 0 : bounds[at - 1];
  const below = at === 0 ? 0 : counts[at - 1];
  return start + (bounds[at] - start) * ((rank - below) / (counts[at] - below));
}

/** By bound; equal bounds become one bucket with the sum of the counts. */
function sortAndMerge(buckets: ClassicBuckets): void {
  const { bounds, counts, length } = buckets;
  // Insertion: buckets mostly come sorted.
  for (let i = 1; i < length; i++) {
    const bound = bounds[i];
    const count = counts[i];
    let k = i;
    for (; k > 0 && bounds[k - 1] > bound; k--) {
      bounds[k] = bounds[k - 1];
      counts[k] = counts[k - 1];
    }
    bounds[k] = bound;
    counts[k] = count;
  }
  let kept = 0;
  for (let i = 0; i < length; i++) {
    if (kept > 0 && bounds[kept - 1] === bounds[i]) counts[kept - 1] += counts[i];
    else {
      bounds[kept] = bounds[i];
      counts[kept++] = counts[i];
    }
  }
  buckets.length = kept;
}

/** Makes counts ascend; says which had to be raised by more than rounding. */
function raise({ bounds, counts, length }: ClassicBuckets): RaisedCounts | undefined {
  let first = -1;
  let last = -1;
  let most = 0;
  let before = counts[0];
  for (let i = 1; i < length; i++) {
    const count = counts[i];
    if (count === before) continue;
    if (almostEqual(before, count)) counts[i] = before;
    else if (count < before) {
      counts[i] = before;
      if (first < 0) first = i;
      last = i;
      most = Math.max(most, before - count);
    } else before = count;
  }
  return first < 0 ? undefined : { firstBound: bounds[first], lastBound: bounds[last], most };
}

function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < LEAST_NORMAL) return difference < TOLERANCE * LEAST_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

// A native histogram as queries compute with it: float counts, buckets by their absolute index.
//
// Values are never changed: functions of histogram-math.ts give new ones, so one may sit in many places. Buckets of samples
// of one chunk share their indexes. Those of a decoded sample may be worked out only when asked for, so a value is not spread
// into another one, nor sent to another thread: `withParts` makes one that has everything.

import { Fault } from '../errors/fault.ts';
import {
  type BucketSpan,
  type CounterResetHint,
  CUSTOM_BOUNDS_SCHEMA,
  type Histogram,
  isStaleHistogram,
} from './histogram.ts';

/** One side of a histogram. Indexes ascend strictly; the bucket at `indexes[i]` holds `counts[i]`, which may be 0. */
export interface BucketCounts {
  readonly indexes: Int32Array;
  readonly counts: Float64Array;
  /** What rounding took from each count; only where a compensated sum is made. */
  readonly compensations?: Float64Array | undefined;
}

export interface HistogramValue {
  readonly hint: CounterResetHint;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** What rounding took from the zero count; only where a compensated sum is made. */
  readonly zeroCompensation?: number | undefined;
  readonly count: number;
  readonly sum: number;
  readonly positive: BucketCounts;
  /** Mirrored: the index of (-4, -2] is that of [2, 4). */
  readonly negative: BucketCounts;
  /** Upper bounds, ascending, of the schema of custom bounds; bucket 0 ends at the first one. */
  readonly customValues: readonly number[];
}

export const noBuckets: BucketCounts = { indexes: new Int32Array(0), counts: new Float64Array(0) };

/** The finest schema that is computed with; finer ones are merged down to it when read. */
const FINEST_SCHEMA = 8;

export function usesCustomBounds({ schema }: Pick<HistogramValue, 'schema'>): boolean {
  return schema === CUSTOM_BOUNDS_SCHEMA;
}

/** A decoded histogram as a value; undefined for a stale marker. `corrupt` when its spans do not ascend. */
export function histogramValueOf(histogram: Histogram): HistogramValue | undefined {
  if (isStaleHistogram(histogram)) return undefined;
  const { hint, schema, zeroThreshold, zeroCount, count, sum, customValues } = histogram;
  const positive = { indexes: bucketIndexes(histogram.positiveSpans), counts: countsOf(histogram, 'positive') };
  const negative = { indexes: bucketIndexes(histogram.negativeSpans), counts: countsOf(histogram, 'negative') };
  const isTooFine = schema > FINEST_SCHEMA;
  return {
    hint,
    schema: isTooFine ? FINEST_SCHEMA : schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positive: isTooFine ? coarserBuckets(positive, schema - FINEST_SCHEMA) : positive,
    negative: isTooFine ? coarserBuckets(negative, schema - FINEST_SCHEMA) : negative,
    customValues,
  };
}

/** Merges the buckets of `steps` schemas finer: 2^steps neighbours become one, added from low to high. */
export function coarserBuckets(buckets: BucketCounts, steps: number): BucketCounts {
  if (steps === 0) return buckets;
  const size = 2 ** steps;
  const merged = new MergedBuckets(buckets);
  for (let i = 0; i < buckets.indexes.length; i++) merged.take(i, Math.ceil(buckets.indexes[i] / size));
  return merged.buckets();
}

/** Buckets that become fewer: neighbours with one index are added, with compensation where their counts have any. */
export class MergedBuckets {
  readonly #from: BucketCounts;
  readonly #indexes: Int32Array;
  readonly #counts: Float64Array;
  readonly #compensations: Float64Array | undefined;
  #length = 0;

  constructor(from: BucketCounts) {
    this.#from = from;
    this.#indexes = new Int32Array(from.indexes.length);
    this.#counts = new Float64Array(from.indexes.length);
    this.#compensations = from.compensations && new Float64Array(from.indexes.length);
  }

  /** The i-th bucket belongs to the one of `index`, which is not less than that of the bucket taken before. */
  take(i: number, index: number): void {
    const { counts, compensations } = this.#from;
    const isNew = this.#length === 0 || this.#indexes[this.#length - 1] !== index;
    if (isNew) this.#indexes[this.#length++] = index;
    const at = this.#length - 1;
    if (this.#compensations === undefined || compensations === undefined) this.#counts[at] += counts[i];
    else {
      if (isNew) {
        this.#counts[at] = counts[i];
        this.#compensations[at] = compensations[i];
      } else {
        increaseAt(this.#counts, this.#compensations, at, at, counts[i]);
        increaseAt(this.#counts, this.#compensations, at, at, compensations[i]);
      }
    }
  }

  buckets(): BucketCounts {
    const end = this.#length;
    const compensations = this.#compensations?.slice(0, end);
    return { indexes: this.#indexes.slice(0, end), counts: this.#counts.slice(0, end), compensations };
  }
}

/** sums[i] += value after Kahan and Neumaier: what rounding takes is added to compensations[c]. */
export function increaseAt(sums: Float64Array, compensations: Float64Array, i: number, c: number, value: number): void {
  const sum = sums[i];
  const total = sum + value;
  if (total === Infinity || total === -Infinity) compensations[c] = 0;
  else if (Math.abs(sum) >= Math.abs(value)) compensations[c] += sum - total + value;
  else compensations[c] += value - total + sum;
  sums[i] = total;
}

/** The same bounds, in the same order, to the bit. */
export function sameBounds(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

/** Equal in everything but the hint. Empty buckets count: a layout is part of a histogram. NaN equals NaN. */
export function sameHistogram(a: HistogramValue, b: HistogramValue): boolean {
  return (
    a.schema === b.schema &&
    Object.is(a.count, b.count) &&
    Object.is(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    Object.is(a.zeroCount, b.zeroCount) &&
    sameBounds(a.customValues, b.customValues) &&
    sameBuckets(a.positive, b.positive) &&
    sameBuckets(a.negative, b.negative)
  );
}

function sameBuckets(a: BucketCounts, b: BucketCounts): boolean {
  return sameIndexes(a.indexes, b.indexes) && a.counts.every((count, i) => Object.is(count, b.counts[i]));
}

export function sameIndexes(a: Int32Array, b: Int32Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The same with other parts, as a plain object. */
export function withParts(histogram: HistogramValue, parts: Partial<HistogramValue>): HistogramValue {
  return {
    hint: parts.hint ?? histogram.hint,
    schema: parts.schema ?? histogram.schema,
    zeroThreshold: parts.zeroThreshold ?? histogram.zeroThreshold,
    zeroCount: parts.zeroCount ?? histogram.zeroCount,
    zeroCompensation: parts.zeroCompensation ?? histogram.zeroCompensation,
    count: parts.count ?? histogram.count,
    sum: parts.sum ?? histogram.sum,
    positive: parts.positive ?? histogram.positive,
    negative: parts.negative ?? histogram.negative,
    customValues: parts.customValues ?? histogram.customValues,
  };
}

/** Another hint; the value itself where it is that already. */
export function withHint(histogram: HistogramValue, hint: CounterResetHint): HistogramValue {
  return histogram.hint === hint ? histogram : withParts(histogram, { hint });
}

/** What is known of a histogram that does not follow its neighbour of before any more. */
export function outOfSequence(histogram: HistogramValue): HistogramValue {
  return histogram.hint === 'gauge' ? histogram : withHint(histogram, 'unknown');
}

/** The samples of a chunk share their spans, so these are unfolded once. */
const unfolded = new WeakMap<readonly BucketSpan[], Int32Array>();

/** The absolute indexes that spans stand for; the same array for the same spans. `corrupt` when spans overlap. */
export function bucketIndexes(spans: readonly BucketSpan[]): Int32Array {
  if (spans.length === 0) return noBuckets.indexes;
  const known = unfolded.get(spans);
  if (known !== undefined) return known;
  let length = 0;
  for (const span of spans) length += span.length;
  const indexes = new Int32Array(length);
  let at = 0;
  let next = 0;
  for (let s = 0; s < spans.length; s++) {
    if (s > 0 && spans[s].offset < 0) throw new Fault('corrupt', 'spans of a histogram overlap');
    next += spans[s].offset;
    for (let i = 0; i < spans[s].length; i++) indexes[at++] = next++;
    // Indexes of no schema come near: the finest one has some 2^18 of them.
    if (!(next > -(2 ** 30) && next < 2 ** 30)) throw new Fault('corrupt', `a histogram has a bucket ${next}`);
  }
  unfolded.set(spans, indexes);
  return indexes;
}

function countsOf(histogram: Histogram, side: 'positive' | 'negative'): Float64Array {
  if (histogram.kind === 'float') return side === 'positive' ? histogram.positiveCounts : histogram.negativeCounts;
  const deltas = side === 'positive' ? histogram.positiveDeltas : histogram.negativeDeltas;
  const counts = new Float64Array(deltas.length);
  for (let i = 0, count = 0; i < deltas.length; i++) counts[i] = count += deltas[i];
  return counts;
}

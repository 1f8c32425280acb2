// One layout for all native histograms of a chunk, which a chunk demands, and columns of them as its bytes.

import type { BucketSpan, CounterResetHint } from '../../model/histogram.ts';
import { alignHistograms, toSchema, unionOf } from '../../model/histogram-math.ts';
import {
  type BucketCounts,
  type HistogramValue,
  noBuckets,
  sameBounds,
  sameIndexes,
  usesCustomBounds,
} from '../../model/histogram-value.ts';
import { FloatHistogramEncoder } from '../../tsdb/chunkenc/float-histogram-encoder.ts';

/** Whether both can be in one chunk of aggregates: of one kind, and custom bounds equal, since those cannot be refined. */
export function sharesLayout(a: HistogramValue, b: HistogramValue): boolean {
  if ((a.hint === 'gauge') !== (b.hint === 'gauge') || usesCustomBounds(a) !== usesCustomBounds(b)) return false;
  return sameBounds(a.customValues, b.customValues);
}

/**
 * The histograms, all of which share a layout by the function above, at the coarsest schema among them, with the widest
 * zero bucket, and with the buckets of all of them: their indexes are the same arrays.
 */
export function unifyHistograms(values: readonly HistogramValue[]): readonly HistogramValue[] {
  const unified = usesCustomBounds(values[0]) ? values : atOneSchema(values);
  const positive = indexesOfAll(unified, (value) => value.positive);
  const negative = indexesOfAll(unified, (value) => value.negative);
  return unified.map((value) => {
    if (value.positive.indexes === positive && value.negative.indexes === negative) return value;
    return { ...value, positive: spread(value.positive, positive), negative: spread(value.negative, negative) };
  });
}

function atOneSchema(values: readonly HistogramValue[]): readonly HistogramValue[] {
  let schema = values[0].schema;
  let zeroThreshold = values[0].zeroThreshold;
  for (const value of values) {
    schema = Math.min(schema, value.schema);
    zeroThreshold = Math.max(zeroThreshold, value.zeroThreshold);
  }
  // The schema first: then no zero bucket ends inside of a bucket that comes of merging.
  let unified = values.map((value) => toSchema(value, schema));
  for (;;) {
    const frame = emptyHistogram(schema, zeroThreshold);
    unified = unified.map((value) =>
      value.zeroThreshold === zeroThreshold ? value : alignHistograms(value, frame)!.a,
    );
    // A threshold inside of a bucket with observations is moved to its end, for this histogram and then for all.
    const widest = unified.reduce((widestYet, value) => Math.max(widestYet, value.zeroThreshold), zeroThreshold);
    if (widest === zeroThreshold) return unified;
    zeroThreshold = widest;
  }
}

function emptyHistogram(schema: number, zeroThreshold: number): HistogramValue {
  return {
    hint: 'unknown',
    schema,
    zeroThreshold,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positive: noBuckets,
    negative: noBuckets,
    customValues: [],
  };
}

const encoder = new FloatHistogramEncoder();
const sumBits = new Float64Array(1);
const sumWords = new Uint32Array(sumBits.buffer);

/** Histograms that `unifyHistograms` gave, or what was computed of them, as a float histogram chunk. The bytes are yours. */
export function encodeHistogramColumn(
  times: readonly number[],
  values: readonly HistogramValue[],
  header: CounterResetHint,
): Uint8Array {
  const { schema, zeroThreshold, customValues, positive, negative } = values[0];
  const positiveSpans = spansOf(positive.indexes);
  const negativeSpans = spansOf(negative.indexes);
  encoder.reset(header);
  for (let i = 0; i < values.length; i++) {
    const { zeroCount, count, sum } = values[i];
    sumBits[0] = sum;
    encoder.push(times[i], {
      kind: 'float',
      hint: header,
      schema,
      zeroThreshold,
      zeroCount,
      count,
      sum,
      sumHigh: sumWords[1],
      sumLow: sumWords[0],
      positiveSpans,
      negativeSpans,
      positiveCounts: values[i].positive.counts,
      negativeCounts: values[i].negative.counts,
      customValues,
    });
  }
  return encoder.bytes();
}

function indexesOfAll(values: readonly HistogramValue[], side: (value: HistogramValue) => BucketCounts): Int32Array {
  let all = noBuckets.indexes;
  for (const value of values) {
    const { indexes } = side(value);
    // Mostly there are no new ones: then the array stays the same, which is quick to see.
    if (!includesAll(all, indexes)) all = unionOf(all, indexes);
  }
  return all;
}

function includesAll(all: Int32Array, indexes: Int32Array): boolean {
  if (all === indexes) return true;
  let at = 0;
  for (let i = 0; i < indexes.length; i++) {
    while (at < all.length && all[at] < indexes[i]) at++;
    if (all[at] !== indexes[i]) return false;
  }
  return true;
}

/** The fewest spans that cover ascending indexes. */
function spansOf(indexes: Int32Array): BucketSpan[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

/** The same buckets and empty ones at the other indexes, which include all of theirs. */
function spread({ indexes, counts }: BucketCounts, into: Int32Array): BucketCounts {
  if (sameIndexes(indexes, into)) return { indexes: into, counts };
  const spreadCounts = new Float64Array(into.length);
  for (let i = 0, at = 0; i < indexes.length; i++) {
    while (into[at] < indexes[i]) at++;
    spreadCounts[at] = counts[i];
  }
  return { indexes: into, counts: spreadCounts };
}

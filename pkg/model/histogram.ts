// Native histograms as values: one sample with its layout. Chunks decode into these.

import { STALE_HIGH, STALE_LOW } from './staleness.ts';

/** What a chunk's reader knows about counter resets before this sample. */
export type CounterResetHint = 'unknown' | 'reset' | 'not-reset' | 'gauge';

/** The schema of custom bucket bounds. */
export const CUSTOM_BOUNDS_SCHEMA = -53;

/**
 * A run of buckets. The first span's offset is the absolute index of its first bucket; later offsets are the gap after
 * the span before.
 */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

interface HistogramLayout {
  readonly hint: CounterResetHint;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
  /** Upper bounds, only for the schema of custom bounds; the last bucket's +Inf is left out. */
  readonly customValues: readonly number[];
}

/**
 * The sum is kept as its two 32-bit words besides the number, since a stale sample is told by the bits of its sum
 * (model/staleness.ts): then the layout is empty and nothing else means anything.
 */
interface HistogramSum {
  readonly sum: number;
  readonly sumHigh: number;
  readonly sumLow: number;
}

/** Buckets hold integers: the first is absolute, each other one the difference to its left neighbour. */
export interface IntegerHistogram extends HistogramLayout, HistogramSum {
  readonly kind: 'integer';
  readonly count: number;
  readonly zeroCount: number;
  readonly positiveDeltas: readonly number[];
  readonly negativeDeltas: readonly number[];
}

/** Buckets hold absolute counts. */
export interface FloatHistogram extends HistogramLayout, HistogramSum {
  readonly kind: 'float';
  readonly count: number;
  readonly zeroCount: number;
  readonly positiveCounts: Float64Array;
  readonly negativeCounts: Float64Array;
}

export type Histogram = IntegerHistogram | FloatHistogram;

/** A histogram at a time in milliseconds. */
export interface HistogramSample {
  readonly time: number;
  readonly histogram: Histogram;
}

/** Whether it is the stale marker, which the bits of the sum tell. */
export function isStaleHistogram({ sumHigh, sumLow }: Histogram): boolean {
  return sumHigh >>> 0 === STALE_HIGH && sumLow >>> 0 === STALE_LOW;
}

/** What is wrong with the buckets of a histogram: they must be as many as its spans cover. Undefined when nothing is. */
export function bucketSpansProblem(histogram: Histogram): string | undefined {
  if (isStaleHistogram(histogram)) return undefined;
  const isInteger = histogram.kind === 'integer';
  const positiveCount = (isInteger ? histogram.positiveDeltas : histogram.positiveCounts).length;
  const negativeCount = (isInteger ? histogram.negativeDeltas : histogram.negativeCounts).length;
  for (const [what, spans, bucketCount] of [
    ['positive', histogram.positiveSpans, positiveCount],
    ['negative', histogram.negativeSpans, negativeCount],
  ] as const) {
    let covered = 0;
    for (let i = 0; i < spans.length; i++) {
      if (i > 0 && spans[i].offset < 0) return `has a ${what} span that goes back`;
      covered += spans[i].length;
    }
    if (covered !== bucketCount) return `has ${bucketCount} ${what} buckets where its spans say ${covered}`;
  }
  return undefined;
}

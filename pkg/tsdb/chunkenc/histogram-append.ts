// Whether a histogram sample continues a chunk: as it is, widened to the chunk's buckets, after the chunk was recoded with
// more buckets, or not at all. The rules are those of Prometheus; the chunks are made in histogram-chunker.ts.

import {
  type BucketSpan,
  type CounterResetHint,
  type FloatHistogram,
  type Histogram,
  type IntegerHistogram,
  isStaleHistogram,
} from '../../model/histogram.ts';
import {
  type Buckets,
  bucketIndexes,
  compareBuckets,
  deltasOf,
  mergeSpans,
  sameSpans,
  spreadCounts,
  sumDeltas,
} from './histogram-buckets.ts';

/** The buckets of a chunk or of one sample. */
export interface BucketSpans {
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
}

export type AppendDecision =
  /** The chunk goes on; the sample is brought to the chunk's buckets if it has fewer. */
  | { readonly kind: 'append' }
  /** The chunk goes on after all of it, the sample included, is brought to these buckets. */
  | { readonly kind: 'recode'; readonly spans: BucketSpans }
  /** The sample opens a chunk whose header says this. */
  | { readonly kind: 'new-chunk'; readonly header: CounterResetHint };

/** What a decision needs to know of the chunk under way. */
export interface ChunkState {
  readonly header: CounterResetHint;
  /** Its last sample, which has all buckets of the chunk unless it is stale. */
  readonly last: Histogram;
}

const APPEND: AppendDecision = { kind: 'append' };
const RESTART: AppendDecision = { kind: 'new-chunk', header: 'unknown' };
const RESET: AppendDecision = { kind: 'new-chunk', header: 'reset' };
const NEW_GAUGE: AppendDecision = { kind: 'new-chunk', header: 'gauge' };

/** Whether a sample of the chunk's own kind can continue it. The order of the checks decides about the header. */
export function decideAppend({ header, last }: ChunkState, next: Histogram): AppendDecision {
  const isGauge = next.hint === 'gauge';
  if (isGauge !== (header === 'gauge')) return isGauge ? NEW_GAUGE : next.hint === 'reset' ? RESET : RESTART;
  if (next.hint === 'reset') return RESET;
  if (isStaleHistogram(next)) return APPEND;
  const restart = isGauge ? NEW_GAUGE : RESTART;
  if (isStaleHistogram(last)) return restart;
  if (!isGauge && next.count < last.count) return RESET;
  if (next.schema !== last.schema || next.zeroThreshold !== last.zeroThreshold) return restart;
  if (!sameBounds(last, next)) return isGauge ? NEW_GAUGE : RESET;
  if (!isGauge && next.zeroCount < last.zeroCount) return RESET;
  return decideBuckets(last, next, isGauge);
}

/** What the header of a chunk says that the sample opens because the one before is full. */
export function headerAfterCut(before: ChunkState, next: Histogram): CounterResetHint {
  if (next.hint === 'gauge') return 'gauge';
  const decision = decideAppend(before, next);
  return decision.kind === 'new-chunk' && decision.header === 'reset' ? 'reset' : 'not-reset';
}

/** The same where nothing is known of samples before. */
export function firstHeader(next: Histogram): CounterResetHint {
  return next.hint === 'gauge' || next.hint === 'reset' ? next.hint : 'unknown';
}

function sameBounds(a: Histogram, b: Histogram): boolean {
  return a.customValues.length === b.customValues.length && a.customValues.every((x, i) => x === b.customValues[i]);
}

function decideBuckets(last: Histogram, next: Histogram, isGauge: boolean): AppendDecision {
  const positive = compareBuckets(positiveOf(last), positiveOf(next));
  const negative = compareBuckets(negativeOf(last), negativeOf(next));
  if (!isGauge && (positive.hasFallen || negative.hasFallen)) return RESET;
  if (!positive.hasAppeared && !negative.hasAppeared) return APPEND;
  // Where nothing vanished, the new sample's own spans say it all; of a gauge both sides are treated alike.
  const mergesBoth = isGauge && (positive.hasVanished || negative.hasVanished);
  const merge = (hasVanished: boolean, old: readonly BucketSpan[], now: readonly BucketSpan[]) =>
    hasVanished || mergesBoth ? mergeSpans(old, now) : now;
  return {
    kind: 'recode',
    spans: {
      positiveSpans: merge(positive.hasVanished, last.positiveSpans, next.positiveSpans),
      negativeSpans: merge(negative.hasVanished, last.negativeSpans, next.negativeSpans),
    },
  };
}

function positiveOf(histogram: Histogram): Buckets {
  const counts = histogram.kind === 'integer' ? sumDeltas(histogram.positiveDeltas) : histogram.positiveCounts;
  return { spans: histogram.positiveSpans, counts };
}

function negativeOf(histogram: Histogram): Buckets {
  const counts = histogram.kind === 'integer' ? sumDeltas(histogram.negativeDeltas) : histogram.negativeCounts;
  return { spans: histogram.negativeSpans, counts };
}

/** The histogram with these buckets, which include all of its own. A stale one stays as it is. */
export function withBuckets(histogram: Histogram, spans: BucketSpans): Histogram {
  const { positiveSpans, negativeSpans } = spans;
  if (isStaleHistogram(histogram)) return histogram;
  if (sameSpans(histogram.positiveSpans, positiveSpans) && sameSpans(histogram.negativeSpans, negativeSpans)) {
    return histogram;
  }
  const positive = spreadCounts(positiveOf(histogram), bucketIndexes(positiveSpans));
  const negative = spreadCounts(negativeOf(histogram), bucketIndexes(negativeSpans));
  if (histogram.kind === 'float') {
    const counts = { positiveCounts: Float64Array.from(positive), negativeCounts: Float64Array.from(negative) };
    return { ...histogram, positiveSpans, negativeSpans, ...counts } satisfies FloatHistogram;
  }
  const deltas = { positiveDeltas: deltasOf(positive), negativeDeltas: deltasOf(negative) };
  return { ...histogram, positiveSpans, negativeSpans, ...deltas } satisfies IntegerHistogram;
}

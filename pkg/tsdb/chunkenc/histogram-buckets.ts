// Buckets of two histograms side by side: which appeared, which are gone, which fell, and the layout that holds both.

import type { BucketSpan } from '../../model/histogram.ts';

/** One side of a histogram: its buckets and their absolute counts. */
export interface Buckets {
  readonly spans: readonly BucketSpan[];
  readonly counts: ArrayLike<number>;
}

export interface BucketChange {
  /** A bucket lost observations: it fell, or it is gone and was not empty. */
  hasFallen: boolean;
  /** There are buckets that were not there before. */
  hasAppeared: boolean;
  /** Buckets that were there before are gone. */
  hasVanished: boolean;
}

/** What became of the buckets of one side from one sample to the next. */
export function compareBuckets(before: Buckets, after: Buckets): BucketChange {
  const change: BucketChange = { hasFallen: false, hasAppeared: false, hasVanished: false };
  if (sameSpans(before.spans, after.spans)) {
    // Nearly always so.
    for (let i = 0; i < after.counts.length; i++) if (after.counts[i] < before.counts[i]) change.hasFallen = true;
    return change;
  }
  const oldIndexes = bucketIndexes(before.spans);
  const newIndexes = bucketIndexes(after.spans);
  let i = 0;
  let j = 0;
  while (i < oldIndexes.length || j < newIndexes.length) {
    const old = i < oldIndexes.length ? oldIndexes[i] : Number.POSITIVE_INFINITY;
    const now = j < newIndexes.length ? newIndexes[j] : Number.POSITIVE_INFINITY;
    if (old < now) {
      change.hasVanished = true;
      if (before.counts[i] !== 0) change.hasFallen = true;
      i++;
    } else if (now < old) {
      change.hasAppeared = true;
      j++;
    } else {
      if (after.counts[j] < before.counts[i]) change.hasFallen = true;
      i++;
      j++;
    }
  }
  return change;
}

/** The indexes that spans stand for. */
export function bucketIndexes(spans: readonly BucketSpan[]): number[] {
  const indexes: number[] = [];
  let next = 0;
  for (const { offset, length } of spans) {
    next += offset;
    for (let i = 0; i < length; i++) indexes.push(next++);
  }
  return indexes;
}

/** The fewest spans that hold the buckets of both. */
export function mergeSpans(a: readonly BucketSpan[], b: readonly BucketSpan[]): BucketSpan[] {
  const all = [...new Set([...bucketIndexes(a), ...bucketIndexes(b)])].sort((x, y) => x - y);
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of all) {
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

/** The counts at the given indexes, 0 where there is no bucket. All buckets have a place among the indexes. */
export function spreadCounts({ spans, counts }: Buckets, into: readonly number[]): number[] {
  const indexes = bucketIndexes(spans);
  let i = 0;
  return into.map((index) => (i < indexes.length && indexes[i] === index ? counts[i++] : 0));
}

export function sameSpans(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  return a.length === b.length && a.every(({ offset, length }, i) => offset === b[i].offset && length === b[i].length);
}

/** Absolute counts of buckets stored as differences to the left neighbour. */
export function sumDeltas(deltas: readonly number[]): number[] {
  let count = 0;
  return deltas.map((delta) => (count += delta));
}

/** The reverse of `sumDeltas`. */
export function deltasOf(counts: readonly number[]): number[] {
  return counts.map((count, i) => count - (i === 0 ? 0 : counts[i - 1]));
}

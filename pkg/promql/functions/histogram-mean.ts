// The mean of histograms: their compensated sum through their number, or from where that would overflow a running mean.

import { divideHistogram } from '../../model/histogram-math.ts';
import { type AddedTo, HistogramSum } from '../../model/histogram-sum.ts';
import type { BucketCounts, HistogramValue } from '../../model/histogram-value.ts';

/** No sum whose parts are together below this can overflow. */
const SAFE = 1e308;

export class HistogramMean {
  #sum: HistogramSum;
  #count = 1;
  #isIncremental = false;
  /** No number of the sum is larger than this. */
  #bound: number;

  constructor(first: HistogramValue) {
    this.#sum = new HistogramSum(first);
    this.#bound = magnitude(first);
  }

  /** Undefined, with nothing added, when one has custom bounds and the other has not. */
  add(histogram: HistogramValue): AddedTo | undefined {
    if (!this.#isIncremental) {
      this.#bound += magnitude(histogram);
      const next = this.#bound < SAFE ? this.#sum : this.#sum.clone();
      const added = next.add(histogram);
      if (added === undefined || next === this.#sum || !next.isOverflown) {
        if (added !== undefined) this.#count++;
        if (added !== undefined) this.#sum = next;
        return added;
      }
      this.#isIncremental = true;
      this.#sum.divide(this.#count);
    }
    const count = this.#count + 1;
    const next = this.#sum.clone();
    next.scale((count - 1) / count);
    const added = next.add(divideHistogram(histogram, count));
    if (added === undefined) return undefined;
    this.#count = count;
    this.#sum = next;
    return added;
  }

  /** Without empty buckets. */
  value(): HistogramValue {
    return this.#sum.value(this.#isIncremental ? 1 : this.#count);
  }
}

function magnitude({ count, sum, zeroCount, positive, negative }: HistogramValue): number {
  return Math.abs(count) + Math.abs(sum) + Math.abs(zeroCount) + total(positive) + total(negative);
}

function total({ counts }: BucketCounts): number {
  let all = 0;
  for (let i = 0; i < counts.length; i++) all += Math.abs(counts[i]);
  return all;
}

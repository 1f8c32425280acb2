// A running sum of histograms with compensation after Kahan and Neumaier, number by number.

import type { CounterResetHint } from './histogram.ts';
import { addedHint, alignHistograms, bucketsOnBounds, compactHistogram, unionOf } from './histogram-math.ts';
import { HistogramRow } from './histogram-row.ts';
import { coarserBuckets, type HistogramValue, noBuckets, sameBounds } from './histogram-value.ts';

/** What a sum says besides its value. */
export interface AddedTo {
  readonly isReconciled: boolean;
}

const plain: AddedTo = { isReconciled: false };
const reconciled: AddedTo = { isReconciled: true };

/** A number and what rounding took from it. */
interface Side {
  indexes: Int32Array;
  counts: Float64Array;
  compensations: Float64Array;
}

export class HistogramSum {
  #hint: CounterResetHint;
  #schema: number;
  #zeroThreshold: number;
  #customValues: readonly number[];
  /** Count, sum and zero count, then their compensations. */
  readonly #numbers: Float64Array;
  #positive: Side;
  #negative: Side;

  constructor(first: HistogramValue) {
    this.#hint = first.hint;
    this.#schema = first.schema;
    this.#zeroThreshold = first.zeroThreshold;
    this.#customValues = first.customValues;
    this.#numbers = Float64Array.of(first.count, first.sum, first.zeroCount, 0, 0, 0);
    if (first instanceof HistogramRow) {
      const { layout, counts, countsFrom } = first;
      const middle = countsFrom + layout.positive.length;
      this.#positive = sideOf(layout.positive, counts, countsFrom);
      this.#negative = sideOf(layout.negative, counts, middle);
    } else {
      this.#positive = sideOf(first.positive.indexes, first.positive.counts, 0);
      this.#negative = sideOf(first.negative.indexes, first.negative.counts, 0);
    }
  }

  /** Undefined, with nothing added, when one has custom bounds and the other has not. */
  add(other: HistogramValue): AddedTo | undefined {
    let addend = other;
    let result = plain;
    if (
      other.schema !== this.#schema ||
      other.zeroThreshold !== this.#zeroThreshold ||
      !sameBounds(other.customValues, this.#customValues)
    ) {
      const aligned = alignHistograms(this.#plain(), other);
      if (aligned === undefined) return undefined;
      this.#fit(aligned.a);
      addend = aligned.b;
      if (aligned.isReconciled) result = reconciled;
    }
    this.#hint = addedHint(this.#hint, other.hint);
    const numbers = this.#numbers;
    increase(numbers, numbers, 0, 3, addend.count);
    increase(numbers, numbers, 1, 4, addend.sum);
    increase(numbers, numbers, 2, 5, addend.zeroCount);
    if (addend instanceof HistogramRow) this.#addRow(addend);
    else {
      const { positive, negative } = addend;
      this.#positive = addedSide(this.#positive, positive.indexes, positive.counts, 0);
      this.#negative = addedSide(this.#negative, negative.indexes, negative.counts, 0);
    }
    return result;
  }

  /** What is empty in it changes nothing, and goes at the end. */
  #addRow({ layout, counts, countsFrom }: HistogramRow): void {
    const { positive, negative } = layout;
    this.#positive = addedSide(this.#positive, positive, counts, countsFrom);
    this.#negative = addedSide(this.#negative, negative, counts, countsFrom + positive.length);
  }

  /** Everything times a factor, compensations too. */
  scale(factor: number): void {
    this.#each((number) => number * factor);
  }

  /** Everything through a divisor, compensations too. */
  divide(divisor: number): void {
    this.#each((number) => number / divisor);
  }

  #each(change: (number: number) => number): void {
    const { counts: up, compensations: lostUp } = this.#positive;
    const { counts: down, compensations: lostDown } = this.#negative;
    for (const numbers of [this.#numbers, up, lostUp, down, lostDown]) {
      for (let i = 0; i < numbers.length; i++) numbers[i] = change(numbers[i]);
    }
  }

  clone(): HistogramSum {
    const copy = new HistogramSum(this.#plain());
    copy.#numbers.set(this.#numbers);
    copy.#positive = copySide(this.#positive);
    copy.#negative = copySide(this.#negative);
    return copy;
  }

  get isOverflown(): boolean {
    const isInfinite = (value: number): boolean => value === Infinity || value === -Infinity;
    return (
      this.#numbers.subarray(0, 3).some(isInfinite) ||
      this.#positive.counts.some(isInfinite) ||
      this.#negative.counts.some(isInfinite)
    );
  }

  /** The sum, or with `parts` the mean of that many, without empty buckets. */
  value(parts = 1): HistogramValue {
    const numbers = this.#numbers;
    const total = (value: number, compensation: number): number => value / parts + compensation / parts;
    const side = ({ indexes, counts, compensations }: Side) => ({
      indexes,
      counts: counts.map((count, i) => total(count, compensations[i])),
    });
    return compactHistogram({
      hint: this.#hint,
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      customValues: this.#customValues,
      count: total(numbers[0], numbers[3]),
      sum: total(numbers[1], numbers[4]),
      zeroCount: total(numbers[2], numbers[5]),
      positive: side(this.#positive),
      negative: side(this.#negative),
    });
  }

  /** The sum without compensations, sharing the numbers. */
  #plain(): HistogramValue {
    const [count, sum, zeroCount] = this.#numbers;
    return {
      hint: this.#hint,
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      customValues: this.#customValues,
      count,
      sum,
      zeroCount,
      positive: this.#positive,
      negative: this.#negative,
    };
  }

  /** Takes over the layout and the numbers of `aligned`, which came of `#plain`; compensations follow. */
  #fit(aligned: HistogramValue): void {
    const { schema, customValues } = aligned;
    const steps = Math.max(0, this.#schema - schema);
    const follow = (side: Side, to: { indexes: Int32Array; counts: Float64Array }): Side => {
      if (side === to) return side;
      const lost = { indexes: side.indexes, counts: side.compensations };
      const moved = sameBounds(customValues, this.#customValues)
        ? coarserBuckets(lost, steps)
        : bucketsOnBounds({ customValues: this.#customValues }, customValues, lost);
      const compensations = new Float64Array(to.indexes.length);
      for (let i = 0, j = 0; i < compensations.length; i++) {
        while (j < moved.indexes.length && moved.indexes[j] < to.indexes[i]) j++;
        if (moved.indexes[j] === to.indexes[i]) compensations[i] = moved.counts[j];
      }
      return { indexes: to.indexes, counts: to.counts.slice(), compensations };
    };
    this.#positive = follow(this.#positive, aligned.positive);
    this.#negative = follow(this.#negative, aligned.negative);
    this.#numbers[2] = aligned.zeroCount;
    this.#schema = schema;
    this.#zeroThreshold = aligned.zeroThreshold;
    this.#customValues = customValues;
  }
}

/** Counts of buckets that begin at `from`, copied. */
function sideOf(indexes: Int32Array, counts: Float64Array, from: number): Side {
  if (indexes.length === 0) return { indexes, counts: noBuckets.counts, compensations: noBuckets.counts };
  const to = from + indexes.length;
  return { indexes, counts: counts.slice(from, to), compensations: new Float64Array(indexes.length) };
}

function copySide({ indexes, counts, compensations }: Side): Side {
  return { indexes, counts: counts.slice(), compensations: compensations.slice() };
}

/** sums[i] += value, with what rounding takes put into compensations[c]. */
function increase(sums: Float64Array, compensations: Float64Array, i: number, c: number, value: number): void {
  const sum = sums[i];
  const total = sum + value;
  if (total === Infinity || total === -Infinity) compensations[c] = 0;
  else if (Math.abs(sum) >= Math.abs(value)) compensations[c] += sum - total + value;
  else compensations[c] += value - total + sum;
  sums[i] = total;
}

/** With the counts of some buckets added, which begin at `from`. */
function addedSide(side: Side, indexes: Int32Array, addends: Float64Array, from: number): Side {
  if (indexes.length === 0) return side;
  const into = hasAll(side.indexes, indexes) ? side : onIndexes(side, unionOf(side.indexes, indexes));
  const { counts, compensations } = into;
  if (counts.length === indexes.length) {
    for (let i = 0; i < indexes.length; i++) increase(counts, compensations, i, i, addends[from + i]);
    return into;
  }
  for (let i = 0, at = 0; i < indexes.length; i++, at++) {
    while (into.indexes[at] !== indexes[i]) at++;
    increase(counts, compensations, at, at, addends[from + i]);
  }
  return into;
}

/** `indexes` has all of the side's. */
function onIndexes(side: Side, indexes: Int32Array): Side {
  const into = { indexes, counts: new Float64Array(indexes.length), compensations: new Float64Array(indexes.length) };
  for (let i = 0, k = 0; i < side.indexes.length; i++, k++) {
    while (indexes[k] !== side.indexes[i]) k++;
    into.counts[k] = side.counts[i];
    into.compensations[k] = side.compensations[i];
  }
  return into;
}

/** Whether all of `some` are among `indexes`; both ascend. */
function hasAll(indexes: Int32Array, some: Int32Array): boolean {
  if (indexes === some) return true;
  let at = 0;
  for (let i = 0; i < some.length; i++, at++) {
    while (at < indexes.length && indexes[at] < some[i]) at++;
    if (indexes[at] !== some[i]) return false;
  }
  return true;
}

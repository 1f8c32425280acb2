// A running sum of histograms with compensation after Kahan and Neumaier, number by number.

import type { CounterResetHint } from './histogram.ts';
import { addedHint, addOnBounds, alignHistograms, boundsOfBoth, compactHistogram, unionOf } from './histogram-math.ts';
import { HistogramRow } from './histogram-row.ts';
import {
  type BucketCounts,
  type HistogramValue,
  increaseAt,
  noBuckets,
  sameBounds,
  withParts,
} from './histogram-value.ts';

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
    let bounds: readonly number[] | undefined;
    if (
      other.schema !== this.#schema ||
      other.zeroThreshold !== this.#zeroThreshold ||
      !sameBounds(other.customValues, this.#customValues)
    ) {
      const own = this.#plain();
      bounds = boundsOfBoth(own, other);
      if (bounds !== undefined) {
        this.#positive = ownSide(this.#positive, addOnBounds(own, other, bounds, 1));
        this.#customValues = bounds;
      } else {
        const aligned = alignHistograms(own, compensated(other));
        if (aligned === undefined) return undefined;
        this.#fit(aligned.a);
        addend = aligned.b;
      }
    }
    this.#hint = addedHint(this.#hint, other.hint);
    const numbers = this.#numbers;
    increaseAt(numbers, numbers, 0, 3, addend.count);
    increaseAt(numbers, numbers, 1, 4, addend.sum);
    if (bounds !== undefined) return reconciled;
    increaseAt(numbers, numbers, 2, 5, addend.zeroCount);
    if (addend instanceof HistogramRow) this.#addRow(addend);
    else {
      const { zeroCompensation, positive, negative } = addend;
      if (zeroCompensation !== undefined) increaseAt(numbers, numbers, 2, 5, zeroCompensation);
      this.#positive = addedSide(this.#positive, positive.indexes, positive.counts, 0, positive.compensations);
      this.#negative = addedSide(this.#negative, negative.indexes, negative.counts, 0, negative.compensations);
    }
    return plain;
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

  /** The sum so far, sharing the numbers. */
  #plain(): HistogramValue {
    const [count, sum, zeroCount, , , zeroCompensation] = this.#numbers;
    return {
      hint: this.#hint,
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      customValues: this.#customValues,
      count,
      sum,
      zeroCount,
      zeroCompensation,
      positive: this.#positive,
      negative: this.#negative,
    };
  }

  /** Takes over the layout and the numbers of `aligned`, which came of `#plain`. */
  #fit(aligned: HistogramValue): void {
    this.#positive = ownSide(this.#positive, aligned.positive);
    this.#negative = ownSide(this.#negative, aligned.negative);
    this.#numbers[2] = aligned.zeroCount;
    this.#numbers[5] = aligned.zeroCompensation ?? 0;
    this.#schema = aligned.schema;
    this.#zeroThreshold = aligned.zeroThreshold;
    this.#customValues = aligned.customValues;
  }
}

/** With room for what rounding takes when its buckets are merged: that is as much a part of the sum. */
function compensated(histogram: HistogramValue): HistogramValue {
  const side = ({ indexes, counts }: BucketCounts): BucketCounts => ({
    indexes,
    counts,
    compensations: new Float64Array(counts.length),
  });
  const { positive, negative } = histogram;
  return withParts(histogram, { zeroCompensation: 0, positive: side(positive), negative: side(negative) });
}

/** The side itself, or what became of it. */
function ownSide(side: Side, { indexes, counts, compensations }: BucketCounts): Side {
  if (counts === side.counts) return side;
  return { indexes, counts, compensations: compensations ?? new Float64Array(counts.length) };
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

/** With the counts of some buckets added, which begin at `from`, and what rounding took from them. */
function addedSide(
  side: Side,
  indexes: Int32Array,
  addends: Float64Array,
  from: number,
  lost?: Float64Array | undefined,
): Side {
  if (indexes.length === 0) return side;
  const into = hasAll(side.indexes, indexes) ? side : onIndexes(side, unionOf(side.indexes, indexes));
  const { counts, compensations } = into;
  const isSame = counts.length === indexes.length;
  for (let i = 0, at = 0, had = 0; i < indexes.length; i++, at++) {
    if (!isSame) while (into.indexes[at] !== indexes[i]) at++;
    if (lost !== undefined) {
      while (had < side.indexes.length && side.indexes[had] < indexes[i]) had++;
      // A bucket that was not there is taken over as it is.
      if (side.indexes[had] !== indexes[i]) {
        counts[at] = addends[from + i];
        compensations[at] = lost[i];
        continue;
      }
    }
    increaseAt(counts, compensations, at, at, addends[from + i]);
    if (lost !== undefined) increaseAt(counts, compensations, at, at, lost[i]);
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

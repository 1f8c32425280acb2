// Histograms of one layout whose counts lie in one table, a row each: what a decoded chunk is. A query looks at the buckets of
// few of its samples, so they become arrays of their own only when they are asked for.

import type { CounterResetHint } from './histogram.ts';
import { type BucketCounts, type HistogramValue, noBuckets, sameBounds, sameIndexes } from './histogram-value.ts';

/** A row holds the counts of the positive buckets, then those of the negative ones. */
export interface BucketTable {
  readonly positive: Int32Array;
  readonly negative: Int32Array;
  readonly counts: Float64Array;
}

/** What histograms of a table have in common. */
export interface RowLayout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly customValues: readonly number[];
}

export class HistogramRow implements HistogramValue {
  readonly hint: CounterResetHint;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly customValues: readonly number[];
  readonly #table: BucketTable;
  readonly #from: number;

  /** `from` is where its row begins among the counts of the table. */
  constructor(
    table: BucketTable,
    from: number,
    { schema, zeroThreshold, customValues }: RowLayout,
    hint: CounterResetHint,
    zeroCount: number,
    count: number,
    sum: number,
  ) {
    this.hint = hint;
    this.schema = schema;
    this.zeroThreshold = zeroThreshold;
    this.zeroCount = zeroCount;
    this.count = count;
    this.sum = sum;
    this.customValues = customValues;
    this.#table = table;
    this.#from = from;
  }

  /** Count and sum of a histogram, with no buckets: those of one schema are all of one layout. */
  static ofNumbers({ schema, count, sum }: HistogramValue, hint: CounterResetHint): HistogramRow {
    return new HistogramRow(noTable, 0, { schema, zeroThreshold: 0, customValues: noBounds }, hint, 0, count, sum);
  }

  get positive(): BucketCounts {
    const { positive: indexes, counts } = this.#table;
    if (indexes.length === 0) return noBuckets;
    return { indexes, counts: counts.subarray(this.#from, this.#from + indexes.length) };
  }

  get negative(): BucketCounts {
    const { positive, negative: indexes, counts } = this.#table;
    if (indexes.length === 0) return noBuckets;
    const from = this.#from + positive.length;
    return { indexes, counts: counts.subarray(from, from + indexes.length) };
  }

  /**
   * (this - before) * factor, a gauge without empty buckets: the difference made compact and then scaled, to the bit, without
   * what would lie in between. Undefined when their layouts differ.
   */
  scaledDifference(before: HistogramRow, factor: number): HistogramValue | undefined {
    const { schema, zeroThreshold, customValues } = this;
    if (schema !== before.schema || zeroThreshold !== before.zeroThreshold) return undefined;
    if (!sameBounds(customValues, before.customValues)) return undefined;
    const { positive, negative, counts } = this.#table;
    const other = before.#table;
    if (!sameIndexes(positive, other.positive) || !sameIndexes(negative, other.negative)) return undefined;
    const from = this.#from;
    const lessFrom = before.#from;
    const { length } = positive;
    return {
      hint: 'gauge',
      schema,
      zeroThreshold,
      zeroCount: (this.zeroCount - before.zeroCount) * factor,
      count: (this.count - before.count) * factor,
      sum: (this.sum - before.sum) * factor,
      positive: scaledDifferences(positive, counts, from, other.counts, lessFrom, factor),
      negative: scaledDifferences(negative, counts, from + length, other.counts, lessFrom + length, factor),
      customValues,
    };
  }
}

const noTable: BucketTable = { positive: noBuckets.indexes, negative: noBuckets.indexes, counts: noBuckets.counts };
const noBounds: readonly number[] = [];

function scaledDifferences(
  indexes: Int32Array,
  counts: Float64Array,
  from: number,
  less: Float64Array,
  lessFrom: number,
  factor: number,
): BucketCounts {
  let length = 0;
  for (let i = 0; i < indexes.length; i++) if (counts[from + i] - less[lessFrom + i] !== 0) length++;
  if (length === 0) return noBuckets;
  const out = new Float64Array(length);
  if (length === indexes.length) {
    for (let i = 0; i < length; i++) out[i] = (counts[from + i] - less[lessFrom + i]) * factor;
    return { indexes, counts: out };
  }
  const outIndexes = new Int32Array(length);
  for (let i = 0, k = 0; k < length; i++) {
    const difference = counts[from + i] - less[lessFrom + i];
    if (difference === 0) continue;
    outIndexes[k] = indexes[i];
    out[k++] = difference * factor;
  }
  return { indexes: outIndexes, counts: out };
}

// Histograms of one layout whose numbers lie in one table, a row each: what a decoded chunk is, and the rates of a series. A
// query looks at the buckets of few of its samples, so they become arrays of their own only when they are asked for.

import type { CounterResetHint } from './histogram.ts';
import { type BucketCounts, type HistogramValue, noBuckets, sameBounds, sameIndexes } from './histogram-value.ts';

/** What the histograms of a table have in common. */
export interface RowLayout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly customValues: readonly number[];
  readonly positive: Int32Array;
  readonly negative: Int32Array;
}

/** The numbers of a table, one a row, but of `counts`: there a row has the positive buckets, then the negative ones. */
export interface RowNumbers {
  readonly zeroCounts: Float64Array;
  readonly totals: Float64Array;
  readonly sums: Float64Array;
  readonly counts: Float64Array;
}

/** Room for the numbers of `rows` rows beside these counts. */
export function rowNumbers(rows: number, counts: Float64Array): RowNumbers {
  const all = new Float64Array(3 * rows);
  const [zeroCounts, totals, sums] = [all.subarray(0, rows), all.subarray(rows, 2 * rows), all.subarray(2 * rows)];
  return { zeroCounts, totals, sums, counts };
}

export class BucketTable {
  readonly layout: RowLayout;
  readonly numbers: RowNumbers;
  /** Whether its rows stand for histograms that have only those of the buckets that are not empty. */
  readonly isCompact: boolean;
  #bare: BucketTable | undefined;

  constructor(layout: RowLayout, numbers: RowNumbers, isCompact = false) {
    this.layout = layout;
    this.numbers = numbers;
    this.isCompact = isCompact;
  }

  /** The same rows without buckets: those of one schema are all of one layout. */
  get bare(): BucketTable {
    if (this.#bare === undefined) {
      const { totals, sums } = this.numbers;
      const zeroCounts = new Float64Array(totals.length);
      this.#bare = new BucketTable(bareLayout(this.layout.schema), { zeroCounts, totals, sums, counts: noCounts });
    }
    return this.#bare;
  }
}

export class HistogramRow implements HistogramValue {
  readonly hint: CounterResetHint;
  readonly #table: BucketTable;
  readonly #row: number;

  constructor(table: BucketTable, row: number, hint: CounterResetHint) {
    this.hint = hint;
    this.#table = table;
    this.#row = row;
  }

  /** Count and sum of a histogram, with no buckets. */
  static ofNumbers(histogram: HistogramValue, hint: CounterResetHint): HistogramRow {
    if (histogram instanceof HistogramRow) return new HistogramRow(histogram.#table.bare, histogram.#row, hint);
    const { schema, count, sum } = histogram;
    const numbers = { zeroCounts: Float64Array.of(0), totals: Float64Array.of(count), sums: Float64Array.of(sum) };
    return new HistogramRow(new BucketTable(bareLayout(schema), { ...numbers, counts: noCounts }), 0, hint);
  }

  get schema(): number {
    return this.#table.layout.schema;
  }

  get zeroThreshold(): number {
    return this.#table.layout.zeroThreshold;
  }

  get customValues(): readonly number[] {
    return this.#table.layout.customValues;
  }

  get zeroCount(): number {
    return this.#table.numbers.zeroCounts[this.#row];
  }

  get count(): number {
    return this.#table.numbers.totals[this.#row];
  }

  get sum(): number {
    return this.#table.numbers.sums[this.#row];
  }

  get positive(): BucketCounts {
    return this.#side(this.#table.layout.positive, this.countsFrom);
  }

  get negative(): BucketCounts {
    const { positive, negative } = this.#table.layout;
    return this.#side(negative, this.countsFrom + positive.length);
  }

  /** The layout, with buckets that are empty in this row. */
  get layout(): RowLayout {
    return this.#table.layout;
  }

  /** Where the counts of the layout's buckets lie, from `countsFrom` on, not to be changed. */
  get counts(): Float64Array {
    return this.#table.numbers.counts;
  }

  get countsFrom(): number {
    const { positive, negative } = this.#table.layout;
    return this.#row * (positive.length + negative.length);
  }

  #side(indexes: Int32Array, from: number): BucketCounts {
    if (indexes.length === 0) return noBuckets;
    const { numbers, isCompact } = this.#table;
    const own = numbers.counts.subarray(from, from + indexes.length);
    if (!isCompact || !own.includes(0)) return { indexes, counts: own };
    const full = own.filter((count) => count !== 0);
    if (full.length === 0) return noBuckets;
    return { indexes: indexes.filter((_index, i) => own[i] !== 0), counts: full };
  }
}

/** Rows to come are made room for some at a time: of a layout there may be few. */
const ROWS_PER_TABLE = 64;

/** Differences of histograms, times a factor, into tables that grow as needed. */
export class ScaledDifferences {
  #table: BucketTable | undefined;
  #row = 0;

  /**
   * (after - before) * factor, a gauge without empty buckets: the difference made compact and then scaled, to the bit, without
   * what would lie in between. Undefined when the layouts differ, and where scaling empties a bucket.
   */
  of(after: HistogramRow, before: HistogramRow, factor: number): HistogramRow | undefined {
    const { layout } = after;
    if (!sameLayout(layout, before.layout)) return undefined;
    const width = layout.positive.length + layout.negative.length;
    const table = this.#roomFor(layout);
    const row = this.#row;
    const { counts, zeroCounts, totals, sums } = table.numbers;
    const { counts: more, countsFrom: moreFrom } = after;
    const { counts: less, countsFrom: lessFrom } = before;
    const to = row * width;
    for (let i = 0; i < width; i++) {
      const difference = more[moreFrom + i] - less[lessFrom + i];
      const scaled = difference * factor;
      if (scaled === 0 && difference !== 0) return undefined;
      counts[to + i] = scaled;
    }
    zeroCounts[row] = (after.zeroCount - before.zeroCount) * factor;
    totals[row] = (after.count - before.count) * factor;
    sums[row] = (after.sum - before.sum) * factor;
    this.#row++;
    return new HistogramRow(table, row, 'gauge');
  }

  /** A table of the layout whose row `#row` is free. */
  #roomFor(layout: RowLayout): BucketTable {
    const table = this.#table;
    if (table !== undefined && this.#row < ROWS_PER_TABLE && sameLayout(table.layout, layout)) return table;
    this.#row = 0;
    const width = layout.positive.length + layout.negative.length;
    this.#table = new BucketTable(layout, rowNumbers(ROWS_PER_TABLE, new Float64Array(ROWS_PER_TABLE * width)), true);
    return this.#table;
  }
}

function sameLayout(a: RowLayout, b: RowLayout): boolean {
  if (a === b) return true;
  if (a.schema !== b.schema || a.zeroThreshold !== b.zeroThreshold) return false;
  if (!sameBounds(a.customValues, b.customValues)) return false;
  return sameIndexes(a.positive, b.positive) && sameIndexes(a.negative, b.negative);
}

const noCounts = noBuckets.counts;
const noBounds: readonly number[] = [];

function bareLayout(schema: number): RowLayout {
  const { indexes } = noBuckets;
  return { schema, zeroThreshold: 0, customValues: noBounds, positive: indexes, negative: indexes };
}

// Bytes of columns that operators keep. What only passes by is bounded by the size of a batch; what grows with a query is
// what joins, groups, sorts and answers hold on to, and that is counted here.

import type { ByteAccount } from '../../async/byte-budget.ts';
import type { Labels } from '../../model/labels.ts';
import type { StepColumn } from '../functions/step-column.ts';
import type { Batches, Operator } from './operator.ts';

/** Steps times series above which a batch is handed on before it is full. */
const VALUES_PER_BATCH = 1 << 19;

/** A native histogram with its buckets, roughly. */
const NUMBERS_PER_HISTOGRAM = 128;

/** What a step of a column takes: a double and a byte. */
export const BYTES_PER_STEP = 9;

/** Objects around a series: itself, its column and two typed arrays. */
const BYTES_AROUND_SERIES = 400;

/** A name or a value: many series share them. */
const BYTES_PER_LABEL_TEXT = 24;

const BYTES_PER_HISTOGRAM = 8 * NUMBERS_PER_HISTOGRAM;

/** Whether a batch of that many values is large enough, whatever its number of series. */
export function isFull(valueCount: number): boolean {
  return valueCount >= VALUES_PER_BATCH;
}

/** How many values the steps of a column count for: a histogram is many numbers. */
export function valuesOf({ present, histograms }: StepColumn): number {
  return histograms === undefined ? present.length : present.length * NUMBERS_PER_HISTOGRAM;
}

/** What a series of labels and column takes. */
export function seriesBytes(labels: Labels, { present, histograms }: StepColumn): number {
  let count = present.length * BYTES_PER_STEP + labelsBytes(labels);
  if (histograms !== undefined) for (const histogram of histograms) if (histogram) count += BYTES_PER_HISTOGRAM;
  return count;
}

/** What labels and the objects around a series take. */
export function labelsBytes(labels: Labels): number {
  return BYTES_AROUND_SERIES + labels.flat.length * BYTES_PER_LABEL_TEXT;
}

/** Counts what one operator keeps of its operands until it ends. */
export class Keeper {
  readonly #account: ByteAccount;
  #bytes = 0;

  constructor(account: ByteAccount) {
    this.#account = account;
  }

  /** The operand, its series counted as they come. `presence` counts what is kept when only the steps are remembered. */
  of(operand: Operator, what: 'columns' | 'presence' = 'columns'): Operator {
    return { run: (use) => this.#counted(operand.run(use), what === 'columns' ? 1 : 1 / BYTES_PER_STEP) };
  }

  /** The operator, after whose end everything counted is given back. */
  until(operator: Operator): Operator {
    return { run: (use) => this.#released(operator.run(use)) };
  }

  async *#counted(batches: Batches, share: number): Batches {
    for await (const batch of batches) {
      let bytes = 0;
      for (const { labels, column } of batch) bytes += seriesBytes(labels, column);
      bytes = Math.ceil(bytes * share);
      this.#bytes += bytes;
      this.#account.take(bytes);
      yield batch;
    }
  }

  async *#released(batches: Batches): Batches {
    try {
      yield* batches;
    } finally {
      this.#account.give(this.#bytes);
      this.#bytes = 0;
    }
  }
}

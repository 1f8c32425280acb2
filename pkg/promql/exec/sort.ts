// sort and sort_desc: they order the floats of an instant vector; a range query is sorted by labels anyway. Histograms have
// no order and are left out.

import { dropHistograms } from '../functions/step-column.ts';
import { inBatches, readAll } from './batches.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { sortInTurns } from './sort-in-turns.ts';
import { Turns } from './turns.ts';

/** Of one comparison. */
const WORK = 2;

/** The order is by value, NaN last either way; equal values keep their order. */
export class SortOperator implements Operator {
  readonly #operand: Operator;
  readonly #descending: boolean;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, descending: boolean, evaluation: Evaluation) {
    this.#operand = operand;
    this.#descending = descending;
    this.#evaluation = evaluation;
  }

  async *run(): Batches {
    const all = await readAll(this.#operand.run());
    for (const { column } of all) dropHistograms(column);
    if (all.length > 0 && all[0].column.present.length > 1) {
      yield* inBatches(all);
      return;
    }
    const sign = this.#descending ? -1 : 1;
    const order = (a: SeriesColumn, b: SeriesColumn): number => {
      const x = a.column.values[0];
      const y = b.column.values[0];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
      return x === y ? 0 : sign * (x < y ? -1 : 1);
    };
    yield* inBatches(await sortInTurns(all, order, new Turns(this.#evaluation), WORK));
  }
}

// sort_by_label and sort_by_label_desc: the series of an instant vector in the natural order of label values, in which `m9`
// comes before `m10`; a range query is sorted by labels anyway.

import { compareUtf8 } from '../../bytes/compare.ts';
import { compareLabels, type Labels } from '../../model/labels.ts';
import { inBatches, readAll } from './batches.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { sortInTurns } from './sort-in-turns.ts';
import { Turns } from './turns.ts';

/** Of one comparison: texts are cut into runs of digits and others. */
const WORK = 50;

/** Series equal in all the labels named are in the order of all their labels. */
export class SortByLabelOperator implements Operator {
  readonly #operand: Operator;
  readonly #labels: readonly string[];
  readonly #descending: boolean;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, labels: readonly string[], descending: boolean, evaluation: Evaluation) {
    this.#operand = operand;
    this.#labels = labels;
    this.#descending = descending;
    this.#evaluation = evaluation;
  }

  async *run(): Batches {
    let all = await readAll(this.#operand.run());
    if (all.length > 0 && all[0].column.present.length === 1) {
      const sign = this.#descending ? -1 : 1;
      const order = (a: SeriesColumn, b: SeriesColumn): number => sign * this.#compare(a.labels, b.labels);
      all = await sortInTurns(all, order, new Turns(this.#evaluation), WORK);
    }
    yield* inBatches(all);
  }

  #compare(a: Labels, b: Labels): number {
    for (const name of this.#labels) {
      const order = compareNaturally(a.get(name), b.get(name));
      if (order !== 0) return order;
    }
    return compareLabels(a, b);
  }
}

/** Runs of digits by their number, everything else by bytes; what is equal so far and ends first comes first. */
export function compareNaturally(a: string, b: string): number {
  if (a === b) return 0;
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i] === right[i]) continue;
    const order = compareRuns(left[i], right[i]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Numbers beyond int64 are texts to the reference. */
function compareRuns(a: string, b: string): number {
  if (isInteger(a) && isInteger(b)) {
    const [x, y] = [BigInt(a), BigInt(b)];
    return x === y ? 0 : x < y ? -1 : 1;
  }
  return compareUtf8(a, b);
}

function isInteger(text: string): boolean {
  return /^\d+$/.test(text) && BigInt(text) < 2n ** 63n;
}

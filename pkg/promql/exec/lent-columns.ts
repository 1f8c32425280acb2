// The columns of an operator that reads series: new ones for those who keep them, and the same few over and over for those
// who are done with a batch when they pull the next.

import { newStepColumn, type StepColumn } from '../functions/step-column.ts';
import { isFull } from './kept.ts';
import type { ColumnUse } from './operator.ts';

/** What is used over and over is best as small as the processor's nearer caches. */
const LENT_VALUES = 1 << 15;

export class Columns {
  readonly #stepCount: number;
  readonly #use: ColumnUse;
  readonly #lent: StepColumn[] = [];
  #taken = 0;

  constructor(stepCount: number, use: ColumnUse) {
    this.#stepCount = stepCount;
    this.#use = use;
  }

  /** An empty column: no step is present. */
  take(): StepColumn {
    if (this.#use === 'kept') return newStepColumn(this.#stepCount);
    const column = this.#lent[this.#taken++];
    if (column === undefined) {
      const added = newStepColumn(this.#stepCount);
      this.#lent.push(added);
      return added;
    }
    column.present.fill(0);
    column.histograms = undefined;
    return column;
  }

  /** The column taken last is not handed on. */
  putBack(): void {
    if (this.#taken > 0) this.#taken--;
  }

  /** What was taken so far has been looked at, as far as it is only lent. */
  reuse(): void {
    this.#taken = 0;
  }

  /** Whether a batch of so many values is large enough. */
  isFull(valueCount: number): boolean {
    return isFull(valueCount) || (this.#use === 'passing' && valueCount >= LENT_VALUES);
  }
}

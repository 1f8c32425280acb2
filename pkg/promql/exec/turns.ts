// Turns inside a batch: operators whose work on one batch may take long look at the clock in between.

import type { Evaluation } from './operator.ts';

/** Steps of work, each some tens of nanoseconds, after which the clock is looked at. */
const WORK_PER_LOOK = 200_000;

export class Turns {
  readonly #evaluation: Evaluation;
  #work = 0;

  constructor(evaluation: Evaluation) {
    this.#evaluation = evaluation;
  }

  /** `work` steps were done. Throws when the query has to stop; a promise is to be waited for. */
  after(work: number): Promise<void> | undefined {
    this.#work += work;
    if (this.#work < WORK_PER_LOOK) return undefined;
    this.#work = 0;
    return this.#evaluation.pace();
  }
}

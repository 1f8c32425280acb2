// and, or, unless: series of one side, at the steps where the other side has, or has not, a match.

import type { StepColumn } from '../functions/step-column.ts';
import type { VectorMatching } from '../parser/ast.ts';
import { hasValue, inBatches } from './batches.ts';
import { MatchKey } from './match-key.ts';
import { UniqueColumns } from './names.ts';
import type { Batches, ColumnUse, Operator, SeriesColumn } from './operator.ts';

export interface SetConfig {
  readonly op: 'and' | 'or' | 'unless';
  readonly matching: VectorMatching;
  readonly stepCount: number;
}

/** `and` and `unless` keep the presence of the right side by match group; `or` over several steps keeps both sides. */
export class SetOperator implements Operator {
  readonly #left: Operator;
  readonly #right: Operator;
  readonly #config: SetConfig;

  constructor(left: Operator, right: Operator, config: SetConfig) {
    this.#left = left;
    this.#right = right;
    this.#config = config;
  }

  run(use?: ColumnUse): Batches {
    return this.#config.op === 'or' ? this.#either() : this.#filtered(this.#config.op === 'and', use);
  }

  async *#filtered(wantsMatch: boolean, use: ColumnUse | undefined): Batches {
    const matchKey = new MatchKey(this.#config.matching);
    const matches = new Presence(this.#config.stepCount);
    for await (const batch of this.#right.run('passing')) {
      for (const { labels, column } of batch) matches.add(matchKey.of(labels), column);
    }
    for await (const batch of this.#left.run(use)) {
      const out = batch.filter(({ labels, column }) => {
        matches.keep(matchKey.of(labels), column, wantsMatch);
        return hasValue(column);
      });
      if (out.length > 0) yield out;
    }
  }

  async *#either(): Batches {
    const { matching, stepCount } = this.#config;
    const matchKey = new MatchKey(matching);
    const matches = new Presence(stepCount);
    // At one step the sides cannot hold the same labels: those of the left would have excluded those of the right.
    const merged = stepCount === 1 ? undefined : new UniqueColumns();
    for await (const batch of this.#left.run()) {
      for (const series of batch) {
        matches.add(matchKey.of(series.labels), series.column);
        merged?.add(series);
      }
      if (merged === undefined) yield batch;
    }
    for await (const batch of this.#right.run()) {
      const out: SeriesColumn[] = [];
      for (const series of batch) {
        matches.keep(matchKey.of(series.labels), series.column, false);
        if (!hasValue(series.column)) continue;
        if (merged === undefined) out.push(series);
        else merged.add(series);
      }
      if (out.length > 0) yield out;
    }
    if (merged !== undefined) yield* inBatches(merged.series());
  }
}

/** At which steps a match group has any series. */
class Presence {
  readonly #byKey = new Map<string, Uint8Array>();
  readonly #stepCount: number;

  constructor(stepCount: number) {
    this.#stepCount = stepCount;
  }

  add(key: string, { present }: StepColumn): void {
    let steps = this.#byKey.get(key);
    if (steps === undefined) {
      steps = new Uint8Array(this.#stepCount);
      this.#byKey.set(key, steps);
    }
    for (let k = 0; k < steps.length; k++) steps[k] |= present[k];
  }

  /** Takes the steps out of a column at which the group has a match, or has none. */
  keep(key: string, { present }: StepColumn, wantsMatch: boolean): void {
    const steps = this.#byKey.get(key);
    if (steps === undefined) {
      if (wantsMatch) present.fill(0);
      return;
    }
    for (let k = 0; k < steps.length; k++) if ((steps[k] === 1) !== wantsMatch) present[k] = 0;
  }
}

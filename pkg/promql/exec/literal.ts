// Numbers, and the time of each step: scalars that need no series.

import type { Steps } from '../query-spec.ts';
import { inBatches, scalarSeries } from './batches.ts';
import type { Batches, Operator } from './operator.ts';

export class NumberOperator implements Operator {
  readonly #value: number;
  readonly #stepCount: number;

  constructor(value: number, stepCount: number) {
    this.#value = value;
    this.#stepCount = stepCount;
  }

  async *run(): Batches {
    yield [scalarSeries(new Float64Array(this.#stepCount).fill(this.#value))];
  }
}

/** `time()`: seconds. */
export class TimeOperator implements Operator {
  readonly #steps: Steps;

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  async *run(): Batches {
    yield [scalarSeries(stepSeconds(this.#steps))];
  }
}

/** The time of every step in seconds. */
export function stepSeconds({ startMs, stepMs, count }: Steps): Float64Array {
  const values = new Float64Array(count);
  for (let k = 0; k < count; k++) values[k] = (startMs + k * stepMs) / 1000;
  return values;
}

/** Runs its operand, for what that has to say, and gives nothing. */
export class NothingOperator implements Operator {
  readonly #operand: Operator;

  constructor(operand: Operator) {
    this.#operand = operand;
  }

  async *run(): Batches {
    for await (const _batch of this.#operand.run());
    yield* inBatches([]);
  }
}

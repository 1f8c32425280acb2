// absent and absent_over_time: 1 at the steps at which no series has anything.

import { Labels } from '../../model/labels.ts';
import { newStepColumn } from '../functions/step-column.ts';
import type { WindowSource } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { inBatches } from './batches.ts';
import type { Batches, Build, Evaluation, Operator } from './operator.ts';
import { openWindows } from './window-source.ts';
import { locate } from './windows-of.ts';

type LabelPairs = readonly (readonly [string, string])[];

export class AbsentOperator implements Operator {
  readonly #operand: Operator;
  readonly #labels: LabelPairs;
  readonly #stepCount: number;

  constructor(operand: Operator, labels: LabelPairs, stepCount: number) {
    this.#operand = operand;
    this.#labels = labels;
    this.#stepCount = stepCount;
  }

  async *run(): Batches {
    const seen = new Uint8Array(this.#stepCount);
    for await (const batch of this.#operand.run('passing')) {
      for (const { column } of batch) for (let k = 0; k < seen.length; k++) seen[k] |= column.present[k];
    }
    yield* inverse(this.#labels, seen);
  }
}

export interface AbsentOverTimeConfig {
  readonly source: WindowSource;
  readonly labels: LabelPairs;
  readonly steps: Steps;
}

export class AbsentOverTimeOperator implements Operator {
  readonly #config: AbsentOverTimeConfig;
  readonly #evaluation: Evaluation;
  readonly #build: Build;

  constructor(config: AbsentOverTimeConfig, evaluation: Evaluation, build: Build) {
    this.#config = config;
    this.#evaluation = evaluation;
    this.#build = build;
  }

  async *run(): Batches {
    const { source, labels, steps } = this.#config;
    const seen = new Uint8Array(steps.count);
    const { windows, batches } = openWindows(source, steps, this.#evaluation, this.#build);
    for await (const batch of batches) {
      for (const series of batch) {
        this.#evaluation.samples.touch(locate(series.read(), windows));
        for (let k = 0; k < seen.length; k++) if (windows.to[k] > windows.from[k]) seen[k] = 1;
      }
    }
    yield* inverse(labels, seen);
  }
}

function inverse(labels: LabelPairs, seen: Uint8Array) {
  const column = newStepColumn(seen.length);
  column.values.fill(1);
  for (let k = 0; k < seen.length; k++) column.present[k] = 1 - seen[k];
  return inBatches([{ labels: Labels.from(labels), column, dropName: false }]);
}

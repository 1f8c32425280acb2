// Functions that go value by value, and those between scalars and vectors.

import { must } from '../../errors/assert.ts';
import { type HistogramStatistic, statisticOf } from '../functions/native-statistics.ts';
import { dropHistograms, histogramAt, newStepColumn } from '../functions/step-column.ts';
import { kernelOf } from '../functions/table.ts';
import type { Steps } from '../query-spec.ts';
import { hasValue, readScalar, readScalars, scalarSeries } from './batches.ts';
import { stepSeconds } from './literal.ts';
import { notesAt } from './matrix-selector.ts';
import { withoutName } from './names.ts';
import type { Batches, ColumnUse, Evaluation, Operator, SeriesColumn } from './operator.ts';

export interface PointwiseConfig {
  readonly func: string;
  /** Where annotations point to. */
  readonly position: number;
}

export class PointwiseOperator implements Operator {
  readonly #operand: Operator;
  readonly #scalars: readonly Operator[];
  readonly #config: PointwiseConfig;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, scalars: readonly Operator[], config: PointwiseConfig, evaluation: Evaluation) {
    this.#operand = operand;
    this.#scalars = scalars;
    this.#config = config;
    this.#evaluation = evaluation;
  }

  async *run(use?: ColumnUse): Batches {
    const kernel = must(kernelOf(this.#config.func), `kernel of ${this.#config.func}`);
    if (kernel.kind !== 'pointwise') return;
    const scalars = await readScalars(this.#scalars);
    const notes = notesAt(this.#evaluation, this.#config.position);
    const keepsName = kernel.keepsName || this.#evaluation.delayedNameRemoval;
    for await (const batch of this.#operand.run(use)) {
      const out: SeriesColumn[] = [];
      for (const { labels, column, dropName } of batch) {
        // Functions of numbers have no answer for histograms.
        dropHistograms(column);
        kernel.run(column, column, scalars, notes);
        if (!hasValue(column)) continue;
        out.push({
          labels: keepsName ? labels : withoutName(labels),
          column,
          dropName: !kernel.keepsName || dropName,
        });
      }
      if (out.length > 0) yield out;
    }
  }
}

/** `scalar(v)`: the value of the only series of a step, else NaN. */
export class ToScalarOperator implements Operator {
  readonly #operand: Operator;
  readonly #stepCount: number;

  constructor(operand: Operator, stepCount: number) {
    this.#operand = operand;
    this.#stepCount = stepCount;
  }

  async *run(): Batches {
    const values = new Float64Array(this.#stepCount).fill(NaN);
    const counts = new Uint8Array(this.#stepCount);
    for await (const batch of this.#operand.run('passing')) {
      for (const { column } of batch) {
        dropHistograms(column);
        for (let k = 0; k < values.length; k++) {
          if (column.present[k] === 0) continue;
          values[k] = counts[k] === 0 ? column.values[k] : NaN;
          counts[k] = 1;
        }
      }
    }
    yield [scalarSeries(values)];
  }
}

/** `vector(s)`: a scalar as a series without labels, which it already is in shape. */
export class ToVectorOperator implements Operator {
  readonly #operand: Operator;

  constructor(operand: Operator) {
    this.#operand = operand;
  }

  async *run(): Batches {
    yield [scalarSeries(await readScalar(this.#operand))];
  }
}

/** `timestamp` of computed values: they are as old as the step. */
export class StepTimeOperator implements Operator {
  readonly #operand: Operator;
  readonly #steps: Steps;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, steps: Steps, evaluation: Evaluation) {
    this.#operand = operand;
    this.#steps = steps;
    this.#evaluation = evaluation;
  }

  async *run(use?: ColumnUse): Batches {
    const seconds = stepSeconds(this.#steps);
    const keepsName = this.#evaluation.delayedNameRemoval;
    for await (const batch of this.#operand.run(use)) {
      yield batch.map(({ labels, column }) => {
        column.values.set(seconds);
        column.histograms = undefined;
        return { labels: keepsName ? labels : withoutName(labels), column, dropName: true };
      });
    }
  }
}

/** Computes its operand at the first step and repeats the values for all others. */
export class OnceOperator implements Operator {
  readonly #operand: Operator;
  readonly #stepCount: number;

  /** `operand` is built for the first step alone. */
  constructor(operand: Operator, stepCount: number) {
    this.#operand = operand;
    this.#stepCount = stepCount;
  }

  async *run(): Batches {
    for await (const batch of this.#operand.run('passing')) {
      yield batch.map(({ labels, column, dropName }) => {
        const repeated = newStepColumn(this.#stepCount);
        repeated.values.fill(column.values[0]);
        repeated.present.fill(column.present[0]);
        const histogram = histogramAt(column, 0);
        if (histogram !== undefined) repeated.histograms = new Array(this.#stepCount).fill(histogram);
        return { labels, column: repeated, dropName };
      });
    }
  }
}

/** `histogram_count` and its like: a number of each histogram; floats have no part in it. */
export class StatisticOperator implements Operator {
  readonly #operand: Operator;
  readonly #statistic: HistogramStatistic;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, statistic: HistogramStatistic, evaluation: Evaluation) {
    this.#operand = operand;
    this.#statistic = statistic;
    this.#evaluation = evaluation;
  }

  async *run(): Batches {
    const keepsName = this.#evaluation.delayedNameRemoval;
    for await (const batch of this.#operand.run('passing')) {
      const out: SeriesColumn[] = [];
      for (const { labels, column } of batch) {
        if (column.histograms === undefined) continue;
        const result = newStepColumn(column.present.length);
        for (let k = 0; k < column.present.length; k++) {
          const histogram = histogramAt(column, k);
          if (histogram === undefined) continue;
          result.values[k] = statisticOf(this.#statistic, histogram);
          result.present[k] = 1;
        }
        if (!hasValue(result)) continue;
        out.push({ labels: keepsName ? labels : withoutName(labels), column: result, dropName: true });
      }
      if (out.length > 0) yield out;
    }
  }
}

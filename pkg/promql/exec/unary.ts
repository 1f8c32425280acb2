// Minus.

import { scaleHistogram } from '../../model/histogram-math.ts';
import { withoutName } from './names.ts';
import type { Batches, ColumnUse, Evaluation, Operator } from './operator.ts';

export class NegateOperator implements Operator {
  readonly #operand: Operator;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, evaluation: Evaluation) {
    this.#operand = operand;
    this.#evaluation = evaluation;
  }

  async *run(use?: ColumnUse): Batches {
    const keepsName = this.#evaluation.delayedNameRemoval;
    for await (const batch of this.#operand.run(use)) {
      for (const { column } of batch) {
        const { values } = column;
        for (let k = 0; k < values.length; k++) values[k] = -values[k];
        if (column.histograms === undefined) continue;
        column.histograms = column.histograms.map((histogram) => histogram && scaleHistogram(histogram, -1));
      }
      yield batch.map(({ labels, column }) => ({
        labels: keepsName ? labels : withoutName(labels),
        column,
        dropName: true,
      }));
    }
  }
}

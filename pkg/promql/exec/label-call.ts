// label_replace and label_join: the same values under other labels.

import { Fault } from '../../errors/fault.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import { compileReplacement } from '../../model/replacement.ts';
import { isLabelName } from './names.ts';
import type { Batches, ColumnUse, Operator } from './operator.ts';

/** Gives a label its new value; undefined leaves the labels as they are, '' takes the label away. */
type NewValue = (labels: Labels) => string | undefined;

/** Label sets may collide afterwards: the builder puts a check behind it. */
export class RelabelOperator implements Operator {
  readonly #operand: Operator;
  readonly #target: string;
  readonly #newValue: NewValue;

  constructor(operand: Operator, target: string, newValue: NewValue) {
    this.#operand = operand;
    this.#target = target;
    this.#newValue = newValue;
  }

  async *run(use?: ColumnUse): Batches {
    const target = new Set([this.#target]);
    for await (const batch of this.#operand.run(use)) {
      yield batch.map((series) => {
        const value = this.#newValue(series.labels);
        if (value === undefined) return series;
        const labels = series.labels.without(target).with(Labels.from([[this.#target, value]]));
        // A name that was just given stays.
        return { labels, column: series.column, dropName: series.dropName && this.#target !== METRIC_NAME };
      });
    }
  }
}

export interface Replacement {
  readonly target: string;
  readonly template: string;
  readonly source: string;
  readonly pattern: string;
}

/** Throws `execution` for a pattern that is no RE2 expression or a target that is no label name. */
export function replacing({ target, template, source, pattern }: Replacement): NewValue {
  const replace = compileReplacement(pattern, template);
  if (replace === undefined) {
    throw new Fault('execution', `invalid regular expression in label_replace(): ${pattern}`);
  }
  checkTarget(target, 'label_replace');
  return (labels) => replace(labels.get(source));
}

export interface Join {
  readonly target: string;
  readonly separator: string;
  readonly sources: readonly string[];
}

/** Throws `execution` for a name that is no label name. */
export function joining({ target, separator, sources }: Join): NewValue {
  for (const source of sources) {
    if (!isLabelName(source)) throw new Fault('execution', `invalid source label name in label_join(): ${source}`);
  }
  checkTarget(target, 'label_join');
  return (labels) => sources.map((source) => labels.get(source)).join(separator);
}

function checkTarget(target: string, func: string): void {
  if (!isLabelName(target)) throw new Fault('execution', `invalid destination label name in ${func}(): ${target}`);
}

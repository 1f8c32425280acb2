// count_values: how many series of a group have a value, with the value as a label.

import { Fault } from '../../errors/fault.ts';
import { Labels } from '../../model/labels.ts';
import { printHistogram } from '../functions/native-statistics.ts';
import { histogramAt, newStepColumn } from '../functions/step-column.ts';
import { printPlain } from '../number-text.ts';
import { quote } from '../parser/quote.ts';
import type { Grouping } from '../plan/node.ts';
import { inBatches } from './batches.ts';
import { GroupKey } from './group-key.ts';
import { seriesBytes } from './kept.ts';
import { isLabelName } from './names.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { Turns } from './turns.ts';

export interface CountValuesConfig {
  readonly label: string;
  readonly grouping: Grouping;
  readonly stepCount: number;
}

/** One series per group and value, in the order of their first appearance. */
export class CountValuesOperator implements Operator {
  readonly #operand: Operator;
  readonly #config: CountValuesConfig;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, config: CountValuesConfig, evaluation: Evaluation) {
    this.#operand = operand;
    this.#config = config;
    this.#evaluation = evaluation;
  }

  async *run(): Batches {
    const { bytes } = this.#evaluation;
    let held = 0;
    try {
      yield* this.#counted((more) => {
        held += more;
        bytes.take(more);
      });
    } finally {
      bytes.give(held);
    }
  }

  async *#counted(take: (bytes: number) => void): Batches {
    const { label, grouping, stepCount } = this.#config;
    if (!isLabelName(label)) throw new Fault('execution', `invalid label name ${quote(label)}`);
    // The value takes the place of a label of the same name before series are grouped.
    const others = { without: grouping.without, labels: grouping.labels.filter((name) => name !== label) };
    const key = new GroupKey(grouping.without ? { ...others, labels: [...others.labels, label] } : others);
    const keepsValue = !grouping.without || !grouping.labels.includes(label);
    const groups = new Map<string, Map<string, SeriesColumn>>();
    const turns = new Turns(this.#evaluation);
    for await (const batch of this.#operand.run('passing')) {
      for (const { labels, column } of batch) {
        // Each value is printed.
        const pause = turns.after(20 * stepCount);
        if (pause !== undefined) await pause;
        const groupKey = key.of(labels);
        let byValue = groups.get(groupKey);
        if (byValue === undefined) groups.set(groupKey, (byValue = new Map()));
        for (let k = 0; k < stepCount; k++) {
          if (column.present[k] === 0) continue;
          const histogram = histogramAt(column, k);
          const printed = histogram === undefined ? printPlain(column.values[k]) : printHistogram(histogram);
          const text = keepsValue ? printed : '';
          let counts = byValue.get(text);
          if (counts === undefined) {
            const group = key.labelsOf(labels).with(Labels.from([[label, text]]));
            counts = { labels: group, column: newStepColumn(stepCount), dropName: false };
            byValue.set(text, counts);
            take(seriesBytes(group, counts.column));
          }
          counts.column.present[k] = 1;
          counts.column.values[k]++;
        }
      }
    }
    for (const byValue of groups.values()) yield* inBatches(byValue.values());
  }
}

// Hash aggregation: every series is folded into its group's accumulator, in the order it comes, and forgotten. Memory is
// groups x steps, whatever the number of series (quantile keeps its members).

import { type Labels, METRIC_NAME } from '../../model/labels.ts';
import { type Accumulator, type FoldOp, newAccumulator } from '../functions/aggregations.ts';
import { HistogramAccumulator } from '../functions/histogram-aggregations.ts';
import { checkQuantile } from '../functions/quantile.ts';
import { newStepColumn } from '../functions/step-column.ts';
import type { Grouping } from '../plan/node.ts';
import { inTurns, readScalar } from './batches.ts';
import { GroupKey } from './group-key.ts';
import { BYTES_PER_STEP, labelsBytes } from './kept.ts';
import { notesAt } from './matrix-selector.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { Turns } from './turns.ts';

export interface AggregateConfig {
  readonly op: FoldOp;
  readonly grouping: Grouping;
  readonly stepCount: number;
  /** Where annotations point to. */
  readonly position: number;
  /** The same for those about histograms. */
  readonly operandPosition: number;
}

interface Group {
  readonly labels: Labels;
  readonly accumulator: Accumulator;
  histograms: HistogramAccumulator | undefined;
  dropName: boolean;
}

/** Groups come in the order of their first member. */
export class AggregateOperator implements Operator {
  readonly #operand: Operator;
  readonly #parameter: Operator | undefined;
  readonly #config: AggregateConfig;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, parameter: Operator | undefined, config: AggregateConfig, evaluation: Evaluation) {
    this.#operand = operand;
    this.#parameter = parameter;
    this.#config = config;
    this.#evaluation = evaluation;
  }

  async *run(): Batches {
    const { op, grouping, stepCount, position, operandPosition } = this.#config;
    const { samples, bytes } = this.#evaluation;
    const parameter = this.#parameter === undefined ? undefined : await readScalar(this.#parameter);
    const notes = notesAt(this.#evaluation, position);
    // A bad quantile is remarked on at every step, whether or not there is anything to take it of.
    if (op === 'quantile') for (const q of parameter ?? []) checkQuantile(q, notes);
    const histogramNotes = notesAt(this.#evaluation, operandPosition);
    const groupKey = new GroupKey(grouping);
    const groups = new Map<string, Group>();
    let heldBytes = 0;
    const memberBytes = op === 'quantile' ? stepCount * BYTES_PER_STEP : 0;
    for await (const batch of this.#operand.run('passing')) {
      for (const { labels, column, dropName } of batch) {
        const key = groupKey.of(labels);
        let group = groups.get(key);
        if (group === undefined) {
          const accumulator = newAccumulator(op, stepCount, notes, parameter);
          group = { labels: groupKey.labelsOf(labels), accumulator, histograms: undefined, dropName };
          groups.set(key, group);
          samples.hold(stepCount);
          heldBytes += groupBytes(group.labels, stepCount);
          bytes.take(groupBytes(group.labels, stepCount));
        }
        // One member that has lost its name is enough.
        group.dropName ||= dropName;
        if (memberBytes > 0) {
          heldBytes += memberBytes;
          bytes.take(memberBytes);
        }
        if (column.histograms === undefined) group.accumulator.add(column);
        else {
          group.histograms ??= new HistogramAccumulator(op, stepCount, histogramNotes);
          group.accumulator.add(group.histograms.add(column, labels.get(METRIC_NAME)));
        }
      }
    }
    const turns = new Turns(this.#evaluation);
    for (const { accumulator } of groups.values()) {
      for (const work of accumulator.prepare?.() ?? []) {
        const pause = turns.after(work);
        if (pause !== undefined) await pause;
      }
    }
    yield* inTurns(finished(groups.values(), stepCount), 4 * stepCount, this.#evaluation);
    samples.hold(-groups.size * stepCount);
    bytes.give(heldBytes);
  }
}

/** An accumulator has up to four columns of numbers, and beside it stands the column it is finished into. */
function groupBytes(labels: Labels, stepCount: number): number {
  return labelsBytes(labels) + stepCount * 4 * BYTES_PER_STEP;
}

function* finished(groups: Iterable<Group>, stepCount: number): Generator<SeriesColumn> {
  for (const { labels, accumulator, histograms, dropName } of groups) {
    const column = newStepColumn(stepCount);
    accumulator.finish(column);
    histograms?.finish(column);
    yield { labels, column, dropName };
  }
}

// Instant selector: at every step the newest sample within the lookback, unless that one is a stale marker.

import { METRIC_NAME } from '../../model/labels.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { columnOf } from '../column-task.ts';
import type { Select, SelectedValue } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import type { SelectMeter } from '../query-stats.ts';
import { valuesOf } from './kept.ts';
import { Columns } from './lent-columns.ts';
import { type Lookback, lookBack } from './look-back.ts';
import { notesAt } from './matrix-selector.ts';
import { withoutName } from './names.ts';
import type { Batches, ColumnUse, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { type ComputedBatch, computed, meterOf, readNumbers, selected } from './selected.ts';
import { smooth } from './smoothed.ts';
import { dropStale } from './windows-of.ts';

export interface VectorSelectorConfig {
  readonly select: Select;
  /** What becomes the value: that of the sample, or a time of it in seconds (which drops the name). */
  readonly value: SelectedValue;
  readonly steps: Steps;
}

export class VectorSelectorOperator implements Operator {
  readonly #config: VectorSelectorConfig;
  readonly #evaluation: Evaluation;

  constructor(config: VectorSelectorConfig, evaluation: Evaluation) {
    this.#config = config;
    this.#evaluation = evaluation;
  }

  async *run(use: ColumnUse = 'kept'): Batches {
    const { select, value, steps } = this.#config;
    const { samples, delayedNameRemoval } = this.#evaluation;
    const meter = meterOf(select, this.#evaluation);
    const dropName = value !== 'sample';
    const { firstMs, lookbackMs } = this.#firstLook();
    const stepMs = select.atMs === undefined ? steps.stepMs : 0;
    const scratch = new SampleBuffer();
    const lent = new Columns(steps.count, use);
    for await (const { series: batch, columns } of this.#batches({ firstMs, stepMs, lookbackMs, value }, meter)) {
      let out: SeriesColumn[] = [];
      let valueCount = 0;
      for (const [i, series] of batch.entries()) {
        const done = columns === undefined ? undefined : columnOf(columns, i);
        scratch.clear();
        if (done === undefined) series.readInto(scratch);
        meter.sampleCount += done?.sampleCount ?? scratch.length;
        if (select.numbersOnly && scratch.histograms !== undefined) readNumbers(scratch);
        const column = done?.column ?? lent.take();
        let count = 0;
        if (done !== undefined) count = done.touchedCount;
        else if (select.edge === 'smoothed') {
          dropStale(scratch);
          const name = series.labels.get(METRIC_NAME);
          const notes = notesAt(this.#evaluation, select.position);
          count = smooth(scratch, { firstMs, stepMs, lookbackMs, name, notes }, column);
        } else count = lookBack(scratch, { firstMs, stepMs, lookbackMs, value }, column);
        if (count === 0) {
          if (done === undefined) lent.putBack();
          continue;
        }
        samples.touch(count);
        const labels = dropName && !delayedNameRemoval ? withoutName(series.labels) : series.labels;
        out.push({ labels, column, dropName });
        valueCount += valuesOf(column);
        if (!lent.isFull(valueCount)) continue;
        yield out;
        lent.reuse();
        out = [];
        valueCount = 0;
        const pause = this.#evaluation.pace();
        if (pause !== undefined) await pause;
      }
      if (out.length > 0) yield out;
      lent.reuse();
    }
  }

  /**
   * Where the first step looks, and how far back. For `timestamp` of a selector with `@` the reference looks at that time and
   * leaves out the offset, of samples that were read for the time with it: only those of both windows count.
   */
  #firstLook(): { readonly firstMs: number; readonly lookbackMs: number } {
    const { select, value, steps } = this.#config;
    const { lookbackMs } = this.#evaluation;
    const { atMs, offsetMs } = select;
    if (value !== 'timestamp' || atMs === undefined) {
      return { firstMs: (atMs ?? steps.startMs) - offsetMs, lookbackMs };
    }
    return { firstMs: atMs - Math.max(0, offsetMs), lookbackMs: Math.max(0, lookbackMs - Math.abs(offsetMs)) };
  }

  async *#batches(how: Lookback, meter: SelectMeter): AsyncIterable<ComputedBatch> {
    const { select, steps } = this.#config;
    if (select.edge === undefined) {
      yield* computed(select, meter, this.#evaluation, { kind: 'look-back', stepCount: steps.count, ...how });
      return;
    }
    for await (const series of selected(select, meter, this.#evaluation)) yield { series, columns: undefined };
  }
}

// Instant selector: at every step the newest sample within the lookback, unless that one is a stale marker.

import { METRIC_NAME } from '../../model/labels.ts';
import { isStaleAt } from '../../model/staleness.ts';
import { SampleBuffer, type SampleColumns } from '../../storage/sample-columns.ts';
import { newStepColumn, type StepColumn, setHistogram } from '../functions/step-column.ts';
import type { Select, SelectedValue } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { isFull } from './kept.ts';
import { notesAt } from './matrix-selector.ts';
import { withoutName } from './names.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { meterOf, readNumbers, selected } from './selected.ts';
import { smooth } from './smoothed.ts';
import { dropStale } from './window-source.ts';

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

  async *run(): Batches {
    const { select, value, steps } = this.#config;
    const { samples, lookbackMs, delayedNameRemoval } = this.#evaluation;
    const meter = meterOf(select, this.#evaluation);
    const dropName = value !== 'sample';
    const firstMs = (select.atMs ?? steps.startMs) - select.offsetMs;
    const stepMs = select.atMs === undefined ? steps.stepMs : 0;
    const scratch = new SampleBuffer();
    for await (const batch of selected(select, meter, this.#evaluation)) {
      let out: SeriesColumn[] = [];
      for (const series of batch) {
        scratch.clear();
        series.readInto(scratch);
        meter.sampleCount += scratch.length;
        if (select.numbersOnly && scratch.histograms !== undefined) readNumbers(scratch);
        const column = newStepColumn(steps.count);
        let count = 0;
        if (select.edge === 'smoothed') {
          dropStale(scratch);
          const name = series.labels.get(METRIC_NAME);
          const notes = notesAt(this.#evaluation, select.position);
          count = smooth(scratch, { firstMs, stepMs, lookbackMs, name, notes }, column);
        } else count = lookBack(scratch, { firstMs, stepMs, lookbackMs, value }, column);
        if (count === 0) continue;
        samples.touch(count);
        const labels = dropName && !delayedNameRemoval ? withoutName(series.labels) : series.labels;
        out.push({ labels, column, dropName });
        if (!isFull(out.length, steps.count)) continue;
        yield out;
        out = [];
        const pause = this.#evaluation.pace();
        if (pause !== undefined) await pause;
      }
      if (out.length > 0) yield out;
    }
  }
}

interface Lookback {
  readonly firstMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
  readonly value: SelectedValue;
}

/** Fills an empty column; a sample counts for step time t when t - lookback < time <= t. Gives the number of values. */
export function lookBack(samples: SampleColumns, how: Lookback, out: StepColumn): number {
  const { firstMs, stepMs, lookbackMs } = how;
  const wantsTime = how.value === 'timestamp';
  const wantsStart = how.value === 'start-timestamp';
  const { times, values, words, histograms, length } = samples;
  const { values: into, present } = out;
  let next = 0;
  let count = 0;
  for (let k = 0, time = firstMs; k < into.length; k++, time = firstMs + k * stepMs) {
    while (next < length && times[next] <= time) next++;
    const i = next - 1;
    if (i < 0 || times[i] <= time - lookbackMs) continue;
    const value = values[i];
    // Only a NaN can be the stale marker, so the bits are looked at only then.
    if (Number.isNaN(value) && isStaleAt(words, i)) continue;
    into[k] = wantsTime ? times[i] / 1000 : wantsStart ? (samples.starts?.[i] ?? 0) / 1000 : value;
    if (histograms !== undefined && how.value === 'sample') {
      const histogram = histograms[i];
      if (histogram !== undefined) setHistogram(out, k, histogram);
    }
    present[k] = 1;
    count++;
  }
  return count;
}

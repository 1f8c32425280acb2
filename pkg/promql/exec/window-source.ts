// Where range functions get their samples: from a range selector, or from the steps of a subquery.

import { Fault } from '../../errors/fault.ts';
import { outOfSequence } from '../../model/histogram-value.ts';
import type { Labels } from '../../model/labels.ts';
import { SampleBuffer, type SampleColumns } from '../../storage/sample-columns.ts';
import type { Series } from '../../storage/series.ts';
import { type ColumnTask, type ComputedColumn, columnOf } from '../column-task.ts';
import type { RangeArgs, Windows } from '../functions/windows.ts';
import type { WindowSource } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { SampleCounter } from '../query-stats.ts';
import { BYTES_PER_STEP } from './kept.ts';
import type { Build, Evaluation } from './operator.ts';
import { computed, meterOf, readNumbers, selected } from './selected.ts';
import { dropStale } from './windows-of.ts';

/** As many steps as Prometheus holds samples, unless told otherwise. */
const MOST_SUBQUERY_STEPS = 50_000_000;

const BYTES_PER_SAMPLE = 16;

export interface WindowSeries {
  readonly labels: Labels;
  readonly dropName: boolean;
  /** The samples of all windows, without stale markers; good until anything else is read from the same source. */
  read(): SampleColumns;
  /** What another thread has computed already, so that nothing is to be read. */
  readonly computed?: ComputedColumn | undefined;
}

export interface OpenWindows {
  /** For the series read last: `locate` fills it. */
  readonly windows: Windows;
  readonly batches: AsyncIterable<readonly WindowSeries[]>;
}

/** A function over the windows, for those who may compute it elsewhere. */
export interface WindowWork {
  readonly func: string;
  readonly args: Omit<RangeArgs, 'notes'>;
}

/** Prepares the windows of `steps`; nothing is fetched before the first batch is pulled. */
export function openWindows(
  source: WindowSource,
  steps: Steps,
  evaluation: Evaluation,
  build: Build,
  work?: WindowWork,
): OpenWindows {
  const { atMs, offsetMs } = source.kind === 'selector' ? source.select : source;
  const windows = {
    stepCount: steps.count,
    from: new Int32Array(steps.count),
    to: new Int32Array(steps.count),
    firstEndMs: (atMs ?? steps.startMs) - offsetMs,
    stepMs: atMs === undefined ? steps.stepMs : 0,
    rangeMs: source.rangeMs,
  };
  const batches =
    source.kind === 'selector'
      ? fromSelector(source, windows, evaluation, work)
      : fromSubquery(source, subquerySteps(source, windows), evaluation, build);
  return { windows, batches };
}

async function* fromSelector(
  source: WindowSource & { kind: 'selector' },
  windows: Windows,
  evaluation: Evaluation,
  work: WindowWork | undefined,
): AsyncIterable<readonly WindowSeries[]> {
  const scratch = new SampleBuffer();
  const { select } = source;
  const meter = meterOf(select, evaluation);
  const windowOf = (series: Series): WindowSeries => ({
    labels: series.labels,
    dropName: false,
    read() {
      scratch.clear();
      series.readInto(scratch);
      meter.sampleCount += scratch.length;
      dropStale(scratch);
      if (!evaluation.startTimestamps) scratch.starts = undefined;
      if (select.numbersOnly && scratch.histograms !== undefined) readNumbers(scratch);
      return scratch;
    },
  });
  if (work === undefined || select.edge !== undefined) {
    for await (const batch of selected(select, meter, evaluation)) yield batch.map(windowOf);
    return;
  }
  const { stepCount, firstEndMs, stepMs, rangeMs } = windows;
  const task: ColumnTask = { kind: 'window', ...work, windows: { stepCount, firstEndMs, stepMs, rangeMs } };
  for await (const { series, columns } of computed(select, meter, evaluation, task)) {
    if (columns === undefined) {
      yield series.map(windowOf);
      continue;
    }
    yield series.map((one, i) => {
      const done = columnOf(columns, i);
      meter.sampleCount += done.sampleCount;
      return { ...windowOf(one), computed: done };
    });
  }
}

/**
 * The times a subquery is evaluated at: whole multiples of its step, the first one after the start of the first window,
 * whatever the query's own steps are.
 */
export function subquerySteps(source: { readonly rangeMs: number; readonly stepMs: number }, windows: Windows): Steps {
  const { stepMs } = source;
  const openStart = windows.firstEndMs - source.rangeMs;
  const lastEnd = windows.firstEndMs + (windows.stepCount - 1) * windows.stepMs;
  const startMs = (Math.floor(openStart / stepMs) + 1) * stepMs;
  return { startMs, stepMs, count: Math.max(0, Math.floor((lastEnd - startMs) / stepMs) + 1), endMs: lastEnd };
}

async function* fromSubquery(
  source: WindowSource & { kind: 'subquery' },
  steps: Steps,
  evaluation: Evaluation,
  build: Build,
): AsyncIterable<readonly WindowSeries[]> {
  if (steps.count === 0) return;
  if (steps.count > MOST_SUBQUERY_STEPS) {
    const text = 'query processing would load too many samples into memory in query execution';
    throw new Fault('limit', text, { facts: { samples: steps.count, maxSamples: MOST_SUBQUERY_STEPS } });
  }
  // One series at all steps, as a column and as samples, before anything is made.
  const columnBytes = steps.count * (BYTES_PER_STEP + BYTES_PER_SAMPLE);
  const { bytes } = evaluation;
  try {
    bytes.take(columnBytes);
    yield* overSteps(source, steps, evaluation, build);
  } finally {
    bytes.give(columnBytes);
  }
}

async function* overSteps(
  source: WindowSource & { kind: 'subquery' },
  steps: Steps,
  evaluation: Evaluation,
  build: Build,
): AsyncIterable<readonly WindowSeries[]> {
  // Samples are counted where the outer windows look at them, so those below are counted apart and forgotten.
  const inner = { ...evaluation, pace: () => evaluation.pace(), samples: new SampleCounter() };
  const scratch = new SampleBuffer(steps.count);
  for await (const batch of build(source.operand, steps, inner).run('passing')) {
    yield batch.map(({ labels, dropName, column }) => ({
      labels,
      dropName,
      read() {
        scratch.clear();
        for (let k = 0; k < steps.count; k++) {
          if (column.present[k] === 0) continue;
          const histogram = column.histograms?.[k];
          const time = steps.startMs + k * steps.stepMs;
          // Steps are no neighbours in the storage, whatever was known of them there.
          if (histogram !== undefined) scratch.pushHistogram(time, outOfSequence(histogram));
          else scratch.push(time, column.values[k]);
        }
        return scratch;
      },
    }));
  }
}

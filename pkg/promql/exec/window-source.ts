// Where range functions get their samples: from a range selector, or from the steps of a subquery.

import { Fault } from '../../errors/fault.ts';
import { outOfSequence } from '../../model/histogram-value.ts';
import type { Labels } from '../../model/labels.ts';
import { isStaleAt } from '../../model/staleness.ts';
import { SampleBuffer, type SampleColumns } from '../../storage/sample-columns.ts';
import type { Windows } from '../functions/windows.ts';
import type { WindowSource } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { SampleCounter } from '../query-stats.ts';
import { BYTES_PER_STEP } from './kept.ts';
import type { Build, Evaluation } from './operator.ts';
import { meterOf, readNumbers, selected } from './selected.ts';

/** As many steps as Prometheus holds samples, unless told otherwise. */
const MOST_SUBQUERY_STEPS = 50_000_000;

const BYTES_PER_SAMPLE = 16;

export interface WindowSeries {
  readonly labels: Labels;
  readonly dropName: boolean;
  /** The samples of all windows, without stale markers; good until anything else is read from the same source. */
  read(): SampleColumns;
}

export interface OpenWindows {
  /** For the series read last: `locate` fills it. */
  readonly windows: Windows;
  readonly batches: AsyncIterable<readonly WindowSeries[]>;
}

/** Prepares the windows of `steps`; nothing is fetched before the first batch is pulled. */
export function openWindows(source: WindowSource, steps: Steps, evaluation: Evaluation, build: Build): OpenWindows {
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
      ? fromSelector(source, evaluation)
      : fromSubquery(source, subquerySteps(source, windows), evaluation, build);
  return { windows, batches };
}

/** Finds every window by two indexes that only move forward. Gives the sum of the windows' sizes. */
export function locate(samples: SampleColumns, windows: Windows): number {
  const { times, length } = samples;
  const { from, to, stepCount, firstEndMs, stepMs, rangeMs } = windows;
  let low = 0;
  let high = 0;
  let total = 0;
  for (let k = 0; k < stepCount; k++) {
    const end = firstEndMs + k * stepMs;
    const start = end - rangeMs;
    while (high < length && times[high] <= end) high++;
    while (low < high && times[low] <= start) low++;
    from[k] = low;
    to[k] = high;
    total += high - low;
  }
  return total;
}

async function* fromSelector(
  source: WindowSource & { kind: 'selector' },
  evaluation: Evaluation,
): AsyncIterable<readonly WindowSeries[]> {
  const scratch = new SampleBuffer();
  const meter = meterOf(source.select, evaluation);
  for await (const batch of selected(source.select, meter, evaluation)) {
    yield batch.map((series) => ({
      labels: series.labels,
      dropName: false,
      read() {
        scratch.clear();
        series.readInto(scratch);
        meter.sampleCount += scratch.length;
        dropStale(scratch);
        if (!evaluation.startTimestamps) scratch.starts = undefined;
        if (source.select.numbersOnly && scratch.histograms !== undefined) readNumbers(scratch);
        return scratch;
      },
    }));
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
  for await (const batch of build(source.operand, steps, inner).run()) {
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

/** Takes stale markers out, in place. Copies by bits. */
export function dropStale(samples: SampleBuffer): void {
  const { times, values, words, histograms, starts, length } = samples;
  let kept = 0;
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (Number.isNaN(value) && isStaleAt(words, i)) continue;
    if (kept !== i) {
      times[kept] = times[i];
      words[2 * kept] = words[2 * i];
      words[2 * kept + 1] = words[2 * i + 1];
      if (histograms !== undefined) histograms[kept] = histograms[i];
      if (starts !== undefined) starts[kept] = starts[i];
    }
    kept++;
  }
  samples.truncate(kept);
}

// Where range functions get their samples: from a range selector, or from the steps of a subquery.

import { outOfSequence } from '../../model/histogram-value.ts';
import type { Labels } from '../../model/labels.ts';
import { isStaleAt } from '../../model/staleness.ts';
import { SampleBuffer, type SampleColumns } from '../../storage/sample-columns.ts';
import type { Windows } from '../functions/windows.ts';
import type { WindowSource } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { SampleCounter } from '../query-stats.ts';
import type { Build, Evaluation } from './operator.ts';
import { readNumbers, selected } from './selected.ts';

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
  for await (const batch of selected(source.select, evaluation)) {
    yield batch.map((series) => ({
      labels: series.labels,
      dropName: false,
      read() {
        scratch.clear();
        series.readInto(scratch);
        dropStale(scratch);
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
  return { startMs, stepMs, count: Math.max(0, Math.floor((lastEnd - startMs) / stepMs) + 1) };
}

async function* fromSubquery(
  source: WindowSource & { kind: 'subquery' },
  steps: Steps,
  evaluation: Evaluation,
  build: Build,
): AsyncIterable<readonly WindowSeries[]> {
  if (steps.count === 0) return;
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
function dropStale(samples: SampleBuffer): void {
  const { times, values, words, histograms, length } = samples;
  let kept = 0;
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (Number.isNaN(value) && isStaleAt(words, i)) continue;
    if (kept !== i) {
      times[kept] = times[i];
      words[2 * kept] = words[2 * i];
      words[2 * kept + 1] = words[2 * i + 1];
      if (histograms !== undefined) histograms[kept] = histograms[i];
    }
    kept++;
  }
  samples.truncate(kept);
}

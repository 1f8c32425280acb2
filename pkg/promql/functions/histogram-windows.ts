// Range functions over series that have native histograms, alone or among floats.

import { isCounterReset } from '../../model/histogram-reset.ts';
import { HistogramSum } from '../../model/histogram-sum.ts';
import { type HistogramValue, sameHistogram } from '../../model/histogram-value.ts';
import { SampleBuffer, type SampleColumns } from '../../storage/sample-columns.ts';
import { HistogramMean } from './histogram-mean.ts';
import { conflictingResets, ignoredInRange, mixedSamples, mixedSchemas, reconciledBounds } from './histogram-notes.ts';
import { extrapolated, type HistogramColumn, type HistogramWindow, instantChange } from './histogram-rate.ts';
import { startedOf, startsAnew } from './start-times.ts';
import { type StepColumn, setHistogram } from './step-column.ts';
import type { Notes, RangeArgs, RangeFunction, Windows } from './windows.ts';

/** These look at times only, or count. */
const ofAnySample: ReadonlySet<string> = new Set([
  'count_over_time',
  'present_over_time',
  'ts_of_first_over_time',
  'ts_of_last_over_time',
]);

/**
 * The function `func` of floats made one of series with histograms. `name` is that of the series, for notes. Functions that
 * know no histograms disregard them, and say so where a window has both.
 */
export function withHistograms(func: string, ofFloats: RangeFunction, name: string): RangeFunction {
  if (ofAnySample.has(func)) return ofFloats;
  switch (func) {
    case 'last_over_time':
      return (samples, windows, out, args) => picked(ofFloats, samples, windows, out, args, true);
    case 'first_over_time':
      return (samples, windows, out, args) => picked(ofFloats, samples, windows, out, args, false);
    case 'changes':
      return (samples, windows, out) => countEvents(samples, windows, out, hasChanged);
    case 'resets':
      return (samples, windows, out) => {
        const started = startedOf(samples);
        const happened: Event = (before, after, i) =>
          wasReset(before, after, i) || (started !== undefined && startsAnew(started, i));
        countEvents(samples, windows, out, happened);
      };
    case 'irate':
    case 'idelta':
      return (samples, windows, out, args) =>
        instantaneous(ofFloats, { samples, windows, out, args }, func === 'irate', name);
    default:
      return (samples, windows, out, args) => apart(func, ofFloats, { samples, windows, out, args }, name);
  }
}

interface Call {
  readonly samples: SampleColumns;
  readonly windows: Windows;
  readonly out: StepColumn;
  readonly args: RangeArgs;
}

/** Floats and histograms each on their own, then what to do about windows that have both. */
function apart(func: string, ofFloats: RangeFunction, { samples, windows, out, args }: Call, name: string): void {
  const { floats, floatWindows, column } = split(samples, windows, name);
  ofFloats(floats, floatWindows, out, args);
  const { notes } = args;
  const reduce = histogramFunction(func, column, notes);
  const { from, to } = column.windows;
  for (let k = 0; k < windows.stepCount; k++) {
    if (to[k] === from[k]) continue;
    const hasFloats = floatWindows.to[k] > floatWindows.from[k];
    if (reduce === undefined) {
      if (hasFloats) notes.info(ignoredInRange(name));
      continue;
    }
    if (hasFloats) {
      notes.warn(mixedSamples(name));
      out.present[k] = 0;
      continue;
    }
    const result = reduce(k);
    if (result !== undefined) setHistogram(out, k, result);
  }
}

function histogramFunction(func: string, column: HistogramColumn, notes: Notes): HistogramWindow | undefined {
  switch (func) {
    case 'rate':
      return extrapolated(column, true, true, notes);
    case 'increase':
      return extrapolated(column, true, false, notes);
    case 'delta':
      return extrapolated(column, false, false, notes);
    case 'sum_over_time':
      return (k) => folded(column, k, (first) => new HistogramSum(first), notes);
    case 'avg_over_time':
      return (k) => folded(column, k, (first) => new HistogramMean(first), notes);
    default:
      return undefined;
  }
}

function folded(
  { histograms, windows, name }: HistogramColumn,
  k: number,
  begin: (first: HistogramValue) => HistogramSum | HistogramMean,
  notes: Notes,
): HistogramValue | undefined {
  const { from, to } = windows;
  // A window of one is that one as it is: sums have no empty buckets.
  if (to[k] - from[k] === 1) return histograms[from[k]];
  const fold = begin(histograms[from[k]]);
  let sawReset = false;
  let sawNoReset = false;
  for (let i = from[k]; i < to[k]; i++) {
    const { hint } = histograms[i];
    sawReset ||= hint === 'reset';
    sawNoReset ||= hint === 'not-reset';
    if (i === from[k]) continue;
    const added = fold.add(histograms[i]);
    if (added === undefined) {
      notes.warn(mixedSchemas(name));
      return undefined;
    }
    if (added.isReconciled) notes.info(reconciledBounds('aggregation'));
  }
  if (sawReset && sawNoReset) notes.warn(conflictingResets('aggregation'));
  return fold.value();
}

/** The floats as columns of their own, and the histograms as others, each with the windows that select them. */
function split(samples: SampleColumns, windows: Windows, name: string) {
  const { times, values, length } = samples;
  const { stepCount } = windows;
  if (hasOnlyHistograms(samples) && (samples.starts === undefined || samples.starts.length === length)) {
    const { histograms, starts } = samples;
    const none = new Int32Array(stepCount);
    const column: HistogramColumn = { name, times, histograms, windows, starts };
    return { floats: new SampleBuffer(0), floatWindows: { ...windows, from: none, to: none }, column };
  }
  const floats = new SampleBuffer(length);
  const histogramTimes: number[] = [];
  const histograms: HistogramValue[] = [];
  const starts: number[] | undefined = samples.starts === undefined ? undefined : [];
  /** How many of the samples before i are floats. */
  const floatsBefore = new Int32Array(length + 1);
  for (let i = 0; i < length; i++) {
    const histogram = samples.histograms?.[i];
    if (histogram === undefined) {
      floats.push(times[i], values[i]);
      floats.startLast(samples.starts?.[i] ?? 0);
    } else {
      histogramTimes.push(times[i]);
      histograms.push(histogram);
      starts?.push(samples.starts?.[i] ?? 0);
    }
    floatsBefore[i + 1] = floats.length;
  }
  const { from, to } = windows;
  const floatWindows = { ...windows, from: new Int32Array(stepCount), to: new Int32Array(stepCount) };
  const others = { ...windows, from: new Int32Array(stepCount), to: new Int32Array(stepCount) };
  for (let k = 0; k < stepCount; k++) {
    floatWindows.from[k] = floatsBefore[from[k]];
    floatWindows.to[k] = floatsBefore[to[k]];
    others.from[k] = from[k] - floatWindows.from[k];
    others.to[k] = to[k] - floatWindows.to[k];
  }
  const column: HistogramColumn = {
    name,
    times: Float64Array.from(histogramTimes),
    histograms,
    windows: others,
    starts,
  };
  return { floats, floatWindows, column };
}

function hasOnlyHistograms(
  samples: SampleColumns,
): samples is SampleColumns & { readonly histograms: readonly HistogramValue[] } {
  const { histograms, length } = samples;
  if (histograms === undefined || histograms.length !== length) return false;
  for (let i = 0; i < length; i++) if (histograms[i] === undefined) return false;
  return true;
}

/** last_over_time and first_over_time give the sample itself, whatever it is. */
function picked(
  ofFloats: RangeFunction,
  samples: SampleColumns,
  windows: Windows,
  out: StepColumn,
  args: RangeArgs,
  isLast: boolean,
): void {
  ofFloats(samples, windows, out, args);
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    if (to[k] === from[k]) continue;
    const histogram = samples.histograms?.[isLast ? to[k] - 1 : from[k]];
    if (histogram !== undefined) setHistogram(out, k, histogram);
  }
}

/** irate and idelta: the last two samples of a window. */
function instantaneous(ofFloats: RangeFunction, call: Call, isRate: boolean, name: string): void {
  const { samples, windows, out, args } = call;
  ofFloats(samples, windows, out, args);
  const { from, to } = windows;
  const { times, histograms = [] } = samples;
  const started = startedOf(samples);
  for (let k = 0; k < windows.stepCount; k++) {
    const last = to[k] - 1;
    if (last <= from[k]) continue;
    const before = histograms[last - 1];
    const after = histograms[last];
    if (before === undefined && after === undefined) continue;
    out.present[k] = 0;
    if (before === undefined || after === undefined) {
      args.notes.warn(mixedSamples(name));
      continue;
    }
    const elapsedMs = times[last] - times[last - 1];
    const isAnew = started !== undefined && startsAnew(started, last);
    const change = instantChange(before, after, isRate, isAnew, elapsedMs, name, args.notes);
    if (change !== undefined) setHistogram(out, k, change);
  }
}

/** Whether something happened between sample i and the one before it. */
type Event = (before: number | HistogramValue, after: number | HistogramValue, i: number) => boolean;

const hasChanged: Event = (before, after) => {
  if (typeof before === 'number' && typeof after === 'number') return !Object.is(before + 0, after + 0);
  if (typeof before === 'number' || typeof after === 'number') return true;
  return !sameHistogram(before, after);
};

const wasReset: Event = (before, after) => {
  if (typeof before === 'number' && typeof after === 'number') return after < before;
  if (typeof before === 'number' || typeof after === 'number') return true;
  return isCounterReset(after, before);
};

/** The first sample of a window has nothing before it, so its own event does not count. */
function countEvents(samples: SampleColumns, windows: Windows, out: StepColumn, happened: Event): void {
  const { values, histograms, length } = samples;
  const marks = new Int32Array(length);
  for (let i = 1; i < length; i++) {
    const [before, after] = [histograms?.[i - 1] ?? values[i - 1], histograms?.[i] ?? values[i]];
    marks[i] = marks[i - 1] + (happened(before, after, i) ? 1 : 0);
  }
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    out.present[k] = to[k] > from[k] ? 1 : 0;
    if (out.present[k] === 1) out.values[k] = marks[to[k] - 1] - marks[from[k]];
  }
}

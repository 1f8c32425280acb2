// Windows whose edges are made of samples beyond them. `anchored`: the value at the beginning is the last sample before it.
// `smoothed`: the values at both edges are interpolated. Nothing is extrapolated then.

import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  scaleHistogram,
  subtractHistograms,
} from '../../model/histogram-math.ts';
import { isCounterReset } from '../../model/histogram-reset.ts';
import { type HistogramValue, usesCustomBounds, withHint } from '../../model/histogram-value.ts';
import type { SampleColumns } from '../../storage/sample-columns.ts';
import type { RangeEdge } from '../parser/ast.ts';
import { mixedSamples, mixedSchemas, notACounter, notAGauge, reconciledBounds } from './histogram-notes.ts';
import { setHistogram } from './step-column.ts';
import type { Notes, RangeFunction, Windows } from './windows.ts';

const functionsOf: Readonly<Record<RangeEdge, readonly string[]>> = {
  anchored: ['changes', 'delta', 'increase', 'rate', 'resets'],
  smoothed: ['delta', 'increase', 'rate'],
};

/** Why a function cannot have such edges; undefined when it can. */
export function edgeProblem(func: string, edge: RangeEdge): string | undefined {
  const allowed = functionsOf[edge];
  return allowed.includes(func)
    ? undefined
    : `${edge} modifier can only be used with: ${allowed.join(', ')} - not with ${func}`;
}

/**
 * The function `func`, `plain` being its kernel, over windows with edges. The samples reach `lookbackMs` beyond the windows.
 * `name` is that of the series, for notes.
 */
export function withEdge(
  func: string,
  plain: RangeFunction,
  edge: RangeEdge,
  lookbackMs: number,
  name: string,
): RangeFunction {
  if (func === 'changes' || func === 'resets')
    return (samples, windows, out, args) => plain(samples, fromAnchor(samples, windows, lookbackMs), out, args);
  const isCounter = func !== 'delta';
  return (samples, windows, out, args) => {
    const mix = samples.histograms === undefined ? undefined : new SampleMix(samples);
    const seconds = func === 'rate' ? windows.rangeMs / 1000 : 1;
    for (let k = 0; k < windows.stepCount; k++) {
      out.present[k] = 0;
      const reach = reachOf(samples, windows, k, edge, lookbackMs);
      if (reach === undefined) continue;
      const kind = mix === undefined ? 'floats' : mix.kindIn(...surroundingsOf(windows, k, edge, lookbackMs));
      if (kind === 'mixed') {
        args.notes.warn(mixedSamples(name));
      } else if (kind === 'floats') {
        out.values[k] = floatChange(samples, reach, isCounter) / seconds;
        out.present[k] = 1;
      } else {
        const change = histogramChange(samples, reach, isCounter, name, args.notes);
        if (change !== undefined) setHistogram(out, k, seconds === 1 ? change : divideHistogram(change, seconds));
      }
    }
  };
}

/** Windows that begin with the last sample before them, where there is one and they are not empty. */
function fromAnchor({ times }: SampleColumns, windows: Windows, lookbackMs: number): Windows {
  const { from, to, firstEndMs, stepMs, rangeMs } = windows;
  const anchored = from.slice();
  for (let k = 0; k < windows.stepCount; k++) {
    const oldest = firstEndMs + k * stepMs - rangeMs - lookbackMs;
    if (to[k] > from[k] && from[k] > 0 && times[from[k] - 1] > oldest) anchored[k]--;
  }
  return { ...windows, from: anchored };
}

/** What one window is computed of: samples [first, last], and the times its edges are wanted at. */
interface Reach {
  /** The last sample before the window where there is one, else the first inside. */
  readonly first: number;
  /** The first sample behind a smoothed window where it is needed and there, else the last one inside. */
  readonly last: number;
  /** An edge that lies between two samples; undefined where it is a sample. */
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
}

function reachOf(
  { times, length }: SampleColumns,
  { from, to, firstEndMs, stepMs, rangeMs }: Windows,
  k: number,
  edge: RangeEdge,
  lookbackMs: number,
): Reach | undefined {
  const endMs = firstEndMs + k * stepMs;
  const startMs = endMs - rangeMs;
  const hasBefore = from[k] > 0 && times[from[k] - 1] > startMs - lookbackMs;
  const first = hasBefore ? from[k] - 1 : from[k];
  const inside = to[k] > from[k];
  if (edge === 'anchored') {
    return inside ? { first, last: to[k] - 1, startMs: undefined, endMs: undefined } : undefined;
  }
  const needsAfter = !inside || times[to[k] - 1] < endMs;
  const hasAfter = needsAfter && to[k] < length && times[to[k]] <= endMs + lookbackMs;
  if (!inside && !(hasBefore && hasAfter)) return undefined;
  return {
    first,
    last: hasAfter ? to[k] : to[k] - 1,
    startMs: hasBefore && times[first] < startMs ? startMs : undefined,
    endMs: hasAfter ? endMs : undefined,
  };
}

/** The times of a window with all that was read for its edges: after the first, up to the second. */
function surroundingsOf(
  { firstEndMs, stepMs, rangeMs }: Windows,
  k: number,
  edge: RangeEdge,
  lookbackMs: number,
): [number, number] {
  const endMs = firstEndMs + k * stepMs;
  return [endMs - rangeMs - lookbackMs, edge === 'smoothed' ? endMs + lookbackMs : endMs];
}

/** Which kinds of samples there are between two times; asked in ascending order. */
export class SampleMix {
  readonly #times: Float64Array;
  readonly #length: number;
  /** How many of the samples before i are histograms. */
  readonly #before: Int32Array;
  #from = 0;
  #to = 0;

  constructor({ times, histograms, length }: SampleColumns) {
    this.#times = times;
    this.#length = length;
    this.#before = new Int32Array(length + 1);
    for (let i = 0; i < length; i++) this.#before[i + 1] = this.#before[i] + (histograms?.[i] === undefined ? 0 : 1);
  }

  /** Of samples with afterMs < time <= upToMs. */
  kindIn(afterMs: number, upToMs: number): 'floats' | 'histograms' | 'mixed' {
    while (this.#from < this.#length && this.#times[this.#from] <= afterMs) this.#from++;
    while (this.#to < this.#length && this.#times[this.#to] <= upToMs) this.#to++;
    const count = this.#before[this.#to] - this.#before[this.#from];
    if (count === 0) return 'floats';
    return count === this.#to - this.#from ? 'histograms' : 'mixed';
  }
}

function floatChange(samples: SampleColumns, { first, last, startMs, endMs }: Reach, isCounter: boolean): number {
  const { values } = samples;
  const left = startMs === undefined ? values[first] : floatBetween(samples, first, startMs, isCounter);
  const right = endMs === undefined ? values[last] : floatBetween(samples, last - 1, endMs, isCounter);
  const change = right - left;
  if (!isCounter) return change;
  let correction = 0;
  let before = left;
  for (let i = first + 1; i <= last; i++) {
    // The last one is the value at the end; between two made of the same pair nothing can have been reset.
    const value = i === last ? right : values[i];
    if (value < before) correction += before;
    before = value;
  }
  return change + correction;
}

/** The value at a time between sample i and the next one. A counter that was reset there began again at zero. */
export function floatBetween({ times, values }: SampleColumns, i: number, timeMs: number, isCounter: boolean): number {
  const before = values[i];
  const after = values[i + 1];
  const passed = timeMs - times[i];
  const whole = times[i + 1] - times[i];
  return isCounter && after < before ? (after * passed) / whole : before + ((after - before) * passed) / whole;
}

/**
 * The same of histograms; undefined when one has custom bounds and the other has not. The result keeps the hint of the
 * sample it leads to.
 */
export function histogramBetween(
  { times, histograms = [] }: SampleColumns,
  i: number,
  timeMs: number,
  isCounter: boolean,
  notes: Notes,
): HistogramValue | undefined {
  const before = histograms[i]!;
  const after = histograms[i + 1]!;
  if (usesCustomBounds(before) !== usesCustomBounds(after)) return undefined;
  const part = (timeMs - times[i]) / (times[i + 1] - times[i]);
  if (isCounter && isCounterReset(after, before)) return scaleHistogram(after, part);
  const difference = subtractHistograms(after, before);
  if (difference === undefined) return undefined;
  if (difference.isReconciled) notes.info(reconciledBounds('subtraction'));
  const sum = addHistograms(before, scaleHistogram(difference.value, part));
  if (sum === undefined) return undefined;
  if (sum.isReconciled) notes.info(reconciledBounds('addition'));
  return withHint(sum.value, after.hint);
}

function histogramChange(
  samples: SampleColumns,
  { first, last, startMs, endMs }: Reach,
  isCounter: boolean,
  name: string,
  notes: Notes,
): HistogramValue | undefined {
  const histograms = samples.histograms!;
  noteKinds(histograms, first, last, isCounter, name, notes);
  const mixed = (): undefined => {
    notes.warn(mixedSchemas(name));
    return undefined;
  };
  const left = startMs === undefined ? histograms[first]! : histogramBetween(samples, first, startMs, isCounter, notes);
  const right = endMs === undefined ? histograms[last]! : histogramBetween(samples, last - 1, endMs, isCounter, notes);
  if (left === undefined || right === undefined) return mixed();
  const difference = subtractHistograms(right, left);
  if (difference === undefined) return mixed();
  if (difference.isReconciled) notes.info(reconciledBounds('subtraction'));
  let change = difference.value;
  if (isCounter) {
    let before = left;
    for (let i = first + 1; i <= last; i++) {
      const current = i === last ? right : histograms[i]!;
      // Left edges that were interpolated across a reset have it in them already.
      const isKnown = startMs !== undefined && i === first + 1;
      if (isKnown ? false : isCounterReset(current, before)) {
        const sum = addHistograms(change, before);
        if (sum === undefined) return mixed();
        if (sum.isReconciled) notes.info(reconciledBounds('addition'));
        change = sum.value;
      }
      before = current;
    }
  }
  return compactHistogram(withHint(change, 'gauge'));
}

function noteKinds(
  histograms: readonly (HistogramValue | undefined)[],
  first: number,
  last: number,
  isCounter: boolean,
  name: string,
  notes: Notes,
): void {
  if (!isCounter) {
    if (histograms[first]?.hint !== 'gauge' || histograms[last]?.hint !== 'gauge') notes.warn(notAGauge(name));
    return;
  }
  for (let i = first; i <= last; i++) if (histograms[i]?.hint === 'gauge') notes.warn(notACounter(name));
}

// rate, increase, delta, irate and idelta of native histograms.

import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  scaleHistogram,
  subtractHistograms,
  toSchema,
} from '../../model/histogram-math.ts';
import { isCounterReset } from '../../model/histogram-reset.ts';
import { HistogramRow, ScaledDifferences } from '../../model/histogram-row.ts';
import { type HistogramValue, noBuckets, usesCustomBounds, withHint } from '../../model/histogram-value.ts';
import { mixedSchemas, notACounter, notAGauge, reconciledBounds } from './histogram-notes.ts';
import { factorOf, startAfter, startsAnew } from './start-times.ts';
import type { Notes, Windows } from './windows.ts';

/** The histograms of one series, and where windows find them. */
export interface HistogramColumn {
  readonly name: string;
  readonly times: Float64Array;
  readonly histograms: readonly HistogramValue[];
  readonly windows: Windows;
  /** Since when each has counted, where that is known of any. */
  readonly starts: readonly number[] | undefined;
}

/** What a function makes of window k, which holds a histogram at least and no float; undefined for nothing. */
export type HistogramWindow = (k: number) => HistogramValue | undefined;

/** `resets(i)` says whether there was a counter reset between histograms i - 1 and i; each pair is looked at once. */
export function resetsOf(histograms: readonly HistogramValue[]): (i: number) => boolean {
  const known = new Uint8Array(histograms.length);
  return (i) => {
    if (known[i] === 0) known[i] = isCounterReset(histograms[i], histograms[i - 1]) ? 2 : 1;
    return known[i] === 2;
  };
}

export function extrapolated(
  column: HistogramColumn,
  isCounter: boolean,
  isRate: boolean,
  notes: Notes,
): HistogramWindow {
  const { times, histograms, windows, starts } = column;
  const { from, to, firstEndMs, stepMs, rangeMs } = windows;
  const started = isCounter && starts !== undefined ? { times, starts } : undefined;
  const seen = resetsOf(histograms);
  const isReset = started === undefined ? seen : (i: number) => seen(i) || startsAnew(started, i);
  const differences = new ScaledDifferences();
  const turnsBefore = isCounter && started === undefined ? countTurns(column, seen) : undefined;

  /** What a change over samples [begin, last] of window k is multiplied by; `count` is that of its observations. */
  function factorFor(k: number, begin: number, last: number, count: number): number {
    const rangeEnd = firstEndMs + k * stepMs;
    let toStart = (times[begin] - (rangeEnd - rangeMs)) / 1000;
    let toEnd = (rangeEnd - times[last]) / 1000;
    const sampled = (times[last] - times[begin]) / 1000;
    const average = sampled / (last - begin);
    const threshold = average * 1.1;
    if (toStart >= threshold) toStart = average / 2;
    const firstCount = histograms[begin].count;
    if (isCounter && count > 0 && firstCount >= 0) {
      // There cannot have been fewer than no observations.
      const toZero = sampled * (firstCount / count);
      if (toZero < toStart) toStart = toZero;
    }
    if (toEnd >= threshold) toEnd = average / 2;
    const factor = (sampled + toStart + toEnd) / sampled;
    return isRate ? factor / (rangeMs / 1000) : factor;
  }

  return (k) => {
    const begin = from[k];
    const last = to[k] - 1;
    const rangeEnd = firstEndMs + k * stepMs;
    const origin = started && startAfter(started, begin, rangeEnd - rangeMs);
    if (last <= begin && origin === undefined) return undefined;
    if (turnsBefore !== undefined && turnsBefore[last] === turnsBefore[begin] && histograms[begin].hint !== 'gauge') {
      const [first, end] = [histograms[begin], histograms[last]];
      if (first instanceof HistogramRow && end instanceof HistogramRow) {
        const value = differences.of(end, first, factorFor(k, begin, last, end.count - first.count));
        if (value !== undefined) return value;
      }
    }
    const change = changeOver(column, begin, last, isCounter ? isReset : undefined, origin !== undefined, notes);
    if (change === undefined) return undefined;
    if (started !== undefined) {
      const firstValue = histograms[begin].count;
      return scaleHistogram(
        change,
        factorOf(started, windows, k, { change: change.count, firstValue, origin, isRate }),
      );
    }
    return scaleHistogram(change, factorFor(k, begin, last, change.count));
  };
}

/**
 * At i, how often up to sample i something came up that a difference of two samples around it has to look at: a reset, a gauge,
 * another kind of buckets. Between samples with the same number there is nothing.
 */
function countTurns({ histograms, windows }: HistogramColumn, isReset: (i: number) => boolean): Int32Array {
  const turns = new Int32Array(histograms.length);
  const { from, to, stepCount } = windows;
  const first = stepCount > 0 ? from[0] : 0;
  const end = stepCount > 0 ? to[stepCount - 1] : 0;
  for (let i = first + 1; i < end; i++) {
    const { hint, schema } = histograms[i];
    const isTurn = hint === 'gauge' || schema !== histograms[i - 1].schema || isReset(i);
    turns[i] = turns[i - 1] + (isTurn ? 1 : 0);
  }
  return turns;
}

/** The last histogram less the first one, or less nothing with `fromZero`, for counters (with `isReset`) as if there had been no resets. A gauge. */
function changeOver(
  { histograms, name }: HistogramColumn,
  begin: number,
  last: number,
  isReset: ((i: number) => boolean) | undefined,
  fromZero: boolean,
  notes: Notes,
): HistogramValue | undefined {
  let first = histograms[begin];
  const end = histograms[last];
  const areGauges = [first, end].map(({ hint }) => hint === 'gauge');
  if (isReset !== undefined && (areGauges[0] || areGauges[1])) notes.warn(notACounter(name));
  // What was before a reset right after it does not matter, its layout neither.
  if (fromZero) first = emptyLike(histograms[begin]);
  else if (isReset?.(begin + 1) === true) first = emptyLike(histograms[begin + 1]);
  const isCustom = usesCustomBounds(first);
  let isMixed = usesCustomBounds(end) !== isCustom;
  let schema = Math.min(first.schema, end.schema);
  if (isReset !== undefined && !isMixed) {
    for (let i = begin + 1; i < last && !isMixed; i++) {
      if (histograms[i].hint === 'gauge') notes.warn(notACounter(name));
      schema = Math.min(schema, histograms[i].schema);
      isMixed = usesCustomBounds(histograms[i]) !== isCustom;
    }
  }
  const change = isMixed ? undefined : subtractHistograms(toSchema(end, schema), first);
  if (change === undefined) {
    notes.warn(mixedSchemas(name));
    return undefined;
  }
  if (change.isReconciled) notes.info(reconciledBounds('subtraction'));
  let { value } = change;
  if (isReset === undefined) {
    if (!areGauges[0] || !areGauges[1]) notes.warn(notAGauge(name));
    return compactHistogram(value);
  }
  for (let i = fromZero ? begin + 1 : begin + 2; i <= last; i++) {
    if (!isReset(i)) continue;
    const sum = addHistograms(value, histograms[i - 1]);
    if (sum === undefined) continue;
    if (sum.isReconciled) notes.info(reconciledBounds('addition'));
    value = sum.value;
  }
  return compactHistogram(withHint(value, 'gauge'));
}

function emptyLike({ schema, customValues }: HistogramValue): HistogramValue {
  return {
    hint: 'unknown',
    schema,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positive: noBuckets,
    negative: noBuckets,
    customValues,
  };
}

/** The change from one histogram to the next, over its time with `isRate`. `isAnew` says that it was reset between. */
export function instantChange(
  before: HistogramValue,
  after: HistogramValue,
  isRate: boolean,
  isAnew: boolean,
  elapsedMs: number,
  name: string,
  notes: Notes,
): HistogramValue | undefined {
  const areGauges = [before, after].map(({ hint }) => hint === 'gauge');
  if (isRate && (areGauges[0] || areGauges[1])) notes.warn(notACounter(name));
  if (!isRate && (!areGauges[0] || !areGauges[1])) notes.warn(notAGauge(name));
  let change = after;
  if (!isRate || !(isAnew || isCounterReset(after, before))) {
    const difference = subtractHistograms(after, before);
    if (difference === undefined) {
      notes.warn(mixedSchemas(name));
      return undefined;
    }
    if (difference.isReconciled) notes.info(reconciledBounds('subtraction'));
    change = difference.value;
  }
  change = compactHistogram(withHint(change, 'gauge'));
  return isRate ? divideHistogram(change, elapsedMs / 1000) : change;
}

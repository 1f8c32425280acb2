// Native histograms into windows.
//
//   count    histograms in the window
//   sum      their sum
//   counter  what they would add up to had the counter never been reset, from the first of the batch on
//
// There is no least and no greatest histogram. Unlike with floats the counter has no raw values around it: from chunk to
// chunk a reader finds out about resets as it does with raw histograms.

import type { CounterResetHint } from '../../model/histogram.ts';
import { isCounterReset } from '../../model/histogram-reset.ts';
import type { HistogramValue } from '../../model/histogram-value.ts';
import type { SampleBuffer } from '../../storage/sample-columns.ts';
import { unifyHistograms } from './histogram-layout.ts';
import { windowEnd } from './windows.ts';

/** Histograms at their times, ascending. Those of one column share a layout, see histogram-layout.ts. */
export interface HistogramColumn {
  readonly times: readonly number[];
  readonly values: readonly HistogramValue[];
}

/** How many samples each window has. */
export function countSamples({ times }: HistogramColumn, resolutionMs: number, into: SampleBuffer): void {
  eachWindow(times, resolutionMs, (time, first, past) => into.push(time, past - first));
}

/** The sum of each window. */
export function sumHistograms({ times, values }: HistogramColumn, resolutionMs: number): HistogramColumn {
  const summands = unifyHistograms(values);
  const windows: { times: number[]; values: HistogramValue[] } = { times: [], values: [] };
  eachWindow(times, resolutionMs, (time, first, past) => {
    const sum = new RunningTotal(summands[first]);
    for (let i = first + 1; i < past; i++) sum.add(summands[i]);
    windows.times.push(time);
    windows.values.push(sum.value('gauge'));
  });
  return windows;
}

/** The running total at the end of each window. Gauges are never reset: theirs is the last of them, but for rounding. */
export function accumulateHistograms({ times, values }: HistogramColumn, resolutionMs: number): HistogramColumn {
  const unified = unifyHistograms(values);
  const { hint } = values[0];
  const total = new RunningTotal(unified[0]);
  const windows: { times: number[]; values: HistogramValue[] } = { times: [], values: [] };
  eachWindow(times, resolutionMs, (time, first, past) => {
    for (let i = Math.max(1, first); i < past; i++) {
      // Resets are looked for before the layouts were made equal, which may hide them.
      if (hint !== 'gauge' && isCounterReset(values[i], values[i - 1])) total.add(unified[i]);
      else total.addDifference(unified[i], unified[i - 1]);
    }
    windows.times.push(time);
    windows.values.push(total.value(hint));
  });
  return windows;
}

/** A sum of histograms whose buckets are the same. Differences are taken before they are added, as the reference does. */
class RunningTotal {
  readonly #first: HistogramValue;
  readonly #positive: Float64Array;
  readonly #negative: Float64Array;
  #zeroCount: number;
  #count: number;
  #sum: number;

  constructor(first: HistogramValue) {
    this.#first = first;
    this.#positive = first.positive.counts.slice();
    this.#negative = first.negative.counts.slice();
    this.#zeroCount = first.zeroCount;
    this.#count = first.count;
    this.#sum = first.sum;
  }

  add({ zeroCount, count, sum, positive, negative }: HistogramValue): void {
    this.#zeroCount += zeroCount;
    this.#count += count;
    this.#sum += sum;
    addTo(this.#positive, positive.counts);
    addTo(this.#negative, negative.counts);
  }

  addDifference(now: HistogramValue, before: HistogramValue): void {
    this.#zeroCount += now.zeroCount - before.zeroCount;
    this.#count += now.count - before.count;
    this.#sum += now.sum - before.sum;
    addDifferenceTo(this.#positive, now.positive.counts, before.positive.counts);
    addDifferenceTo(this.#negative, now.negative.counts, before.negative.counts);
  }

  /** As it is now, with arrays of its own. */
  value(hint: CounterResetHint): HistogramValue {
    const { schema, zeroThreshold, customValues, positive, negative } = this.#first;
    return {
      hint,
      schema,
      zeroThreshold,
      zeroCount: this.#zeroCount,
      count: this.#count,
      sum: this.#sum,
      positive: { indexes: positive.indexes, counts: this.#positive.slice() },
      negative: { indexes: negative.indexes, counts: this.#negative.slice() },
      customValues,
    };
  }
}

function addTo(total: Float64Array, counts: Float64Array): void {
  for (let i = 0; i < total.length; i++) total[i] += counts[i];
}

function addDifferenceTo(total: Float64Array, now: Float64Array, before: Float64Array): void {
  for (let i = 0; i < total.length; i++) total[i] += now[i] - before[i];
}

function eachWindow(
  times: readonly number[],
  resolutionMs: number,
  visit: (time: number, first: number, past: number) => void,
): void {
  const lastTime = times[times.length - 1];
  for (let i = 0; i < times.length; ) {
    const first = i;
    const end = windowEnd(times[i], resolutionMs);
    while (i < times.length && times[i] <= end) i++;
    visit(Math.min(end, lastTime), first, i);
  }
}

// Floats into windows: the dense loops of downsampling. Every sample of a block goes through `aggregateFloats` once, or
// through what is compiled of it (raw-aggregates.ts).
//
//   count    samples that are numbers
//   sum      their sum
//   min      the least
//   max      the greatest
//   counter  what the samples would add up to had the counter never been reset, from the first sample of the batch on;
//            before it the first raw sample at its own time, behind it the last raw value at the time of the last window.
//            That pair lets a reader continue from chunk to chunk, and lets coarser data be made of this.
//
// A window is written at its last millisecond, or at the last sample of the batch if that is earlier. Samples that are not
// numbers are as if they were not there.

import { SampleBuffer, type SampleColumns } from '../../storage/sample-columns.ts';
import { windowEnd } from './windows.ts';

/** The five columns of one chunk. All but the counter have the same times. */
export interface FloatColumns {
  readonly count: SampleColumns;
  readonly sum: SampleColumns;
  readonly min: SampleColumns;
  readonly max: SampleColumns;
  readonly counter: SampleColumns;
}

/** Columns that are reused from chunk to chunk. */
export class FloatAggregates implements FloatColumns {
  readonly count = new SampleBuffer();
  readonly sum = new SampleBuffer();
  readonly min = new SampleBuffer();
  readonly max = new SampleBuffer();
  readonly counter = new SampleBuffer();

  clear(): void {
    this.count.clear();
    this.sum.clear();
    this.min.clear();
    this.max.clear();
    this.counter.clear();
  }
}

/**
 * Fills `into` from raw samples [from, to), at least one, in order of time and without stale markers; empty when none of
 * them is a number.
 */
export function aggregateFloats(
  samples: SampleColumns,
  from: number,
  to: number,
  resolutionMs: number,
  into: FloatAggregates,
): void {
  const { times, values } = samples;
  const { counter } = into;
  into.clear();
  let i = from;
  while (i < to && Number.isNaN(values[i])) i++;
  if (i === to) return;
  let past = to;
  while (Number.isNaN(values[past - 1])) past--;
  const lastTime = times[past - 1];
  // One window more than samples is never needed, and neither are more than fit the time.
  const most = Math.min(past - i, Math.floor((lastTime - times[i]) / resolutionMs) + 2);
  const columns = [into.count, into.sum, into.min, into.max, counter];
  for (const column of columns) column.reserve(most + 2);
  const windowTimes = into.count.times;
  const [counts, sums, mins, maxs, totals] = columns.map((column) => column.values);
  counter.push(times[i], values[i]);
  // Nothing to compare the first value with: it is taken whole, an infinite one too.
  let total = -0;
  let last = Number.NaN;
  let windows = 0;
  while (i < past) {
    const end = windowEnd(times[i], resolutionMs);
    let count = 0;
    let sum = 0;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (; i < past && times[i] <= end; i++) {
      const value = values[i];
      // In the order of what is most often so: a NaN is neither, and neither is the first value.
      if (value >= last) total += value - last;
      else if (value < last || !Number.isNaN(value)) total += value;
      else continue;
      last = value;
      count++;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    if (count === 0) continue;
    windowTimes[windows] = end < lastTime ? end : lastTime;
    counts[windows] = count;
    sums[windows] = sum;
    mins[windows] = min;
    maxs[windows] = max;
    // Behind the first raw sample.
    totals[++windows] = total;
  }
  for (const column of columns) column.length = windows;
  for (const { times: own } of [into.sum, into.min, into.max]) own.set(windowTimes.subarray(0, windows));
  counter.times.set(windowTimes.subarray(0, windows), 1);
  counter.length = windows + 1;
  counter.push(windowTimes[windows - 1], last);
}

/** How the values of a window become one. */
export type Reduction = 'sum' | 'min' | 'max';

/** Windows over samples that are aggregates already. A window has a value whatever its samples are, NaN too. */
export function reduceFloats(
  samples: SampleColumns,
  reduction: Reduction,
  resolutionMs: number,
  into: SampleBuffer,
): void {
  const { times, values, length } = samples;
  const lastTime = times[length - 1];
  for (let i = 0; i < length; ) {
    const end = windowEnd(times[i], resolutionMs);
    // As the reference does: a sum of nothing but -0 is 0.
    let value = reduction === 'sum' ? 0 + values[i] : values[i];
    for (i++; i < length && times[i] <= end; i++) {
      const next = values[i];
      if (reduction === 'sum') value += next;
      else if (reduction === 'min') value = next < value ? next : value;
      else value = next > value ? next : value;
    }
    into.push(end < lastTime ? end : lastTime, value);
  }
}

/**
 * The counter of coarser windows: `accumulated` are the counters of all chunks read as one, with resets added up, and
 * `lastRaw` is the last raw value behind them.
 */
export function reduceCounter(
  accumulated: SampleColumns,
  lastRaw: number,
  resolutionMs: number,
  into: SampleBuffer,
): void {
  const { times, values, length } = accumulated;
  if (length === 0) return;
  const lastTime = times[length - 1];
  into.push(times[0], values[0]);
  let total = -0;
  let last = Number.NaN;
  for (let i = 0; i < length; ) {
    const end = windowEnd(times[i], resolutionMs);
    for (; i < length && times[i] <= end; i++) {
      // Not the value itself: what rounding does to the total is part of it.
      total += values[i] >= last ? values[i] - last : values[i];
      last = values[i];
    }
    into.push(end < lastTime ? end : lastTime, total);
  }
  into.push(into.times[into.length - 1], lastRaw);
}

// rate, increase and delta: the change over a window, extrapolated to its edges; irate and idelta: the change between
// the last two samples.

import type { SampleColumns } from '../../storage/sample-columns.ts';
import { extrapolatedFromStarts, startedOf, startsAnew } from './start-times.ts';
import type { StepColumn } from './step-column.ts';
import type { RangeFunction, Windows } from './windows.ts';

export const rate: RangeFunction = (samples, windows, out) => extrapolated(samples, windows, out, true, true);
export const increase: RangeFunction = (samples, windows, out) => extrapolated(samples, windows, out, true, false);
export const delta: RangeFunction = (samples, windows, out) => extrapolated(samples, windows, out, false, false);
export const irate: RangeFunction = (samples, windows, out) => instantaneous(samples, windows, out, true);
export const idelta: RangeFunction = (samples, windows, out) => instantaneous(samples, windows, out, false);

/** Indexes of samples below the one before; reused from call to call, which are synchronous. */
let resets = new Int32Array(256);

/** Fills `resets` for samples [from, to) and says how many there are. */
function findResets(values: Float64Array, from: number, to: number): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) {
    if (!(values[i] < values[i - 1])) continue;
    if (count === resets.length) {
      const larger = new Int32Array(count * 2);
      larger.set(resets);
      resets = larger;
    }
    resets[count++] = i;
  }
  return count;
}

function extrapolated(
  samples: SampleColumns,
  windows: Windows,
  out: StepColumn,
  isCounter: boolean,
  isRate: boolean,
): void {
  const { times, values, starts } = samples;
  if (isCounter && starts !== undefined) {
    extrapolatedFromStarts({ times, values, starts }, windows, out, isRate);
    return;
  }
  const { stepCount, from, to, firstEndMs, stepMs, rangeMs } = windows;
  // Windows overlap, so resets are looked for once; each window then adds only its own, in order.
  const resetCount = isCounter && stepCount > 0 ? findResets(values, from[0], to[stepCount - 1]) : 0;
  const { values: outValues, present } = out;
  const rangeSeconds = rangeMs / 1000;
  let firstReset = 0;
  // Where samples and steps are regular, windows are alike: what only depends on where the samples lie is computed anew
  // only when that has changed.
  let lead = NaN;
  let tail = NaN;
  let span = NaN;
  let gaps = 0;
  let sampled = 0;
  let toStart = 0;
  let toEnd = 0;
  let usualFactor = 0;
  for (let k = 0; k < stepCount; k++) {
    const begin = from[k];
    const last = to[k] - 1;
    if (last <= begin) {
      present[k] = 0;
      continue;
    }
    const firstValue = values[begin];
    let result = values[last] - firstValue;
    while (firstReset < resetCount && resets[firstReset] <= begin) firstReset++;
    for (let r = firstReset; r < resetCount && resets[r] <= last; r++) result += values[resets[r] - 1];

    const rangeEnd = firstEndMs + k * stepMs;
    const firstTime = times[begin];
    const lastTime = times[last];
    if (
      firstTime - (rangeEnd - rangeMs) !== lead ||
      rangeEnd - lastTime !== tail ||
      lastTime - firstTime !== span ||
      last - begin !== gaps
    ) {
      lead = firstTime - (rangeEnd - rangeMs);
      tail = rangeEnd - lastTime;
      span = lastTime - firstTime;
      gaps = last - begin;
      toStart = lead / 1000;
      toEnd = tail / 1000;
      sampled = span / 1000;
      const average = sampled / gaps;
      const threshold = average * 1.1;
      if (toStart >= threshold) toStart = average / 2;
      if (toEnd >= threshold) toEnd = average / 2;
      usualFactor = (sampled + toStart + toEnd) / sampled;
      if (isRate) usualFactor /= rangeSeconds;
    }
    let factor = usualFactor;
    // A counter cannot have been below zero: it is not extrapolated to before it was zero. One that began with twice its
    // growth was zero at least two windows ago, which is farther than any extrapolation goes.
    if (isCounter && result > 0 && firstValue >= 0 && firstValue < 2 * result) {
      const toZero = sampled * (firstValue / result);
      if (toZero < toStart) {
        factor = (sampled + toZero + toEnd) / sampled;
        if (isRate) factor /= rangeSeconds;
      }
    }
    outValues[k] = result * factor;
    present[k] = 1;
  }
}

function instantaneous(samples: SampleColumns, windows: Windows, out: StepColumn, isRate: boolean): void {
  const { times, values } = samples;
  const started = startedOf(samples);
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    const last = to[k] - 1;
    const elapsed = last > from[k] ? times[last] - times[last - 1] : 0;
    if (elapsed === 0) {
      out.present[k] = 0;
      continue;
    }
    const reset = isRate && (values[last] < values[last - 1] || (started !== undefined && startsAnew(started, last)));
    const change = reset ? values[last] : values[last] - values[last - 1];
    out.values[k] = isRate ? change / (elapsed / 1000) : change;
    out.present[k] = 1;
  }
}

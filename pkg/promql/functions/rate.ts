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
  const rangeSeconds = rangeMs / 1000;
  let firstReset = 0;
  for (let k = 0; k < stepCount; k++) {
    const begin = from[k];
    const last = to[k] - 1;
    if (last <= begin) {
      out.present[k] = 0;
      continue;
    }
    const firstValue = values[begin];
    let result = values[last] - firstValue;
    while (firstReset < resetCount && resets[firstReset] <= begin) firstReset++;
    for (let r = firstReset; r < resetCount && resets[r] <= last; r++) result += values[resets[r] - 1];

    const rangeEnd = firstEndMs + k * stepMs;
    let toStart = (times[begin] - (rangeEnd - rangeMs)) / 1000;
    let toEnd = (rangeEnd - times[last]) / 1000;
    const sampled = (times[last] - times[begin]) / 1000;
    const average = sampled / (last - begin);
    const threshold = average * 1.1;
    if (toStart >= threshold) toStart = average / 2;
    if (isCounter && result > 0 && firstValue >= 0) {
      // A counter cannot have been below zero: do not extrapolate to before it was zero.
      const toZero = sampled * (firstValue / result);
      if (toZero < toStart) toStart = toZero;
    }
    if (toEnd >= threshold) toEnd = average / 2;
    let factor = (sampled + toStart + toEnd) / sampled;
    if (isRate) factor /= rangeSeconds;
    out.values[k] = result * factor;
    out.present[k] = 1;
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

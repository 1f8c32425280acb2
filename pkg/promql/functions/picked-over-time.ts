// Functions that pick or count samples of each window: min, max, last, first, count, present, and the times of some.

import type { SampleColumns } from '../../storage/sample-columns.ts';
import type { StepColumn } from './step-column.ts';
import type { RangeFunction, Windows } from './windows.ts';

export const minOverTime: RangeFunction = (samples, windows, out) => extreme(samples, windows, out, false);
export const maxOverTime: RangeFunction = (samples, windows, out) => extreme(samples, windows, out, true);

/** Indexes of samples that may still become the extreme, best first; reused from call to call. */
let queue = new Int32Array(256);

/** The extreme of each window in one pass. NaN only counts where there is nothing else; of equals the first wins. */
function extreme(samples: SampleColumns, windows: Windows, out: StepColumn, isMax: boolean): void {
  const { values, length } = samples;
  const { from, to } = windows;
  if (queue.length < length) queue = new Int32Array(length);
  let head = 0;
  let tail = 0;
  let next = 0;
  for (let k = 0; k < windows.stepCount; k++) {
    const begin = from[k];
    const end = to[k];
    if (end <= begin) {
      out.present[k] = 0;
      continue;
    }
    if (begin >= next) {
      head = tail = 0;
      next = begin;
    }
    for (; next < end; next++) {
      const value = values[next];
      if (Number.isNaN(value)) continue;
      if (isMax) while (tail > head && values[queue[tail - 1]] < value) tail--;
      else while (tail > head && values[queue[tail - 1]] > value) tail--;
      queue[tail++] = next;
    }
    while (head < tail && queue[head] < begin) head++;
    out.values[k] = head < tail ? values[queue[head]] : Number.NaN;
    out.present[k] = 1;
  }
}

export const lastOverTime: RangeFunction = ({ values }, windows, out) =>
  eachWindow(windows, out, (_from, to) => values[to - 1]);

export const firstOverTime: RangeFunction = ({ values }, windows, out) =>
  eachWindow(windows, out, (from) => values[from]);

export const countOverTime: RangeFunction = (_samples, windows, out) =>
  eachWindow(windows, out, (from, to) => to - from);

export const presentOverTime: RangeFunction = (_samples, windows, out) => eachWindow(windows, out, () => 1);

export const tsOfLastOverTime: RangeFunction = ({ times }, windows, out) =>
  eachWindow(windows, out, (_from, to) => times[to - 1] / 1000);

export const tsOfFirstOverTime: RangeFunction = ({ times }, windows, out) =>
  eachWindow(windows, out, (from) => times[from] / 1000);

export const tsOfMaxOverTime: RangeFunction = ({ times, values }, windows, out) =>
  eachWindow(windows, out, (from, to) => {
    let best = from;
    for (let i = from + 1; i < to; i++) if (values[i] >= values[best] || Number.isNaN(values[best])) best = i;
    return times[best] / 1000;
  });

export const tsOfMinOverTime: RangeFunction = ({ times, values }, windows, out) =>
  eachWindow(windows, out, (from, to) => {
    let best = from;
    for (let i = from + 1; i < to; i++) if (values[i] <= values[best] || Number.isNaN(values[best])) best = i;
    return times[best] / 1000;
  });

/** One value for each window that has samples. */
export function eachWindow(
  windows: Windows,
  out: StepColumn,
  value: (from: number, to: number, k: number) => number,
): void {
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    out.present[k] = to[k] > from[k] ? 1 : 0;
    if (out.present[k] === 1) out.values[k] = value(from[k], to[k], k);
  }
}

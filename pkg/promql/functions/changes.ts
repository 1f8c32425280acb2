// changes and resets: how often the value differs from, or is below, the one before it in the window.

import { startedOf, startsAnew } from './start-times.ts';
import type { StepColumn } from './step-column.ts';
import type { RangeFunction, Windows } from './windows.ts';

/** marks[i] counts the events at samples up to and including i; reused from call to call. */
let marks = new Int32Array(256);

export const resets: RangeFunction = (samples, windows, out) => {
  const { values, length } = samples;
  const started = startedOf(samples);
  reserve(length);
  for (let i = 1; i < length; i++) {
    const isReset = values[i] < values[i - 1] || (started !== undefined && startsAnew(started, i));
    marks[i] = marks[i - 1] + (isReset ? 1 : 0);
  }
  between(windows, out);
};

export const changes: RangeFunction = ({ values, length }, windows, out) => {
  reserve(length);
  for (let i = 1; i < length; i++) {
    const before = values[i - 1];
    const now = values[i];
    const changed = now !== before && !(Number.isNaN(now) && Number.isNaN(before));
    marks[i] = marks[i - 1] + (changed ? 1 : 0);
  }
  between(windows, out);
};

function reserve(length: number): void {
  if (marks.length < length) marks = new Int32Array(length);
  marks[0] = 0;
}

/** The first sample of a window has nothing before it, so its own event does not count. */
function between(windows: Windows, out: StepColumn): void {
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    out.present[k] = to[k] > from[k] ? 1 : 0;
    if (out.present[k] === 1) out.values[k] = marks[to[k] - 1] - marks[from[k]];
  }
}

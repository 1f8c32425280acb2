// Counter resets told by the start timestamps of samples, where these are known.

import type { SampleColumns } from '../../storage/sample-columns.ts';
import type { StepColumn } from './step-column.ts';
import type { Windows } from './windows.ts';

/** Samples with since when each has counted. */
export interface StartedSamples {
  readonly times: Float64Array;
  /** ms; 0 and missing entries say nothing. */
  readonly starts: readonly number[];
}

/**
 * Whether sample i counts from a later time on than sample i - 1. A start at the very time of the one before is one only
 * when that one knew its own: else it is how an unknown start is written.
 */
export function startsAnew({ times, starts }: StartedSamples, i: number): boolean {
  const start = starts[i] ?? 0;
  if (start === 0 || start >= times[i]) return false;
  const before = times[i - 1];
  if (start !== before) return start > before;
  const startBefore = starts[i - 1] ?? 0;
  return startBefore !== 0 && startBefore < before;
}

/** When sample i began to count, if that was after a time and before the sample. */
export function startAfter({ times, starts }: StartedSamples, i: number, afterMs: number): number | undefined {
  const start = starts[i] ?? 0;
  return start !== 0 && start > afterMs && start < times[i] ? start : undefined;
}

/** Whether a sample in some window claims to count from before the one before it, though it has another start. */
export function hasOverlap({ times, starts }: StartedSamples, { from, to, stepCount }: Windows): boolean {
  for (let k = 0; k < stepCount; k++) {
    for (let i = from[k] + 1; i < to[k]; i++) {
      const start = starts[i] ?? 0;
      if (start !== 0 && start < times[i - 1] && start !== (starts[i - 1] ?? 0)) return true;
    }
  }
  return false;
}

/** Samples with starts, undefined when there are none. */
export function startedOf({ times, starts }: SampleColumns): StartedSamples | undefined {
  return starts === undefined ? undefined : { times, starts };
}

/**
 * rate and increase of floats: a counter that began inside the window was zero then, so that nothing is extrapolated to the
 * left, and one sample is enough.
 */
export function extrapolatedFromStarts(
  samples: StartedSamples & { readonly values: Float64Array },
  windows: Windows,
  out: StepColumn,
  isRate: boolean,
): void {
  const { values } = samples;
  const { from, to, stepCount } = windows;
  for (let k = 0; k < stepCount; k++) {
    const begin = from[k];
    const last = to[k] - 1;
    const startMs = windows.firstEndMs + k * windows.stepMs - windows.rangeMs;
    const origin = last < begin ? undefined : startAfter(samples, begin, startMs);
    out.present[k] = 0;
    if (last <= begin && origin === undefined) continue;
    let change = values[last] - (origin === undefined ? values[begin] : 0);
    for (let i = begin + 1; i <= last; i++) {
      if (values[i] < values[i - 1] || startsAnew(samples, i)) change += values[i - 1];
    }
    out.values[k] = change * factorOf(samples, windows, k, { change, firstValue: values[begin], origin, isRate });
    out.present[k] = 1;
  }
}

/** What a change over the samples of window k is multiplied by to be one over the window. */
export function factorOf(
  { times }: StartedSamples,
  { from, to, firstEndMs, stepMs, rangeMs }: Windows,
  k: number,
  how: {
    readonly change: number;
    readonly firstValue: number;
    readonly origin: number | undefined;
    readonly isRate: boolean;
  },
): number {
  const { change, firstValue, origin, isRate } = how;
  const begin = from[k];
  const last = to[k] - 1;
  const endMs = firstEndMs + k * stepMs;
  const sampled = (times[last] - (origin ?? times[begin])) / 1000;
  const average = last === begin ? 0 : (times[last] - times[begin]) / 1000 / (last - begin);
  const threshold = average * 1.1;
  let toStart = 0;
  if (origin === undefined) {
    toStart = (times[begin] - (endMs - rangeMs)) / 1000;
    if (toStart >= threshold) toStart = average / 2;
    if (change > 0 && firstValue >= 0) toStart = Math.min(toStart, sampled * (firstValue / change));
  }
  let toEnd = (endMs - times[last]) / 1000;
  if (toEnd >= threshold) toEnd = average / 2;
  const factor = (sampled + toStart + toEnd) / sampled;
  return isRate ? factor / (rangeMs / 1000) : factor;
}

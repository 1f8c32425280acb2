// Samples that stand for more time than was asked for: where the wanted resolution is missing. A window that is too small
// to hold enough of them is widened, as far as the function still means the same then.

import { printDuration } from '../../model/duration.ts';
import { scaleHistogram } from '../../model/histogram-math.ts';
import { isTwoSampleFunction, resolutionText } from '../../model/resolution.ts';
import type { CoarseStretch, SampleColumns } from '../../storage/sample-columns.ts';
import { sumOverTime } from '../functions/over-time.ts';
import type { StepColumn } from '../functions/step-column.ts';
import type { RangeArgs, RangeFunction, Windows } from '../functions/windows.ts';
import { locate } from './windows-of.ts';

/** Values that do not depend on how wide a window is. What adds up, as `sum_over_time`, keeps its windows. */
const intensive: ReadonlySet<string> = new Set([
  'rate',
  'irate',
  'deriv',
  'predict_linear',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'last_over_time',
  'first_over_time',
  'present_over_time',
  'quantile_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'mad_over_time',
]);

/** Values that grow with the window and are taken for the share of it that was asked for. */
const proportional: ReadonlySet<string> = new Set(['increase', 'delta']);

/** The function that computes `func` from these samples: numbers of samples are added up to be counted. */
export function runOf(func: string, run: RangeFunction, samples: SampleColumns): RangeFunction {
  return func === 'count_over_time' && samples.isCounted === true ? sumOverTime : run;
}

/** How long the sample of a time stands for, ms. */
export function resolutionAt(stretches: readonly CoarseStretch[], time: number): number {
  for (const { minTime, maxTime, resolutionMs } of stretches)
    if (time >= minTime && time <= maxTime) return resolutionMs;
  return 0;
}

/**
 * Runs a function again over windows that end among coarse samples and are too small for it: two samples wide for functions
 * that need two, else one. `column` has the values of all other windows. Remarks on it once.
 */
export function runWidened(
  func: string,
  run: RangeFunction,
  samples: SampleColumns,
  windows: Windows,
  column: StepColumn,
  args: RangeArgs,
): void {
  const { coarse } = samples;
  if (coarse === undefined || !(intensive.has(func) || proportional.has(func))) return;
  const { firstEndMs, stepMs, stepCount } = windows;
  for (const [i, { minTime, maxTime, resolutionMs }] of coarse.entries()) {
    const rangeMs = (isTwoSampleFunction(func) ? 2 : 1) * resolutionMs;
    if (rangeMs <= windows.rangeMs) continue;
    const end = Math.min(maxTime + resolutionMs, coarse[i + 1]?.minTime ?? Infinity);
    let from = 0;
    while (from < stepCount && firstEndMs + from * stepMs < minTime) from++;
    let to = from;
    while (to < stepCount && firstEndMs + to * stepMs < end) to++;
    if (from === to) continue;
    const stretch: Windows = {
      stepCount: to - from,
      from: new Int32Array(to - from),
      to: new Int32Array(to - from),
      firstEndMs: firstEndMs + from * stepMs,
      stepMs,
      rangeMs,
    };
    locate(samples, stretch);
    const values = column.values.subarray(from, to);
    const out: StepColumn = { values, present: column.present.subarray(from, to), histograms: undefined };
    const scalars = args.scalars.map((scalar) => scalar.subarray(from, to));
    run(samples, stretch, out, { ...args, scalars, evalStartMs: args.evalStartMs + from * args.evalStepMs });
    const share = proportional.has(func) ? windows.rangeMs / rangeMs : 1;
    if (share !== 1) for (let k = 0; k < values.length; k++) values[k] *= share;
    for (let k = from; k < to && (out.histograms ?? column.histograms) !== undefined; k++) {
      column.histograms ??= new Array(stepCount).fill(undefined);
      const histogram = out.histograms?.[k - from];
      column.histograms[k] = histogram && share !== 1 ? scaleHistogram(histogram, share) : histogram;
    }
    const [asked, used] = [printDuration(windows.rangeMs), printDuration(rangeMs)];
    args.notes.info(`windows of ${asked} are ${used} wide where only ${resolutionText(resolutionMs)} data is there`);
  }
}

// What an instant selector finds at each step: the newest sample within the lookback.

import { isStaleAt } from '../../model/staleness.ts';
import type { SampleColumns } from '../../storage/sample-columns.ts';
import { type StepColumn, setHistogram } from '../functions/step-column.ts';
import type { SelectedValue } from '../plan/node.ts';
import { resolutionAt } from './coarse-windows.ts';

export interface Lookback {
  readonly firstMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
  readonly value: SelectedValue;
}

/** Fills an empty column; a sample counts for step time t when t - lookback < time <= t. Gives the number of values. */
export function lookBack(samples: SampleColumns, how: Lookback, out: StepColumn): number {
  const { firstMs, stepMs, lookbackMs } = how;
  const wantsTime = how.value === 'timestamp';
  const wantsStart = how.value === 'start-timestamp';
  const { times, values, words, histograms, coarse, length } = samples;
  const { values: into, present } = out;
  let next = 0;
  let move = 0;
  let count = 0;
  for (let k = 0, time = firstMs; k < into.length; k++, time = firstMs + k * stepMs) {
    // First as far as last time: samples and steps are mostly regular.
    let moved = next + move;
    if (moved > length) moved = length;
    while (moved > next && times[moved - 1] > time) moved--;
    while (moved < length && times[moved] <= time) moved++;
    move = moved - next;
    next = moved;
    const i = next - 1;
    if (i < 0 || times[i] <= time - lookbackMs) {
      // A sample that stands for longer than the lookback is looked at for as long as it stands.
      if (i < 0 || coarse === undefined || times[i] <= time - resolutionAt(coarse, times[i])) continue;
    }
    const value = values[i];
    // Only a NaN can be the stale marker, so the bits are looked at only then.
    if (Number.isNaN(value) && isStaleAt(words, i)) continue;
    into[k] = wantsTime ? times[i] / 1000 : wantsStart ? (samples.starts?.[i] ?? 0) / 1000 : value;
    if (histograms !== undefined && how.value === 'sample') {
      const histogram = histograms[i];
      if (histogram !== undefined) setHistogram(out, k, histogram);
    }
    present[k] = 1;
    count++;
  }
  return count;
}

// `x smoothed`: at every step the value between the samples around it.

import type { SampleColumns } from '../../storage/sample-columns.ts';
import { mixedSamples, mixedSchemas } from '../functions/histogram-notes.ts';
import { floatBetween, histogramBetween, SampleMix } from '../functions/range-edges.ts';
import { type StepColumn, setHistogram } from '../functions/step-column.ts';
import type { Notes } from '../functions/windows.ts';

export interface Smoothing {
  readonly firstMs: number;
  readonly stepMs: number;
  /** How far a sample may be away, on either side. */
  readonly lookbackMs: number;
  /** For notes. */
  readonly name: string;
  readonly notes: Notes;
}

/**
 * Fills an empty column. A step without a sample behind it keeps the one before it; one without a sample before it has no
 * value. There are no stale markers among the samples. Gives the number of values.
 */
export function smooth(samples: SampleColumns, how: Smoothing, out: StepColumn): number {
  const { times, values, histograms, length } = samples;
  const mix = histograms === undefined ? undefined : new SampleMix(samples);
  let next = 0;
  let count = 0;
  for (let k = 0, time = how.firstMs; k < out.present.length; k++, time = how.firstMs + k * how.stepMs) {
    while (next < length && times[next] <= time) next++;
    const i = next - 1;
    if (i < 0 || times[i] <= time - how.lookbackMs) continue;
    const isBetween = times[i] < time && next < length && times[next] <= time + how.lookbackMs;
    const before = histograms?.[i];
    if (mix?.kindIn(time - how.lookbackMs, time + how.lookbackMs) === 'mixed') {
      how.notes.warn(mixedSamples(how.name));
      continue;
    }
    if (before === undefined) {
      out.values[k] = isBetween ? floatBetween(samples, i, time, false) : values[i];
    } else {
      const histogram = isBetween ? histogramBetween(samples, i, time, before.hint !== 'gauge', how.notes) : before;
      if (histogram === undefined) {
        how.notes.warn(mixedSchemas(how.name));
        continue;
      }
      setHistogram(out, k, histogram);
    }
    out.present[k] = 1;
    count++;
  }
  return count;
}

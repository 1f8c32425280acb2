// The windows of a series: which of its samples count, and which of them each step looks at.

import { isStaleAt } from '../../model/staleness.ts';
import type { SampleBuffer, SampleColumns } from '../../storage/sample-columns.ts';
import type { Windows } from '../functions/windows.ts';

/**
 * Finds every window by two indexes that only move forward, each first as far as it moved last: samples and steps are
 * mostly regular, so that is mostly right. Gives the sum of the windows' sizes.
 */
export function locate(samples: SampleColumns, windows: Windows): number {
  const { times, length } = samples;
  const { from, to, stepCount, firstEndMs, stepMs, rangeMs } = windows;
  let low = 0;
  let high = 0;
  let lowMove = 0;
  let highMove = 0;
  let total = 0;
  for (let k = 0; k < stepCount; k++) {
    const end = firstEndMs + k * stepMs;
    const start = end - rangeMs;
    let next = high + highMove;
    if (next > length) next = length;
    while (next > high && times[next - 1] > end) next--;
    while (next < length && times[next] <= end) next++;
    highMove = next - high;
    high = next;
    next = low + lowMove;
    if (next > high) next = high;
    while (next > low && times[next - 1] > start) next--;
    while (next < high && times[next] <= start) next++;
    lowMove = next - low;
    low = next;
    from[k] = low;
    to[k] = high;
    total += high - low;
  }
  return total;
}

/** Takes stale markers out, in place. Copies by bits. */
export function dropStale(samples: SampleBuffer): void {
  const { times, values, words, histograms, starts, length } = samples;
  // Mostly there is none: that is seen quickest by a loop that does nothing else.
  let first = 0;
  while (first < length && !Number.isNaN(values[first])) first++;
  let kept = first;
  for (let i = first; i < length; i++) {
    const value = values[i];
    if (Number.isNaN(value) && isStaleAt(words, i)) continue;
    if (kept !== i) {
      times[kept] = times[i];
      words[2 * kept] = words[2 * i];
      words[2 * kept + 1] = words[2 * i + 1];
      if (histograms !== undefined) histograms[kept] = histograms[i];
      if (starts !== undefined) starts[kept] = starts[i];
    }
    kept++;
  }
  samples.truncate(kept);
}

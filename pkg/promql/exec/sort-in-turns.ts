// Sorting so many series that others need their turn in between: runs are sorted at once and then merged.

import type { Turns } from './turns.ts';

/** Sorted at once: some milliseconds for the dearest of orders. */
const RUN_LENGTH = 512;
/** Comparisons of each item while its run is sorted, about. */
const COMPARISONS_IN_RUN = 9;

/** Sorted, equal items as they were; in place or a new array. `work` is what one comparison is for `turns`. */
export async function sortInTurns<T>(
  items: T[],
  compare: (a: T, b: T) => number,
  turns: Turns,
  work: number,
): Promise<T[]> {
  if (items.length <= RUN_LENGTH) return items.sort(compare);
  let runs: T[][] = [];
  for (let start = 0; start < items.length; start += RUN_LENGTH) {
    runs.push(items.slice(start, start + RUN_LENGTH).sort(compare));
    const pause = turns.after(RUN_LENGTH * COMPARISONS_IN_RUN * work);
    if (pause !== undefined) await pause;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i + 1 < runs.length; i += 2) merged.push(await merge(runs[i], runs[i + 1], compare, turns, work));
    if (runs.length % 2 === 1) merged.push(runs[runs.length - 1]);
    runs = merged;
  }
  return runs[0];
}

async function merge<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
  turns: Turns,
  work: number,
): Promise<T[]> {
  // Series often come in order already.
  if (compare(left[left.length - 1], right[0]) <= 0) return [...left, ...right];
  const out: T[] = [];
  let i = 0;
  for (const item of right) {
    while (i < left.length && compare(left[i], item) <= 0) {
      out.push(left[i++]);
      const pause = turns.after(work);
      if (pause !== undefined) await pause;
    }
    out.push(item);
    const pause = turns.after(work);
    if (pause !== undefined) await pause;
  }
  while (i < left.length) out.push(left[i++]);
  return out;
}

// Replicas of one series into one, by a named algorithm. Replicas are not told apart by their labels, which are gone by
// then, but by overlap: the chunks of all of them are laid into columns whose chunks follow one another.

import { mergeByChain } from './chain.ts';
import { foldCountersByPenalty, mergeByPenalty, mergeCountersByPenalty } from './penalty.ts';
import { SampleBuffer, type SampleColumns } from './sample-columns.ts';

export type DedupFunc = 'penalty' | 'chain';

const counterFunctions: ReadonlySet<string> = new Set(['increase', 'rate', 'irate', 'resets']);

/** Whether a function reads a counter, so that replicas are merged as counters. */
export function isCounterFunction(func: string): boolean {
  return counterFunctions.has(func);
}

/**
 * Lays chunks, given in order of their min times, into columns: each goes to the first column whose last chunk ends
 * before it begins, else opens a new one. Writes the column of chunk i to `columnOf[i]` and returns their number.
 */
export function splitOverlaps(
  minTimes: Float64Array,
  maxTimes: Float64Array,
  length: number,
  columnOf: Uint32Array,
): number {
  const ends: number[] = [];
  for (let i = 0; i < length; i++) {
    let column = 0;
    while (column < ends.length && ends[column] >= minTimes[i]) column++;
    ends[column] = maxTimes[i];
    columnOf[i] = column;
  }
  return ends.length;
}

/**
 * Merges the columns of one series. Keeps what it needs between calls, so one merger serves one reader, and never two
 * that interleave.
 */
export class ColumnMerger {
  readonly #scratch = [new SampleBuffer(), new SampleBuffer()];

  /**
   * Appends the merger of the columns, in their order, to `into`, which must be none of them. With `isCounter` the
   * columns hold accumulated values (no NaN, never falling) and are lifted where they would fall at a seam.
   */
  merge(func: DedupFunc, columns: readonly SampleColumns[], isCounter: boolean, into: SampleBuffer): void {
    if (columns.length === 0) return;
    if (columns.length === 1) {
      into.pushColumns(columns[0]);
      return;
    }
    if (func === 'penalty' && isCounter) {
      if (columns.length === 2) mergeCountersByPenalty(columns[0], columns[1], into);
      else foldCountersByPenalty(columns, into);
      return;
    }
    const mergeTwo = func === 'penalty' ? mergeByPenalty : mergeByChain;
    let left = columns[0];
    for (let i = 1; i < columns.length - 1; i++) {
      const next = this.#scratch[i % 2];
      next.clear();
      mergeTwo(left, columns[i], next);
      left = next;
    }
    mergeTwo(left, columns[columns.length - 1], into);
  }
}

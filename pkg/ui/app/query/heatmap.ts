// A heatmap from histograms: rows are buckets, columns are moments, cells are how many observations fell there. Native
// histograms bring their buckets along; classic ones are series with a label `le` that count everything below it.

import { parseValue, type QueryResult } from './decode.ts';
import type { Window } from './graph-data.ts';

export interface Heatmap {
  /** Ascending: row `r` reaches from `bounds[r]` to `bounds[r + 1]`. */
  readonly bounds: readonly number[];
  readonly columnCount: number;
  /** Row after row; NaN where there is no histogram. */
  readonly cells: Float64Array;
  /** The largest cell; 0 when all are empty. */
  readonly max: number;
  /** How many histograms were added up to this one. */
  readonly histogramCount: number;
}

/** True when every series is a native histogram or a bucket of a classic one. */
export function canBeHeatmap(result: QueryResult): boolean {
  if (result.kind !== 'matrix' || result.labels.length === 0) return false;
  return result.labels.every((labels, i) => isHistogram(result, i) || labels['le'] !== undefined);
}

/** True when no series has a plain number to draw a line of. */
export function hasOnlyHistograms(result: QueryResult): boolean {
  return result.histograms !== undefined && result.values.length === 0;
}

function isHistogram(result: QueryResult, series: number): boolean {
  return (result.histograms?.[series]?.length ?? 0) > 0;
}

/** All histograms of the answer, added up. */
export function heatmapOf(result: QueryResult, window: Window): Heatmap {
  const columnCount = Math.max(Math.floor((window.endMs - window.startMs) / window.stepMs) + 1, 0);
  const columnAt = (timeMs: number): number => Math.round((timeMs - window.startMs) / window.stepMs);
  const groups = classicGroups(result);
  const bounds = boundsOf(result, groups);
  const rowCount = Math.max(bounds.length - 1, 0);
  const cells = new Float64Array(rowCount * columnCount).fill(NaN);
  const add = (row: number, column: number, count: number): void => {
    if (column < 0 || column >= columnCount || !(count >= 0)) return;
    const at = row * columnCount + column;
    cells[at] = (Number.isNaN(cells[at]) ? 0 : cells[at]) + count;
  };
  const rowOf = new Map(bounds.map((bound, row) => [bound, row]));
  let histogramCount = groups.length;
  for (const list of result.histograms ?? []) {
    if (list.length > 0) histogramCount++;
    for (const { timeMs, buckets } of list) {
      const column = columnAt(timeMs);
      for (let row = 0; row < rowCount; row++) add(row, column, 0);
      for (let i = 0; i < buckets.length; i += 3) {
        const first = rowOf.get(buckets[i]) ?? 0;
        const end = Math.max(rowOf.get(buckets[i + 1]) ?? rowCount, first + 1);
        // A wide bucket of a coarser histogram is spread over the rows it covers.
        for (let row = first; row < end && row < rowCount; row++) add(row, column, buckets[i + 2] / (end - first));
      }
    }
  }
  for (const group of groups) addClassic(result, group, { columnCount, columnAt, rowOf, add });
  let max = 0;
  for (const cell of cells) if (cell > max && cell < Infinity) max = cell;
  return { bounds, columnCount, cells, max, histogramCount };
}

/** One classic histogram: its series by upper bound, ascending. */
type ClassicGroup = readonly { readonly series: number; readonly le: number }[];

function classicGroups(result: QueryResult): readonly ClassicGroup[] {
  const groups = new Map<string, { series: number; le: number }[]>();
  for (const [series, labels] of result.labels.entries()) {
    const { le, ...others } = labels;
    const bound = parseValue(le);
    if (le === undefined || Number.isNaN(bound) || isHistogram(result, series)) continue;
    const key = JSON.stringify(Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1)));
    const group = groups.get(key) ?? [];
    group.push({ series, le: bound });
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => group.sort((a, b) => a.le - b.le));
}

interface Grid {
  readonly columnCount: number;
  readonly columnAt: (timeMs: number) => number;
  readonly rowOf: ReadonlyMap<number, number>;
  readonly add: (row: number, column: number, count: number) => void;
}

/** What each bucket holds beyond the one below it, put on the rows in between. */
function addClassic(result: QueryResult, group: ClassicGroup, { columnCount, columnAt, rowOf, add }: Grid): void {
  const below = new Float64Array(columnCount);
  let firstRow = 0;
  for (const { series, le } of group) {
    const endRow = rowOf.get(le) ?? firstRow + 1;
    for (let i = result.offsets[series]; i < result.offsets[series + 1]; i++) {
      const column = columnAt(result.times[i]);
      if (column < 0 || column >= columnCount) continue;
      const count = Math.max(result.values[i] - below[column], 0);
      below[column] = Math.max(below[column], result.values[i]);
      const rows = Math.max(endRow - firstRow, 1);
      for (let row = firstRow; row < firstRow + rows; row++) add(row, column, count / rows);
    }
    firstRow = endRow;
  }
}

/** Every bound there is, ascending. Below the lowest bound of classic histograms nothing is known: it begins at 0, or -Inf. */
function boundsOf(result: QueryResult, groups: readonly ClassicGroup[]): readonly number[] {
  const bounds = new Set<number>();
  for (const list of result.histograms ?? []) {
    for (const { buckets } of list) {
      for (let i = 0; i < buckets.length; i += 3) bounds.add(buckets[i]).add(buckets[i + 1]);
    }
  }
  for (const group of groups) {
    for (const { le } of group) bounds.add(le);
    if (group.length > 0) bounds.add(group[0].le > 0 ? 0 : -Infinity);
  }
  return [...bounds].sort((a, b) => (a < b ? -1 : 1));
}

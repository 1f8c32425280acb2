// From an answer to what a chart draws: every series on the same moments, figures of each, the order of the legend, and
// stacking.

import type { QueryResult } from './decode.ts';
import type { SortKey } from './panel.ts';
import { seriesFilter, seriesText } from './series-text.ts';

export interface Window {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** What a legend says of a series. NaN where it has no number. */
export interface SeriesFigures {
  readonly text: string;
  readonly last: number;
  readonly max: number;
  readonly min: number;
  readonly mean: number;
}

/** A value where there is one, null in holes: what uPlot takes. */
export type Column = (number | null)[];

/** More lines than this say nothing and take long to draw; the legend still has them all. */
export const MOST_LINES = 500;

/** Every moment of the window, seconds. */
export function momentsOf({ startMs, endMs, stepMs }: Window): number[] {
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => (startMs + i * stepMs) / 1000);
}

/** One series on the moments of the window. Values that are no finite numbers are holes. */
export function columnOf(result: QueryResult, series: number, window: Window): Column {
  const count = Math.max(Math.floor((window.endMs - window.startMs) / window.stepMs) + 1, 0);
  const column: Column = new Array(count).fill(null);
  for (let i = result.offsets[series]; i < result.offsets[series + 1]; i++) {
    const at = Math.round((result.times[i] - window.startMs) / window.stepMs);
    const value = result.values[i];
    if (at >= 0 && at < count && Number.isFinite(value)) column[at] = value;
  }
  return column;
}

/** The figures of every series, in the answer's order. */
export function figuresOf(result: QueryResult): readonly SeriesFigures[] {
  return result.labels.map((labels, series) => {
    let [sum, count, max, min, last] = [0, 0, NaN, NaN, NaN];
    for (let i = result.offsets[series]; i < result.offsets[series + 1]; i++) {
      const value = result.values[i];
      last = value;
      if (!Number.isFinite(value)) continue;
      sum += value;
      count++;
      if (!(value <= max)) max = value;
      if (!(value >= min)) min = value;
    }
    return { text: seriesText(labels), last, max, min, mean: sum / count };
  });
}

/**
 * Indexes of the series a legend lists, in its order: names ascending, numbers descending with NaN last, ties by the
 * answer's order.
 */
export function legendOrder(figures: readonly SeriesFigures[], filter: string, sort: SortKey): readonly number[] {
  const keeps = seriesFilter(filter);
  const kept: number[] = [];
  for (const [i, { text }] of figures.entries()) if (keeps(text)) kept.push(i);
  if (sort === 'name') {
    const keys = new Map(kept.map((i) => [i, naturalKey(figures[i].text)]));
    return kept.sort((a, b) => compareNatural(keys.get(a)!, keys.get(b)!) || a - b);
  }
  const rank = (i: number): number => (Number.isNaN(figures[i][sort]) ? -Infinity : figures[i][sort]);
  return kept.sort((a, b) => (rank(a) === rank(b) ? a - b : rank(b) - rank(a)));
}

type NaturalKey = readonly (string | number)[];

/** Words and numbers in turn, so that "0.005" comes before "0.01" and "node-2" before "node-10". */
function naturalKey(text: string): NaturalKey {
  return text.split(/(\d+(?:\.\d+)?)/).map((part, i) => (i % 2 === 1 ? Number(part) : part));
}

function compareNatural(a: NaturalKey, b: NaturalKey): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return a.length - b.length;
}

/** The series to draw: those picked, or the first of the legend. */
export function drawnSeries(
  order: readonly number[],
  figures: readonly SeriesFigures[],
  picked: readonly string[],
): readonly number[] {
  const wanted = new Set(picked);
  const shown = wanted.size === 0 ? order : order.filter((i) => wanted.has(figures[i].text));
  return shown.slice(0, MOST_LINES);
}

/** Each column on top of those before it; holes count as nothing, but stay holes where no column has a value. */
export function stacked(columns: readonly Column[]): Column[] {
  const length = columns[0]?.length ?? 0;
  const sums: Column = new Array(length).fill(null);
  return columns.map((column) => {
    for (let i = 0; i < length; i++) {
      const value = column[i];
      if (value !== null) sums[i] = (sums[i] ?? 0) + value;
    }
    return sums.slice();
  });
}

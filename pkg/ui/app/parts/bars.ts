// Which bars of a timeline are drawn: only those in sight, and where thousands fall on a few pixels, one for all of them.

import type { Interval } from './intervals.ts';

export interface Bar extends Interval {
  /** Names it among the bars of its row. */
  readonly key: string;
  /** 0 is the topmost. */
  readonly lane: number;
  /** Its look: words for the class attribute. */
  readonly look: string;
  /** What it is, in words; lines are separated by newlines. */
  readonly text: string;
}

export interface DrawnBar {
  /** The bar itself, or the first of several. */
  readonly bar: Bar;
  /** How many it stands for. */
  readonly count: number;
  /** Shares of the width, 0 to 1. */
  readonly left: number;
  readonly width: number;
}

/** Narrower than this, two bars of one look that follow each other are drawn as one, px. */
const NARROW_PX = 3;

/** The bars of a range, each lane's in order of time. `bars` may be in any order. */
export function drawnBars(bars: readonly Bar[], range: Interval, widthPx: number): readonly DrawnBar[] {
  const span = range.to - range.from;
  if (!(span > 0) || !(widthPx > 0)) return [];
  const narrow = NARROW_PX / widthPx;
  const sorted = bars
    .filter(({ from, to }) => to > range.from && from < range.to)
    .sort((a, b) => a.lane - b.lane || a.from - b.from);
  const drawn: { bar: Bar; count: number; left: number; width: number }[] = [];
  for (const bar of sorted) {
    const left = Math.max(0, (bar.from - range.from) / span);
    const right = Math.min(1, (bar.to - range.from) / span);
    const last = drawn.at(-1);
    const isTiny = right - left < narrow;
    const joins =
      last !== undefined &&
      last.bar.lane === bar.lane &&
      last.bar.look === bar.look &&
      isTiny &&
      (last.count > 1 || last.width < narrow) &&
      left - (last.left + last.width) < narrow;
    if (joins) {
      last.count++;
      last.width = Math.max(last.width, right - last.left);
    } else drawn.push({ bar, count: 1, left, width: right - left });
  }
  return drawn;
}

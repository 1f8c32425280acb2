// Stretches of time: what is covered, and what is not.

/** From inclusive, to exclusive, ms. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** What any of them covers, in order, with nothing between two that touch. Empty ones count for nothing. */
export function union(intervals: Iterable<Interval>): readonly Interval[] {
  const sorted = [...intervals].filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from);
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** What of `within` the others leave uncovered, in order. Gaps up to `toleranceMs` are none. */
export function gaps(within: Interval, covered: Iterable<Interval>, toleranceMs = 0): readonly Interval[] {
  const holes: Interval[] = [];
  let at = within.from;
  for (const { from, to } of union(covered)) {
    if (from >= within.to) break;
    if (from - at > toleranceMs) holes.push({ from: at, to: from });
    at = Math.max(at, to);
  }
  if (within.to - at > toleranceMs) holes.push({ from: at, to: within.to });
  return holes;
}

/** The part of each that lies within. */
export function clipped(intervals: readonly Interval[], within: Interval): readonly Interval[] {
  return intervals
    .map(({ from, to }) => ({ from: Math.max(from, within.from), to: Math.min(to, within.to) }))
    .filter(({ from, to }) => to > from);
}

/**
 * A lane for each, so that none covers another in its lane: the lowest that is free. The items must be sorted by their
 * start. Gives how many lanes there are.
 */
export function assignLanes(sorted: readonly Interval[]): { readonly lanes: Int32Array; readonly laneCount: number } {
  const lanes = new Int32Array(sorted.length);
  const ends: number[] = [];
  for (const [i, { from, to }] of sorted.entries()) {
    let lane = ends.findIndex((end) => end <= from);
    if (lane < 0) lane = ends.length;
    ends[lane] = to;
    lanes[i] = lane;
  }
  return { lanes, laneCount: ends.length };
}

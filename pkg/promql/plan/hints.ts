// What a selector tells the storage: the time it needs, given everything that stands around it, and what is done with it.

import type { SelectHints } from '../../storage/hints.ts';
import type { VectorSelector } from '../parser/ast.ts';

/**
 * The times that `start()`, `end()`, hints and subqueries need. `endMs` is what was asked for, which may lie after the last
 * step. `stepMs` is 0 for an instant query.
 */
export interface PlanTimes {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
  /** The step of subqueries that give none. */
  readonly defaultSubqueryStepMs: number;
}

/** What stands around a node, from the root down. */
export interface Surroundings {
  /** The nearest function or aggregation around the node; '' below a binary operation. */
  readonly func: string;
  /** The aggregation that is the node's direct parent. */
  readonly grouping: readonly string[];
  readonly by: boolean;
  /** Sums over the subqueries around the node. One with `@` makes those outside of it irrelevant. */
  readonly subqueryRangeMs: number;
  readonly subqueryOffsetMs: number;
  readonly subqueryAtMs: number | undefined;
  /**
   * What functions around want of histograms: `numbers` where one of counts and sums stands around, `buckets` as soon as one
   * that needs them does. Unknown again below a binary operation or a subquery.
   */
  readonly wanted: 'unknown' | 'numbers' | 'buckets';
}

export const atRoot: Surroundings = {
  func: '',
  grouping: [],
  by: false,
  subqueryRangeMs: 0,
  subqueryOffsetMs: 0,
  subqueryAtMs: undefined,
  wanted: 'unknown',
};

/**
 * The first and last millisecond a selector can look at, both inclusive. Windows are open on the left, so that the first
 * one is 1 ms after the start of the lookback or range. `rangeMs` is 0 for an instant selector.
 */
export function hintsOf(
  selector: VectorSelector,
  atMs: number | undefined,
  rangeMs: number,
  around: Surroundings,
  times: PlanTimes,
): SelectHints {
  let minTime = around.subqueryAtMs ?? times.startMs;
  let maxTime = around.subqueryAtMs ?? times.endMs;
  if (atMs === undefined) {
    minTime -= around.subqueryOffsetMs + around.subqueryRangeMs;
    maxTime -= around.subqueryOffsetMs;
  } else {
    minTime = atMs;
    maxTime = atMs;
  }
  minTime -= (rangeMs === 0 ? times.lookbackMs : rangeMs) - 1 + selector.offsetMs;
  maxTime -= selector.offsetMs;
  return {
    minTime,
    maxTime,
    stepMs: times.stepMs,
    func: around.func,
    rangeMs,
    grouping: rangeMs === 0 ? around.grouping : [],
    by: rangeMs === 0 && around.by,
  };
}

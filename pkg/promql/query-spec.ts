// What a query is: the expression and the times it is asked for.

import type { QueryProgress } from './query-stats.ts';

/** Options that both kinds of query take. */
export interface QueryOptions {
  /** How far back an instant selector looks; the engine's own when absent. */
  readonly lookbackMs?: number;
  /** The longest the query may take; the engine's own when absent, and never more than that. */
  readonly timeoutMs?: number;
  /** How long the query has waited for its turn, for its stats. */
  readonly queuedMs?: number;
  /** Labels that selectors may speak of and that series do not have, such as those of replicas. */
  readonly hiddenLabels?: readonly string[];
  /** Measure every operator, for `QueryResult.analysis`. */
  readonly analyzes?: boolean;
  /** Told before anything is read, for those who watch the query. */
  readonly onStart?: (progress: QueryProgress) => void;
}

export interface InstantSpec extends QueryOptions {
  readonly expression: string;
  readonly timeMs: number;
}

/** Evaluated at `startMs`, `startMs + stepMs`, ... up to and including `endMs`. `stepMs` is above 0, end not before start. */
export interface RangeSpec extends QueryOptions {
  readonly expression: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** The times of an evaluation: `count` of them, `stepMs` apart. An instant query has one. */
export interface Steps {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
  /** What was asked for, where that lies after the last step. */
  readonly endMs?: number;
}

// Options of the querier's HTTP API and engine, with the reference's defaults.

import type { DedupFunc } from '../storage/dedup.ts';

export interface QuerierConfig {
  /** The longest one query may take, waiting for its turn included. */
  readonly timeoutMs: number;
  /** Queries evaluated at once; more wait. */
  readonly maxConcurrent: number;
  /** How far back an instant selector looks. */
  readonly lookbackMs: number;
  /** Widens the lookback when coarse data is allowed. */
  readonly dynamicLookback: boolean;
  /** Coarsest data an instant query may use by default, ms. */
  readonly instantMaxResolutionMs: number;
  /** Lets range queries use data as coarse as a fifth of their step by default. */
  readonly autoDownsampling: boolean;
  readonly partialResponse: boolean;
  readonly replicaLabels: readonly string[];
  readonly dedupFunc: DedupFunc;
  /** The least step of a range query that names none. */
  readonly defaultStepMs: number;
  /** The step of a subquery that names none. */
  readonly defaultEvaluationIntervalMs: number;
  /** Window of label and series calls without start and end; 0 means everything. */
  readonly metadataRangeMs: number;
  readonly experimentalFunctions: boolean;
}

export const querierDefaults: QuerierConfig = {
  timeoutMs: 120_000,
  maxConcurrent: 20,
  lookbackMs: 300_000,
  dynamicLookback: true,
  instantMaxResolutionMs: 0,
  autoDownsampling: false,
  partialResponse: true,
  replicaLabels: [],
  dedupFunc: 'penalty',
  defaultStepMs: 1_000,
  defaultEvaluationIntervalMs: 60_000,
  metadataRangeMs: 0,
  experimentalFunctions: false,
};

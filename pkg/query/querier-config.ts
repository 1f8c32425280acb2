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
  /** Where the wanted resolution and finer ones are missing, coarser data is used. */
  readonly resolutionFallback: boolean;
  readonly partialResponse: boolean;
  readonly replicaLabels: readonly string[];
  readonly dedupFunc: DedupFunc;
  /** The least step of a range query that names none. */
  readonly defaultStepMs: number;
  /** The step of a subquery that names none. */
  readonly defaultEvaluationIntervalMs: number;
  /** Window of label and series calls without start and end; 0 means everything. */
  readonly metadataRangeMs: number;
  readonly language: QueryLanguage;
  /** The engine of a request that names none. There is one; the name decides whether it explains and measures itself. */
  readonly engineName: EngineName;
  /** Labels that this querier answers for and that no series has, as in `--selector-label`. */
  readonly hiddenLabels: readonly string[];
  /** Samples one query may hold in memory; 0 sets no limit. */
  readonly maxSamples: number;
  /** Bytes one query may hold, and all together; 0 sets no limit. */
  readonly maxBytes: number;
  readonly maxTotalBytes: number;
}

export type EngineName = 'prometheus' | 'thanos';

/** What of the query language is on besides the part that needs no switch. */
export interface QueryLanguage {
  readonly experimentalFunctions: boolean;
  /** `anchored` and `smoothed`. */
  readonly extendedRangeSelectors: boolean;
  /** `fill`, `fill_left` and `fill_right`. */
  readonly fillModifiers: boolean;
  /** Metric names stay until the answer is made. */
  readonly delayedNameRemoval: boolean;
}

export const plainLanguage: QueryLanguage = {
  experimentalFunctions: false,
  extendedRangeSelectors: false,
  fillModifiers: false,
  delayedNameRemoval: false,
};

export const querierDefaults: QuerierConfig = {
  timeoutMs: 120_000,
  maxConcurrent: 20,
  lookbackMs: 300_000,
  dynamicLookback: true,
  instantMaxResolutionMs: 0,
  autoDownsampling: false,
  resolutionFallback: false,
  partialResponse: true,
  replicaLabels: [],
  dedupFunc: 'penalty',
  defaultStepMs: 1_000,
  defaultEvaluationIntervalMs: 60_000,
  metadataRangeMs: 0,
  language: plainLanguage,
  engineName: 'prometheus',
  hiddenLabels: [],
  maxSamples: 0,
  maxBytes: 0,
  maxTotalBytes: 0,
};

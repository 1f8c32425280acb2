// Options of the querier's rooms that stand between endpoints and the engine, with the reference's defaults.

import type { Matcher } from '../model/matcher.ts';
import type { DedupFunc } from '../storage/dedup.ts';
import type { ShardInfo } from '../store/store.ts';

/** Labels of `thanos_store_nodes_grpc_connections` (`--query.conn-metric.label`). */
export type ConnectionMetricLabel = 'external_labels' | 'store_type' | 'ip_port';

export interface EndpointSetConfig {
  /** Timeout of an Info call and pause between two rounds of them. */
  readonly infoTimeoutMs: number;
  /** How long after its last good Info an endpoint that fails is kept, and expected. */
  readonly unhealthyTimeoutMs: number;
  /** How long a connection outlives the endpoint's removal, for queries that still use it. */
  readonly closeDelayMs: number;
  /** How long the first round may keep the querier from being ready. */
  readonly firstRoundTimeoutMs: number;
  /** Whether queries are warned of an endpoint that is expected but does not answer. */
  readonly warnOfMissing: boolean;
  readonly connectionMetricLabels: readonly ConnectionMetricLabel[];
}

export const endpointSetDefaults: EndpointSetConfig = {
  infoTimeoutMs: 5_000,
  unhealthyTimeoutMs: 300_000,
  closeDelayMs: 300_000,
  firstRoundTimeoutMs: 30_000,
  warnOfMissing: true,
  connectionMetricLabels: ['external_labels', 'store_type'],
};

/** What one HTTP request says about how its selects fan out. */
export interface SelectOptions {
  readonly dedup: boolean;
  /** Labels that tell replicas apart; dropped from series when `dedup` holds. */
  readonly replicaLabels: readonly string[];
  /** Whether a failing endpoint is a warning (true) or fails the query. */
  readonly partialResponse: boolean;
  /** Coarsest downsampling allowed, ms; 0 is raw only. */
  readonly maxResolutionMs: number;
  /** Where nothing as fine as that is left, coarser data is used; answers say where. */
  readonly fillsWithCoarser?: boolean;
  /** `storeMatch[]`: matcher sets on `__address__`, ORed; empty asks all. */
  readonly storeMatch: readonly (readonly Matcher[])[];
  readonly dedupFunc: DedupFunc;
  readonly shard?: ShardInfo;
}

export const selectDefaults: SelectOptions = {
  dedup: true,
  replicaLabels: [],
  partialResponse: true,
  maxResolutionMs: 0,
  storeMatch: [],
  dedupFunc: 'penalty',
};

// StoreAPI requests in our words and on the wire.

import type { Init } from '../proto/codec.ts';
import { packBlockMatchers, unpackBlockMatchers } from '../proto/hints.ts';
import { int64Field, numberOf } from '../proto/int64.ts';
import { matcherMessages, matchersOf } from '../proto/labels.ts';
import type * as wire from '../proto/store-service.ts';
import { PartialResponse } from '../proto/store-service.ts';
import {
  Aggregate,
  type LabelNamesRequest,
  type LabelValuesRequest,
  type QueryHints,
  type SeriesRequest,
  type ShardInfo,
} from './store.ts';

const aggregates: ReadonlySet<number> = new Set(Object.values(Aggregate));

/** Throws `invalid` for matchers or hints that cannot be. */
export function seriesRequestOf(message: wire.SeriesRequest): SeriesRequest {
  return {
    minTime: numberOf(message.min_time),
    maxTime: numberOf(message.max_time),
    matchers: matchersOf(message.matchers),
    maxResolutionMs: numberOf(message.max_resolution_window),
    aggregates: message.aggregates.filter((number): number is Aggregate => aggregates.has(number)),
    skipChunks: message.skip_chunks,
    partialResponse: partialResponseOf(message),
    withoutReplicaLabels: message.without_replica_labels,
    limit: Math.max(0, numberOf(message.limit)),
    responseBatchSize: Math.max(0, numberOf(message.response_batch_size)),
    ...(message.fills_with_coarser ? { fillsWithCoarser: true } : {}),
    ...(message.shard_info === null ? {} : { shard: shardOf(message.shard_info) }),
    ...(message.query_hints === null ? {} : { queryHints: queryHintsOf(message.query_hints) }),
    ...(message.hints === null ? {} : { blockMatchers: matchersOf(unpackBlockMatchers('Series', message.hints)) }),
  };
}

/** A Series call as its message. */
export function seriesRequestMessage(query: SeriesRequest): Init<wire.SeriesRequest> {
  return {
    min_time: int64Field(query.minTime),
    max_time: int64Field(query.maxTime),
    matchers: matcherMessages(query.matchers),
    max_resolution_window: int64Field(query.maxResolutionMs),
    aggregates: [...query.aggregates],
    ...partialResponseFields(query.partialResponse),
    skip_chunks: query.skipChunks || undefined,
    hints: query.blockMatchers && packBlockMatchers('Series', matcherMessages(query.blockMatchers)),
    query_hints: query.queryHints && queryHintsMessage(query.queryHints),
    shard_info: query.shard && shardMessage(query.shard),
    without_replica_labels: [...query.withoutReplicaLabels],
    limit: int64Field(query.limit),
    response_batch_size: int64Field(query.responseBatchSize),
    fills_with_coarser: query.fillsWithCoarser || undefined,
  };
}

/** Throws `invalid` for matchers or hints that cannot be. */
export function labelNamesRequestOf(message: wire.LabelNamesRequest): LabelNamesRequest {
  return {
    ...labelsRequestOf(message),
    ...(message.hints === null ? {} : { blockMatchers: matchersOf(unpackBlockMatchers('LabelNames', message.hints)) }),
  };
}

/** Throws `invalid` for matchers or hints that cannot be. */
export function labelValuesRequestOf(message: wire.LabelValuesRequest): LabelValuesRequest {
  return {
    ...labelsRequestOf(message),
    label: message.label,
    ...(message.hints === null ? {} : { blockMatchers: matchersOf(unpackBlockMatchers('LabelValues', message.hints)) }),
  };
}

/** A LabelNames call as its message. */
export function labelNamesMessage(query: LabelNamesRequest): Init<wire.LabelNamesRequest> {
  return {
    ...labelsFields(query),
    hints: query.blockMatchers && packBlockMatchers('LabelNames', matcherMessages(query.blockMatchers)),
  };
}

/** A LabelValues call as its message. */
export function labelValuesMessage(query: LabelValuesRequest): Init<wire.LabelValuesRequest> {
  return {
    ...labelsFields(query),
    label: query.label,
    hints: query.blockMatchers && packBlockMatchers('LabelValues', matcherMessages(query.blockMatchers)),
  };
}

function labelsRequestOf(message: wire.LabelNamesRequest | wire.LabelValuesRequest): LabelNamesRequest {
  return {
    minTime: numberOf(message.start),
    maxTime: numberOf(message.end),
    matchers: matchersOf(message.matchers),
    partialResponse: partialResponseOf(message),
    withoutReplicaLabels: message.without_replica_labels,
    limit: Math.max(0, numberOf(message.limit)),
  };
}

function labelsFields(query: LabelNamesRequest) {
  return {
    ...partialResponseFields(query.partialResponse),
    start: int64Field(query.minTime),
    end: int64Field(query.maxTime),
    matchers: matcherMessages(query.matchers),
    without_replica_labels: [...query.withoutReplicaLabels],
    limit: int64Field(query.limit),
  };
}

interface PartialResponseFields {
  partial_response_disabled: boolean;
  partial_response_strategy: number;
}

function partialResponseOf(message: PartialResponseFields): 'warn' | 'abort' {
  const isAbort = message.partial_response_strategy === PartialResponse.abort;
  return isAbort || message.partial_response_disabled ? 'abort' : 'warn';
}

/** Both fields: a peer may know only the old one. */
function partialResponseFields(strategy: 'warn' | 'abort'): Partial<PartialResponseFields> {
  if (strategy === 'warn') return {};
  return { partial_response_disabled: true, partial_response_strategy: PartialResponse.abort };
}

type ShardMessage = NonNullable<wire.SeriesRequest['shard_info']>;
type QueryHintsMessage = NonNullable<wire.SeriesRequest['query_hints']>;

function shardOf(message: ShardMessage): ShardInfo {
  return {
    shardIndex: numberOf(message.shard_index),
    totalShards: numberOf(message.total_shards),
    by: message.by,
    labels: message.labels,
  };
}

function shardMessage(shard: ShardInfo): Init<ShardMessage> {
  return {
    shard_index: int64Field(shard.shardIndex),
    total_shards: int64Field(shard.totalShards),
    by: shard.by || undefined,
    labels: [...shard.labels],
  };
}

function queryHintsOf(message: QueryHintsMessage): QueryHints {
  return {
    stepMs: numberOf(message.step_millis),
    func: message.func?.name ?? '',
    rangeMs: message.range === null ? 0 : numberOf(message.range.millis),
    grouping: message.grouping?.labels ?? [],
    by: message.grouping?.by ?? false,
  };
}

function queryHintsMessage(hints: QueryHints): Init<QueryHintsMessage> {
  return {
    step_millis: int64Field(hints.stepMs),
    func: hints.func === '' ? undefined : { name: hints.func },
    grouping: { by: hints.by || undefined, labels: [...hints.grouping] },
    range: hints.rangeMs === 0 ? undefined : { millis: int64Field(hints.rangeMs) },
  };
}

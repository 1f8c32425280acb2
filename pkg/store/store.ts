// StoreAPI in our own words: what sidecars, gateways and queriers serve, and what a fan-out asks. The wire form is in
// pkg/proto; nothing here knows about gRPC.

import type { RequestContext } from '../async/request.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { EndpointReport } from '../storage/series.ts';
import type { ChunkSlice } from './chunk-table.ts';

/** Numbers as on the wire. */
export const Aggregate = { raw: 0, count: 1, sum: 2, min: 3, max: 4, counter: 5 } as const;
export type Aggregate = (typeof Aggregate)[keyof typeof Aggregate];

export interface ShardInfo {
  readonly shardIndex: number;
  /** Below 1 means no sharding. */
  readonly totalShards: number;
  readonly by: boolean;
  readonly labels: readonly string[];
}

export interface QueryHints {
  readonly stepMs: number;
  readonly func: string;
  readonly rangeMs: number;
  readonly grouping: readonly string[];
  readonly by: boolean;
}

export interface SeriesRequest {
  /** Both inclusive, ms; MIN_TIME and MAX_TIME of model/time.ts for no bound. */
  readonly minTime: number;
  readonly maxTime: number;
  /** All must hold. */
  readonly matchers: readonly Matcher[];
  /** Coarsest downsampling allowed, ms; 0 means raw data only. */
  readonly maxResolutionMs: number;
  /** Where there is nothing as fine as that, the finest coarser data is wanted, with two samples before the asked time. */
  readonly fillsWithCoarser?: boolean;
  readonly aggregates: readonly Aggregate[];
  /** Labels only. */
  readonly skipChunks: boolean;
  /** `abort`: any failing store fails the request. `warn`: it becomes a warning. Leaves ignore it. */
  readonly partialResponse: 'warn' | 'abort';
  /** Labels to drop from every series, the output sorted without them. */
  readonly withoutReplicaLabels: readonly string[];
  /** Most series wanted; 0 means all. Cuts silently. */
  readonly limit: number;
  /** Series a frame; 0 and 1 mean one series a frame. */
  readonly responseBatchSize: number;
  readonly shard?: ShardInfo;
  readonly queryHints?: QueryHints;
  /** On external labels and `__block_id`; only the gateway looks at it. */
  readonly blockMatchers?: readonly Matcher[];
  /** Told by a fan-out what each endpoint gave, as its answer ends. Never travels further. */
  readonly report?: ((report: EndpointReport) => void) | undefined;
}

/** One series, or a part of one: neighbours in a stream with equal labels are the same series. */
export interface StoreSeries {
  readonly labels: Labels;
  /** Slices of chunk tables; empty only when chunks were skipped. Chunks may lie outside the asked time: never trimmed. */
  readonly chunks: readonly ChunkSlice[];
}

/** One step of a stream. `series` may be empty when only warnings travel. */
export interface SeriesBatch {
  /** In label order (compareLabels), within and across batches. */
  readonly series: readonly StoreSeries[];
  readonly warnings: readonly string[];
  /** For who has copied what it wants: lets the bytes of the batch's chunks be used again. Called once or never. */
  readonly release?: () => void;
}

export interface LabelNamesRequest {
  readonly minTime: number;
  readonly maxTime: number;
  readonly matchers: readonly Matcher[];
  readonly partialResponse: 'warn' | 'abort';
  readonly withoutReplicaLabels: readonly string[];
  readonly limit: number;
  readonly blockMatchers?: readonly Matcher[];
}

export interface LabelValuesRequest extends LabelNamesRequest {
  readonly label: string;
}

export interface LabelsAnswer {
  /** Sorted by UTF-8 bytes, unique. */
  readonly values: readonly string[];
  readonly warnings: readonly string[];
  /** ULIDs of the blocks that were read; only the gateway fills it. */
  readonly queriedBlocks?: readonly string[];
}

export interface Store {
  /** Pull-driven: a store does no work beyond a bounded read-ahead until the next batch is asked for. */
  series(request: RequestContext, query: SeriesRequest): AsyncIterable<SeriesBatch>;
  labelNames(request: RequestContext, query: LabelNamesRequest): Promise<LabelsAnswer>;
  labelValues(request: RequestContext, query: LabelValuesRequest): Promise<LabelsAnswer>;
}

export interface TsdbInfo {
  readonly labels: Labels;
  readonly minTime: number;
  readonly maxTime: number;
}

/** What an endpoint says of itself (the Info service). */
export interface StoreInfo {
  /** `sidecar`, `store`, `query`, ... */
  readonly component: string;
  /** External label sets; empty sets left out. */
  readonly labelSets: readonly Labels[];
  /** Absent when the endpoint serves no StoreAPI. */
  readonly store?: {
    readonly minTime: number;
    readonly maxTime: number;
    readonly supportsSharding: boolean;
    readonly supportsWithoutReplicaLabels: boolean;
    readonly tsdbInfos: readonly TsdbInfo[];
  };
  /** Names of the other APIs it announces: `rules`, `targets`, `metadata`, `exemplars`, `query`, `status`. */
  readonly otherApis: readonly string[];
}

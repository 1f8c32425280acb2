// The fan-out as the engine's storage: what a select asks of the stores, and their chunks back as series.

import { budgetScopeOf } from '../async/byte-budget.ts';
import { faultOf } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import { cappedResolution } from '../model/resolution.ts';
import { MAX_TIME } from '../model/time.ts';
import { isCounterFunction } from '../storage/dedup.ts';
import type { SelectHints } from '../storage/hints.ts';
import type { LabelAnswer, LabelQuery, Queryable } from '../storage/querier.ts';
import type { EndpointReport, Fetched, Series, SeriesSet } from '../storage/series.ts';
import { Warnings } from '../storage/warnings.ts';
import { ChunkReader } from '../store/chunk-series.ts';
import type { ChunkTable } from '../store/chunk-table.ts';
import type { StoreMatch } from '../store/select-endpoints.ts';
import { Aggregate, type LabelNamesRequest, type SeriesBatch, type SeriesRequest, type Store } from '../store/store.ts';
import type { SelectOptions } from './config.ts';
import { OtherResolutions } from './other-resolutions.ts';
import { addResolutions } from './read-resolutions.ts';
import type { SelectThreads } from './select-threads.ts';

export interface FanOutDeps {
  readonly proxy: Store & {
    /** The same store, asking only endpoints that the matcher sets accept. */
    matching(storeMatch: StoreMatch): Store;
  };
  /** Where large selects are read. */
  readonly threads?: SelectThreads | undefined;
}

/** Series to a frame. The reference asks for 64; with more there are fewer frames to decode, and stores may send less. */
const BATCH_SERIES = 256;

export class FanOutQueryable implements Queryable {
  /** Chunk tables belong to whoever refers to them. */
  readonly keepsSeries = true;
  readonly #store: Store;
  readonly #options: SelectOptions;
  readonly #threads: SelectThreads | undefined;

  /** One for each request: the options are those of its parameters. */
  constructor(deps: FanOutDeps, options: SelectOptions) {
    this.#store = deps.proxy.matching(options.storeMatch);
    this.#options = options;
    this.#threads = deps.threads;
  }

  /**
   * A failing store is a warning, or, without partial response, an `execution` fault from `batches`, as is a store's
   * answer that cannot be used. The end of `request.signal` is thrown as what it is.
   */
  select(request: RequestContext, matchers: readonly Matcher[], hints: SelectHints): SeriesSet {
    const warnings = new Warnings();
    const maxResolutionMs = cappedResolution(this.#options.maxResolutionMs, hints.func, hints.rangeMs);
    const fills = this.#options.fillsWithCoarser === true;
    const fetched = new FetchMeter(fills ? MAX_TIME : maxResolutionMs);
    const others = fills ? new OtherResolutions(maxResolutionMs, hints) : undefined;
    const threads = this.#threads?.of(request);
    const releases = hints.readsInTurn === true && threads === undefined;
    return {
      batches: this.#batches(request, matchers, { ...hints, readsInTurn: releases }, warnings, fetched, others),
      warnings: warnings.list,
      fetched,
      threads,
      ...(others === undefined ? {} : { infos: () => others.infos() }),
    };
  }

  async labelNames(request: RequestContext, query: LabelQuery): Promise<LabelAnswer> {
    return await explained(request, 'proxy LabelNames()', () =>
      this.#store.labelNames(request, this.#labelsRequest(query)),
    );
  }

  async labelValues(request: RequestContext, name: string, query: LabelQuery): Promise<LabelAnswer> {
    return await explained(request, 'proxy LabelValues()', () =>
      this.#store.labelValues(request, { ...this.#labelsRequest(query), label: name }),
    );
  }

  /** The label sets of the series that match, in label order, each once; no samples are fetched. */
  async series(
    request: RequestContext,
    query: LabelQuery,
  ): Promise<{ readonly series: readonly Labels[]; readonly warnings: readonly string[] }> {
    const warnings = new Warnings();
    const series: Labels[] = [];
    const asked: SeriesRequest = {
      ...this.#common(query.matchers),
      minTime: query.minTime,
      maxTime: query.maxTime,
      maxResolutionMs: MAX_TIME,
      aggregates: [Aggregate.count, Aggregate.sum],
      skipChunks: true,
      // Stores count replicas, of which several may be one series here: cut by them, an answer could lack series unseen.
      limit: this.#mergesReplicas ? 0 : query.limit,
    };
    await explained(request, 'proxy Series()', async () => {
      for await (const batch of this.#store.series(request, asked)) {
        warnings.addAll(batch.warnings);
        for (const { labels } of batch.series) {
          if (query.limit > 0 && series.length === query.limit) return;
          series.push(labels);
        }
      }
    });
    return { series, warnings: warnings.list };
  }

  async *#batches(
    request: RequestContext,
    matchers: readonly Matcher[],
    hints: SelectHints,
    warnings: Warnings,
    fetched: FetchMeter,
    others: OtherResolutions | undefined,
  ): AsyncGenerator<readonly Series[]> {
    const report = hints.reports === true ? (one: EndpointReport) => fetched.endpoints.push(one) : undefined;
    const query = { ...this.#seriesRequest(matchers, hints), report };
    const reader = new ChunkReader({
      minTime: hints.minTime,
      maxTime: hints.maxTime,
      aggregates: query.aggregates,
      dedup: this.#mergesReplicas ? this.#options.dedupFunc : undefined,
      isCounter: isCounterFunction(hints.func),
      ...(others === undefined ? {} : { mixed: others }),
    });
    try {
      for await (const batch of this.#store.series(request, query)) {
        warnings.addAll(batch.warnings);
        if (batch.series.length === 0) continue;
        // While its series are read, the batch is held.
        const bytes = fetched.add(batch);
        try {
          request.bytes?.take(bytes);
          yield batch.series.map((series) => reader.series(series));
        } finally {
          request.bytes?.give(bytes);
        }
        if (hints.readsInTurn === true) batch.release?.();
      }
    } catch (thrown) {
      throw fanOutFault(request, 'expanding series: proxy Series()', thrown);
    }
  }

  get #mergesReplicas(): boolean {
    return this.#options.dedup && this.#options.replicaLabels.length > 0;
  }

  #seriesRequest(matchers: readonly Matcher[], hints: SelectHints): SeriesRequest {
    const { func, rangeMs, stepMs, grouping, by } = hints;
    return {
      ...this.#common(matchers),
      minTime: hints.minTime,
      maxTime: hints.maxTime,
      maxResolutionMs: cappedResolution(this.#options.maxResolutionMs, func, rangeMs),
      ...(this.#options.fillsWithCoarser === true ? { fillsWithCoarser: true } : {}),
      aggregates: aggregatesOf(func),
      skipChunks: false,
      limit: 0,
      queryHints: { stepMs, func, rangeMs, grouping, by },
    };
  }

  #common(
    matchers: readonly Matcher[],
  ): Pick<SeriesRequest, 'matchers' | 'partialResponse' | 'withoutReplicaLabels' | 'responseBatchSize' | 'shard'> {
    return {
      matchers,
      partialResponse: this.#options.partialResponse ? 'warn' : 'abort',
      withoutReplicaLabels: this.#mergesReplicas ? this.#options.replicaLabels : [],
      responseBatchSize: BATCH_SERIES,
      shard: this.#options.shard,
    };
  }

  /** Label calls never send replica labels: they show what is stored. */
  #labelsRequest(query: LabelQuery): LabelNamesRequest {
    return {
      minTime: query.minTime,
      maxTime: query.maxTime,
      matchers: query.matchers,
      partialResponse: this.#options.partialResponse ? 'warn' : 'abort',
      withoutReplicaLabels: [],
      limit: query.limit,
    };
  }
}

/** What one select has fetched so far. */
class FetchMeter implements Fetched {
  bytes = 0;
  readonly endpoints: EndpointReport[] = [];
  readonly resolutionsMs = new Set<number>();
  /** A frame may be cut in two by merging; its bytes count once. */
  #before = new Set<ChunkTable>();
  readonly #maxResolutionMs: number;

  constructor(maxResolutionMs: number) {
    this.#maxResolutionMs = maxResolutionMs;
  }

  /** Bytes of the frames that a batch refers to. */
  add({ series }: SeriesBatch): number {
    const tables = new Set<ChunkTable>();
    let bytes = 0;
    let last: ChunkTable | undefined;
    for (const { chunks } of series) {
      for (const { table } of chunks) {
        if (table === last || tables.has((last = table))) continue;
        tables.add(table);
        bytes += table.bytes.byteLength;
        if (this.#before.has(table)) continue;
        this.bytes += table.bytes.byteLength;
        addResolutions(table, this.#maxResolutionMs, this.resolutionsMs);
      }
    }
    this.#before = tables;
    return bytes;
  }
}

/** Which aggregates of downsampled data serve the function around a selector. */
export function aggregatesOf(func: string): readonly Aggregate[] {
  if (func === 'min' || func.startsWith('min_')) return [Aggregate.min];
  if (func === 'max' || func.startsWith('max_')) return [Aggregate.max];
  if (func === 'count' || func.startsWith('count_')) return [Aggregate.count];
  if (func.startsWith('sum_')) return [Aggregate.sum];
  if (counterReaders.has(func)) return [Aggregate.counter];
  return [Aggregate.count, Aggregate.sum];
}

const counterReaders: ReadonlySet<string> = new Set(['increase', 'rate', 'irate', 'resets', 'xincrease', 'xrate']);

async function explained<T>(request: RequestContext, doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw fanOutFault(request, doing, thrown);
  }
}

/** What stores could not give cannot be evaluated; what the caller did wrong, or gave up, stays what it is. */
function fanOutFault(request: RequestContext, doing: string, thrown: unknown): Fault {
  if (request.signal.aborted) return faultOf(request.signal);
  // The query's own budget, met while a batch was taken in: no store has failed.
  if (thrown instanceof Fault && budgetScopeOf(thrown) !== undefined) return thrown;
  const kind = kindOf(thrown);
  const kept = kind === 'invalid' || kind === 'unsupported' || kind === 'limit';
  return new Fault(kept ? kind : 'execution', `${doing}: ${messageOf(thrown)}`, { cause: thrown });
}

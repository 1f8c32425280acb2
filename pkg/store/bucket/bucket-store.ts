// A bucket of blocks as a Store: which blocks answer, one sorted stream of each, merged.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { readAhead } from '../../async/batches.ts';
import { Gate } from '../../async/gate.ts';
import { mapParallel } from '../../async/parallel.ts';
import { Rendezvous } from '../../async/rendezvous.ts';
import type { RequestContext } from '../../async/request.ts';
import type { ReaderLease } from '../../block/index-header/reader-pool.ts';
import { compareUtf8 } from '../../bytes/compare.ts';
import type { IndexCache } from '../../cache/index-cache.ts';
import { during, type Fault, kindOf } from '../../errors/fault.ts';
import { splitMatchers } from '../../model/external-labels.ts';
import { compareLabels, Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { BucketStoreConfig } from '../config.ts';
import { type BatchToMerge, mergeResponses } from '../merge-responses.ts';
import { sharderOf } from '../shard.ts';
import type {
  LabelNamesRequest,
  LabelsAnswer,
  LabelValuesRequest,
  SeriesBatch,
  SeriesRequest,
  Store,
  TsdbInfo,
} from '../store.ts';
import { blockLabelNames, blockLabelValues, type LabelSearch } from './block-labels.ts';
import { type BlockSeriesOptions, blockSeries } from './block-series.ts';
import { BlockSet } from './block-set.ts';
import type { BucketMetrics } from './bucket-metrics.ts';
import { ByteBudget } from './byte-budget.ts';
import { expandPostings } from './expand-postings.ts';
import { type MissingBlock, MissingBlocks, type MissingQuery } from './missing-blocks.ts';
import type { RemoteBlock } from './remote-block.ts';
import { scopeOf } from './request-scope.ts';
import { RequestStats } from './request-stats.ts';
import { stretches } from './stretches.ts';

/** Chunk bytes that the batches of one request aim at, over all its blocks: each holds one batch and reads another. */
const REQUEST_CHUNK_BYTES = 8 * 1024 * 1024;
const MOST_BATCH_BYTES = 4 * 1024 * 1024;
const LEAST_BATCH_BYTES = 128 * 1024;
/** The same for entries of series and for series with labels: the more blocks, the fewer of each at once. */
const REQUEST_ENTRIES = 16_384;
const REQUEST_SERIES = 4096;
/** The part of them that is read before the first answer. */
const FIRST_PART = 1 / 4;
/** Blocks a label call looks into at once. */
const LABEL_CONCURRENCY = 8;

export interface BucketStoreDeps {
  readonly cache: IndexCache;
  readonly metrics: BucketMetrics;
  /** Looks at the bucket again, when a block turned out to be gone while it was read. */
  readonly refresh: (request: RequestContext) => Promise<void>;
}

/** A block and what is left to ask of its series. */
interface ChosenBlock {
  readonly block: RemoteBlock;
  readonly matchers: readonly Matcher[];
}

export class BucketStore implements Store {
  readonly #deps: BucketStoreDeps;
  readonly #config: BucketStoreConfig;
  readonly #blocks = new Map<string, RemoteBlock>();
  /** By the key of their external labels. */
  readonly #sets = new Map<string, BlockSet<RemoteBlock>>();
  readonly #missing = new MissingBlocks();
  readonly #gate: Gate;
  readonly #budget: ByteBudget;

  constructor(deps: BucketStoreDeps, config: BucketStoreConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#gate = new Gate(config.seriesConcurrency, {
      onAdmit: (waitedMs) => {
        deps.metrics.gateTotal.inc();
        deps.metrics.gateDuration.observe(waitedMs / 1000);
      },
    });
    this.#budget = new ByteBudget(config.chunkBytes);
    deps.metrics.gateMax.set(config.seriesConcurrency);
  }

  /** The blocks being served, by ULID. */
  get blocks(): ReadonlyMap<string, RemoteBlock> {
    return this.#blocks;
  }

  /** Blocks that cannot be served now: answers they might have added to say so. */
  set missing(blocks: Iterable<MissingBlock>) {
    this.#missing.set(blocks);
  }

  get missing(): readonly MissingBlock[] {
    return this.#missing.list;
  }

  add(block: RemoteBlock): void {
    this.#blocks.set(block.ulid, block);
    const { key } = block.labels;
    const set = this.#sets.get(key) ?? new BlockSet<RemoteBlock>(block.labels);
    set.add(block);
    this.#sets.set(key, set);
    this.#deps.metrics.blocksLoaded.set(this.#blocks.size);
  }

  /** Stops serving a block; requests that read it finish. */
  async drop(ulid: string): Promise<void> {
    const block = this.#blocks.get(ulid);
    if (block === undefined) return;
    this.#blocks.delete(ulid);
    const set = this.#sets.get(block.labels.key);
    set?.remove(block);
    if (set?.isEmpty === true) this.#sets.delete(block.labels.key);
    this.#deps.metrics.blocksLoaded.set(this.#blocks.size);
    await block.retire();
  }

  /** For each external label set the stretches of time its blocks cover without a gap; those that are missing count. */
  tsdbInfos(): TsdbInfo[] {
    const bySet = new Map<string, TsdbInfo[]>();
    const add = (info: TsdbInfo): void => {
      const { key } = info.labels;
      bySet.set(key, [...(bySet.get(key) ?? []), info]);
    };
    for (const set of this.#sets.values()) {
      const blocks = set.overlapping(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
      const { labels } = set;
      if (blocks.length > 0) {
        bySet.set(
          labels.key,
          blocks.map(({ meta }) => ({ labels, minTime: meta.minTime, maxTime: meta.maxTime })),
        );
      }
    }
    for (const info of this.#missing.infos()) add(info);
    return [...bySet.values()].flatMap(stretches);
  }

  async *series(request: RequestContext, query: SeriesRequest): AsyncGenerator<SeriesBatch> {
    const leave = await this.#gate.enter(request.signal);
    this.#deps.metrics.gateInFlight.inc();
    const stats = new RequestStats();
    const since = performance.now();
    try {
      const missing = this.#missingFor(query);
      if (missing.length > 0) yield { series: [], warnings: missing };
      let last: Labels | undefined;
      let sent = 0;
      for (let isRetry = false; ; isRetry = true) {
        try {
          for await (const batch of this.#merged(request, query, stats, isRetry)) {
            // After a retry what was sent already comes again first.
            const seen = last;
            let { series } = batch;
            if (isRetry && seen !== undefined) series = series.filter(({ labels }) => compareLabels(labels, seen) > 0);
            if (query.limit > 0) series = series.slice(0, query.limit - sent);
            const { warnings } = batch;
            if (series.length === 0 && warnings.length === 0) continue;
            sent += series.length;
            stats.mergedSeries += series.length;
            last = series.at(-1)?.labels ?? last;
            yield { series, warnings, ...(batch.release === undefined ? {} : { release: batch.release }) };
            if (query.limit > 0 && sent >= query.limit) return;
          }
          return;
        } catch (thrown) {
          if (isRetry || kindOf(thrown) !== 'not-found') throw thrown;
          // A block was deleted while we read it: its successor is in the bucket by now.
          await this.#deps.refresh(request);
        }
      }
    } finally {
      leave();
      this.#deps.metrics.gateInFlight.dec();
      this.#deps.metrics.observe(stats, request.tenant, performance.now() - since - stats.getAllMs);
    }
  }

  async labelNames(request: RequestContext, query: LabelNamesRequest): Promise<LabelsAnswer> {
    return this.#labels(request, query, blockLabelNames);
  }

  async labelValues(request: RequestContext, query: LabelValuesRequest): Promise<LabelsAnswer> {
    if (query.withoutReplicaLabels.includes(query.label)) return { values: [], warnings: [] };
    return this.#labels(request, query, (scope, search) => blockLabelValues(scope, search, query.label));
  }

  /** One attempt, the last one perhaps: the merged stream of all chosen blocks. */
  async *#merged(
    request: RequestContext,
    query: SeriesRequest,
    stats: RequestStats,
    isLast: boolean,
  ): AsyncGenerator<SeriesBatch> {
    const range = this.#clamp(query);
    const chosen: ChosenBlock[] = [];
    if (query.matchers.length > 0) {
      for (const set of this.#sets.values()) {
        const matchers = splitMatchers(query.matchers, set.labels);
        // Matchers on external labels alone select nothing here, as in the reference.
        if (matchers === undefined || matchers.length === 0) continue;
        const { maxResolutionMs, fillsWithCoarser } = query;
        for (const block of set.choose(range.minTime, range.maxTime, maxResolutionMs, fillsWithCoarser)) {
          if (isWanted(block, query.blockMatchers)) chosen.push({ block, matchers });
        }
      }
    }
    if (chosen.length === 0) return;
    stats.blocksQueried = chosen.length;
    const options: BlockSeriesOptions = {
      ...range,
      skipChunks: query.skipChunks,
      aggregates: query.aggregates,
      without: new Set(query.withoutReplicaLabels),
      sharder: sharderOf(query.shard),
      firstEntries: clamp(Math.floor((FIRST_PART * REQUEST_ENTRIES) / chosen.length), 64, 4096),
      entriesAtOnce: clamp(Math.floor(REQUEST_ENTRIES / chosen.length), 512, 4096),
      firstSeries: clamp(Math.floor((FIRST_PART * REQUEST_SERIES) / chosen.length), 16, 512),
      batchSeries: clamp(Math.floor(REQUEST_SERIES / chosen.length), 64, 512),
      batchBytes: clamp(REQUEST_CHUNK_BYTES / (2 * chosen.length), LEAST_BATCH_BYTES, MOST_BATCH_BYTES),
      budget: this.#budget,
    };
    const firsts = new Rendezvous(chosen.length);
    const isTold = (failure: Fault): boolean => query.partialResponse === 'warn' && liesInBlock(failure, isLast);
    for (const { block } of chosen) block.enter();
    const scope = scopeOf(request);
    // Series are made as they are merged, which is after the last of them was read.
    const leases: ReaderLease[] = [];
    try {
      const streamOf = (one: ChosenBlock): AsyncIterable<BatchToMerge> =>
        this.#streamOf(scope.request, one, reaching(options, one.block, query), stats, isTold, firsts, leases);
      yield* mergeResponses(chosen.map((one) => readAhead(streamOf(one), 1)));
    } finally {
      for (const lease of leases) lease.release();
      scope.release();
      for (const { block } of chosen) await block.leave();
    }
  }

  async *#streamOf(
    request: RequestContext,
    { block, matchers }: ChosenBlock,
    options: BlockSeriesOptions,
    stats: RequestStats,
    isTold: (failure: Fault) => boolean,
    firsts: Rendezvous,
    leases: ReaderLease[],
  ): AsyncGenerator<BatchToMerge> {
    const since = performance.now();
    let isFirst = true;
    try {
      const lease = await block.header(request);
      leases.push(lease);
      const ids = await expandPostings(request, block, lease.reader, matchers, this.#deps.cache, stats);
      stats.getAllMs = Math.max(stats.getAllMs, performance.now() - since);
      for await (const batch of blockSeries(request, block, lease.reader, ids, options, stats)) {
        yield batch;
        if (!isFirst) continue;
        isFirst = false;
        // What the first batches of all blocks answer goes before what is read ahead.
        await firsts.come();
        await nextTurn();
      }
    } catch (thrown) {
      const failure = during(`block ${block.ulid}`, thrown, { block: block.ulid });
      if (!isTold(failure)) throw failure;
      // All others go on.
      yield { series: [], warnings: [failure.message] };
    } finally {
      if (isFirst) void firsts.come();
    }
  }

  async #labels(request: RequestContext, query: LabelNamesRequest, ask: AskBlock): Promise<LabelsAnswer> {
    try {
      return await this.#labelsOnce(request, query, ask);
    } catch (thrown) {
      if (kindOf(thrown) !== 'not-found') throw thrown;
      await this.#deps.refresh(request);
      return this.#labelsOnce(request, query, ask);
    }
  }

  async #labelsOnce(request: RequestContext, query: LabelNamesRequest, ask: AskBlock): Promise<LabelsAnswer> {
    const range = this.#clamp(query);
    const chosen: ChosenBlock[] = [];
    for (const set of this.#sets.values()) {
      const matchers = splitMatchers(query.matchers, set.labels);
      if (matchers === undefined) continue;
      for (const block of set.overlapping(range.minTime, range.maxTime)) {
        if (isWanted(block, query.blockMatchers)) chosen.push({ block, matchers });
      }
    }
    const { cache } = this.#deps;
    const without = new Set(query.withoutReplicaLabels);
    const found = new Set<string>();
    for (const { block } of chosen) block.enter();
    try {
      await mapParallel(
        chosen,
        LABEL_CONCURRENCY,
        async ({ block, matchers }, signal) => {
          const own = { ...request, signal };
          try {
            const lease = await block.header(own);
            try {
              const stats = new RequestStats();
              const search = { block, header: lease.reader, matchers, range, without, cache, stats };
              for (const value of await ask(own, search)) found.add(value);
            } finally {
              lease.release();
            }
          } catch (thrown) {
            throw during(`block ${block.ulid}`, thrown, { block: block.ulid });
          }
        },
        request.signal,
      );
    } finally {
      for (const { block } of chosen) await block.leave();
    }
    const values = [...found].sort(compareUtf8);
    return {
      values: query.limit > 0 ? values.slice(0, query.limit) : values,
      warnings: this.#missingFor({ ...query, maxResolutionMs: Number.POSITIVE_INFINITY }),
      queriedBlocks: chosen.map(({ block }) => block.ulid),
    };
  }

  #missingFor(query: MissingQuery): string[] {
    const { minTime, maxTime } = this.#clamp(query);
    const served = (labels: Labels) => this.#sets.get(labels.key)?.overlapping(minTime, maxTime) ?? [];
    return this.#missing.warnings({ ...query, minTime, maxTime }, served);
  }

  #clamp({ minTime, maxTime }: { readonly minTime: number; readonly maxTime: number }): {
    minTime: number;
    maxTime: number;
  } {
    return {
      minTime: Math.max(minTime, this.#config.minTime()),
      maxTime: Math.min(maxTime, this.#config.maxTime()),
    };
  }
}

/** Whether a failure is that of one block. One that is gone may have a successor that the next attempt finds. */
function liesInBlock({ kind }: Fault, isLast: boolean): boolean {
  return kind === 'corrupt' || kind === 'unsupported' || (kind === 'not-found' && isLast);
}

/** Of blocks coarser than asked for, two samples more: a window may reach back to them. */
function reaching(options: BlockSeriesOptions, block: RemoteBlock, query: SeriesRequest): BlockSeriesOptions {
  if (block.resolutionMs <= query.maxResolutionMs) return options;
  return { ...options, minTime: options.minTime - 2 * block.resolutionMs };
}

type AskBlock = (request: RequestContext, search: LabelSearch) => Promise<readonly string[]>;

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

/** Whether the caller's matchers on external labels and `__block_id` accept a block. */
function isWanted(block: RemoteBlock, matchers: readonly Matcher[] | undefined): boolean {
  if (matchers === undefined || matchers.length === 0) return true;
  const labels = block.labels.with(Labels.of({ __block_id: block.ulid }));
  return matchers.every((matcher) => matcher.matches(labels.get(matcher.name)));
}

// The store gateway: keeps the set of served blocks in step with the bucket, and says what it serves.

import { type Clock, systemClock } from '../async/clock.ts';
import { throwIfAborted } from '../async/deadline.ts';
import { forEachParallel } from '../async/parallel.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { SingleFlight } from '../async/single-flight.ts';
import { type BlocksView, emptyBlocksView } from '../block/blocks-view.ts';
import type { FetchedBlocks } from '../block/fetcher.ts';
import type { ReaderPool } from '../block/index-header/reader-pool.ts';
import { metaName } from '../block/layout.ts';
import { markName } from '../block/marks.ts';
import type { BlockMeta } from '../block/meta.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import type { IndexCache } from '../cache/index-cache.ts';
import { during, type Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Component, Host } from '../lifecycle/component.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { BucketMetrics } from './bucket/bucket-metrics.ts';
import { BucketStore } from './bucket/bucket-store.ts';
import type { MissingBlock } from './bucket/missing-blocks.ts';
import { RemoteBlock } from './bucket/remote-block.ts';
import { scopeOf } from './bucket/request-scope.ts';
import type { BucketStoreConfig, GatewayConfig } from './config.ts';
import { notReady } from './info.ts';
import type { Store, StoreInfo } from './store.ts';

export interface GatewayDeps {
  readonly bucket: Bucket;
  /** What is to be served: block/fetcher.ts behind its filters. */
  readonly fetcher: { fetch(request: RequestContext): Promise<FetchedBlocks> };
  readonly pool: ReaderPool;
  readonly cache: IndexCache;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
}

/** While many blocks load, how often a log line says how far that is. */
const PROGRESS_MS = 10_000;
/** After trouble with the bucket the next look comes so soon, and each time twice as late until it is over. */
const RETRY_MS = 15_000;

export class StoreGateway implements Component {
  readonly name = 'store-gateway';
  readonly #deps: GatewayDeps;
  readonly #config: GatewayConfig & BucketStoreConfig;
  readonly #clock: Clock;
  readonly #metrics: BucketMetrics;
  readonly #store: BucketStore;
  readonly #syncing = new SingleFlight<'sync', void>();
  #isSynced = false;
  /** Whether the last sync left something out that the next may find well. */
  #isTroubled = false;
  #lastLook: Pick<BlocksView, 'partial' | 'refreshedAtMs' | 'error'> = emptyBlocksView;

  constructor(deps: GatewayDeps, config: GatewayConfig & BucketStoreConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#clock = deps.clock ?? systemClock;
    this.#metrics = new BucketMetrics(deps.metrics);
    this.#store = new BucketStore(
      { cache: deps.cache, metrics: this.#metrics, refresh: (request) => this.sync(request) },
      config,
    );
  }

  get store(): Store {
    return this.#store;
  }

  /** Metas of the blocks that are served, the newest first. */
  loadedBlocks(): readonly BlockMeta[] {
    return Array.from(this.#store.blocks.values(), ({ meta }) => meta).sort(newestFirst);
  }

  /** What the page about blocks shows: what is served, and how the last look at the bucket went. */
  blocksView(): Omit<BlocksView, 'marks'> {
    return { ...this.#lastLook, metas: this.loadedBlocks() };
  }

  /** Throws `Not ready` before the first sync is done. Without blocks the time range is one that nothing meets. */
  info(): StoreInfo {
    if (!this.#isSynced) throw notReady();
    const tsdbInfos = this.#store.tsdbInfos();
    const labelSets = new Map(tsdbInfos.map(({ labels }) => [labels.key, labels]));
    let minTime = MAX_TIME;
    let maxTime = MIN_TIME;
    for (const info of tsdbInfos) {
      minTime = Math.min(minTime, info.minTime);
      maxTime = Math.max(maxTime, info.maxTime);
    }
    if (tsdbInfos.length > 0) {
      minTime = Math.max(minTime, this.#config.minTime());
      maxTime = Math.min(maxTime, this.#config.maxTime());
    }
    return {
      component: 'store',
      labelSets: [...labelSets.values()]
        .filter((labels) => labels.size > 0)
        .sort((a, b) => compareUtf8(a.toString(), b.toString())),
      store: { minTime, maxTime, supportsSharding: true, supportsWithoutReplicaLabels: true, tsdbInfos },
      otherApis: [],
    };
  }

  /** Ready means that the first sync is done: every block that can be served is. */
  async start(host: Host): Promise<void> {
    this.#deps.pool.start();
    await this.sync(backgroundRequest(host.signal));
    host.spawn('sync', (signal) => this.#syncForever(signal));
  }

  async stop(): Promise<void> {
    await this.#deps.pool.close();
  }

  /**
   * Brings the served blocks in step with the bucket. A block that cannot be loaded is logged, counted and tried again
   * next time; all others are served. Throws when the bucket cannot be listed. Calls at one time are one.
   */
  async sync(request: RequestContext): Promise<void> {
    await this.#syncing.run('sync', request.signal, async (signal) => {
      const scope = scopeOf({ ...request, signal });
      try {
        await this.#sync(scope.request);
      } finally {
        scope.release();
      }
    });
  }

  async #syncForever(signal: AbortSignal): Promise<void> {
    const { syncIntervalMs } = this.#config;
    let retryMs = RETRY_MS;
    for (;;) {
      await this.#clock.sleep(this.#isTroubled ? Math.min(retryMs, syncIntervalMs) : syncIntervalMs, signal);
      retryMs = this.#isTroubled ? 2 * retryMs : RETRY_MS;
      try {
        await this.sync(backgroundRequest(signal));
      } catch (thrown) {
        throwIfAborted(signal);
        this.#isTroubled = true;
        this.#lastLook = { ...this.#lastLook, error: messageOf(thrown) };
        this.#deps.logger.warn('sync of blocks failed, the blocks known so far are served', { err: messageOf(thrown) });
      }
    }
  }

  async #sync(request: RequestContext): Promise<void> {
    const { logger } = this.#deps;
    const { metas, partial, unseen, incomplete } = await this.#deps.fetcher.fetch(request);
    const missing = [...metas.values()].filter(({ ulid }) => !this.#store.blocks.has(ulid)).sort(newestFirst);
    const failed = new Map<string, MissingBlock>();
    let isTroubled = incomplete !== undefined;
    let doneCount = 0;
    let toldAt = this.#clock.now();
    await forEachParallel(
      missing,
      this.#config.blockSyncConcurrency,
      async (meta) => {
        const failure = await this.#load(request, meta);
        if (failure !== undefined && !(await this.#hasGone(request, meta.ulid, failure))) {
          failed.set(meta.ulid, { ulid: meta.ulid, meta, problem: failure.message });
          if (mayPass(failure)) isTroubled = true;
        }
        doneCount++;
        if (this.#clock.now() - toldAt < PROGRESS_MS) return;
        toldAt = this.#clock.now();
        logger.info('loading blocks', { done: doneCount, total: missing.length });
      },
      request.signal,
    );
    const unknown = await this.#unknownBlocks(request, partial, unseen);
    for (const [ulid, block] of unknown) if (!this.#store.blocks.has(ulid)) failed.set(ulid, block);
    // Who wrote a broken meta.json may be about to put it right.
    if ([...failed.values()].some((block) => this.#isNewlyUnknown(block))) isTroubled = true;
    if (incomplete !== undefined) logger.warn('some blocks could not be looked at', { err: incomplete.message });
    for (const [ulid, { meta }] of [...this.#store.blocks]) {
      // A block does not change: one whose meta.json breaks, or is out of reach, is as good as it was.
      if (metas.has(ulid) || unknown.has(ulid) || (await this.#isStillNeeded(request, meta, failed))) continue;
      await this.#drop(ulid);
    }
    this.#store.missing = failed.values();
    this.#isTroubled = isTroubled;
    this.#isSynced = true;
    this.#lastLook = { partial, refreshedAtMs: this.#clock.now(), error: incomplete?.message };
    if (missing.length > 0) logger.info('blocks are loaded', { new: missing.length, served: this.#store.blocks.size });
  }

  /**
   * Blocks of which nothing is known, or no more than before, since their meta.json cannot be read. One without a
   * meta.json is being written or deleted, and one that is marked for deletion is missed by nobody.
   */
  async #unknownBlocks(
    request: RequestContext,
    partial: ReadonlyMap<string, Fault>,
    unseen: ReadonlyMap<string, Fault>,
  ): Promise<ReadonlyMap<string, MissingBlock>> {
    const before = new Map(this.#store.missing.map(({ ulid, meta }) => [ulid, meta]));
    const unknown = new Map<string, MissingBlock>();
    const add = (ulid: string, failure: Fault) =>
      unknown.set(ulid, { ulid, meta: before.get(ulid), problem: messageOf(failure.cause ?? failure) });
    for (const [ulid, failure] of unseen) add(ulid, failure);
    await forEachParallel(
      [...partial].filter(([, { kind }]) => kind !== 'not-found'),
      this.#config.blockSyncConcurrency,
      async ([ulid, failure], signal) => {
        const mark = markName('deletion', ulid);
        const isMarked = await this.#deps.bucket.exists({ ...request, signal }, mark).catch(() => false);
        throwIfAborted(signal);
        if (!isMarked) add(ulid, failure);
      },
      request.signal,
    );
    return unknown;
  }

  #isNewlyUnknown({ ulid, meta }: MissingBlock): boolean {
    return meta === undefined && !this.#store.missing.some((known) => known.ulid === ulid);
  }

  /** Whether a block was deleted after the bucket was listed: then it is missing nowhere. */
  async #hasGone(request: RequestContext, ulid: string, { kind }: Fault): Promise<boolean> {
    if (kind !== 'not-found') return false;
    // Who cannot tell takes it for missing, which is said.
    const isThere = await this.#deps.bucket.exists(request, metaName(ulid)).catch(() => true);
    return !isThere;
  }

  /** A block that one which cannot be loaded was made from, and that the bucket still has. */
  async #isStillNeeded(
    request: RequestContext,
    { ulid, compaction, thanos }: BlockMeta,
    failed: ReadonlyMap<string, MissingBlock>,
  ): Promise<boolean> {
    const isPart = [...failed.values()].some(({ meta }) => {
      if (meta === undefined) return false;
      if (meta.thanos.resolutionMs !== thanos.resolutionMs || !meta.thanos.labels.equals(thanos.labels)) return false;
      return compaction.sources.every((source) => meta.compaction.sources.includes(source));
    });
    return isPart && compaction.sources.length > 0 && (await this.#deps.bucket.exists(request, metaName(ulid)));
  }

  /** Why it cannot be served; undefined once it is. */
  async #load(request: RequestContext, meta: BlockMeta): Promise<Fault | undefined> {
    this.#metrics.blockLoads.inc();
    try {
      await this.#deps.pool.prepare(request, meta.ulid);
      this.#store.add(new RemoteBlock(meta, this.#deps.bucket, this.#deps.pool));
      return undefined;
    } catch (thrown) {
      throwIfAborted(request.signal);
      this.#metrics.blockLoadFailures.inc();
      this.#deps.logger.warn('block is not served: loading it failed, the next sync tries again', {
        block: meta.ulid,
        kind: kindOf(thrown),
        err: messageOf(thrown),
      });
      return during('loading it', thrown);
    }
  }

  async #drop(ulid: string): Promise<void> {
    this.#metrics.blockDrops.inc();
    try {
      await this.#store.drop(ulid);
      this.#deps.logger.info('block is not served any more', { block: ulid });
    } catch (thrown) {
      this.#metrics.blockDropFailures.inc();
      this.#deps.logger.warn('dropping a block left its header behind', { block: ulid, err: messageOf(thrown) });
    }
  }
}

/** Whether trying again may help. */
function mayPass({ kind }: Fault): boolean {
  return kind !== 'corrupt' && kind !== 'unsupported' && kind !== 'not-found';
}

function newestFirst(a: BlockMeta, b: BlockMeta): number {
  return b.maxTime - a.maxTime || compareUtf8(a.ulid, b.ulid);
}

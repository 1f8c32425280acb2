// What blocks are in the bucket: lists it, loads their metas through a cache, runs the filters.

import { join } from 'node:path';
import { forEachParallel, mapParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { collect } from '../errors/collect.ts';
import { during, Fault } from '../errors/fault.ts';
import { type Bucket, readAll } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import {
  type BlockFilter,
  type BlockModification,
  type BlockState,
  blockModifications,
  blockStates,
} from './filters/block-filter.ts';
import { blockOf, metaName } from './layout.ts';
import { type BlockMeta, parseMeta } from './meta.ts';
import { MetaCache } from './meta-cache.ts';

/** `concurrent`: one listing of the root and one look at each meta.json. `recursive`: one listing of everything. */
export const listStrategies = ['concurrent', 'recursive'] as const;
export type ListStrategy = (typeof listStrategies)[number];

export interface FetcherDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Run in this order over what was loaded. For a store: time, labels, consistency, deletion mark, deduplicate. */
  readonly filters: readonly BlockFilter[];
}

export interface FetcherConfig {
  /** Metas are kept in `<dataDir>/meta-syncer/<ULID>/meta.json`; undefined keeps them in memory only. */
  readonly dataDir?: string;
  readonly strategy: ListStrategy;
  /** meta.json downloads at once. */
  readonly concurrency: number;
}

export interface FetchedBlocks {
  /** What the filters left, by ULID. */
  readonly metas: ReadonlyMap<string, BlockMeta>;
  /** Directories without a meta.json (`not-found`), or with one that cannot be used, by ULID. */
  readonly partial: ReadonlyMap<string, Fault>;
  /** Blocks that could not be looked at, the bucket being in trouble, by ULID. */
  readonly unseen: ReadonlyMap<string, Fault>;
  /** Set when there are such blocks: whoever knew them must keep them, and nothing may be deleted then. */
  readonly incomplete: Fault | undefined;
}

const EXISTS_CONCURRENCY = 64;
const MAX_META_BYTES = 64 * 1024 * 1024;
const CACHE_DIRECTORY = 'meta-syncer';

interface Found {
  readonly ulid: string;
  readonly hasMeta: boolean;
  /** Known to the recursive strategy only. */
  readonly modifiedMs?: number;
}

export class MetaFetcher {
  readonly #deps: FetcherDeps;
  readonly #config: FetcherConfig;
  readonly #cache: MetaCache;
  readonly #meters: ReturnType<typeof metersOf>;
  /** Blocks whose meta was said to be unusable, so that a sync every few minutes does not repeat it. */
  #reported: ReadonlySet<string> = new Set();

  constructor(deps: FetcherDeps, config: FetcherConfig) {
    this.#deps = deps;
    this.#config = config;
    const directory = config.dataDir === undefined ? undefined : join(config.dataDir, CACHE_DIRECTORY);
    this.#cache = new MetaCache(deps.logger, directory);
    this.#meters = metersOf(deps.metrics);
  }

  /**
   * Throws when the bucket cannot be listed or a filter fails; a block that cannot be loaded makes the answer incomplete
   * instead. One call at a time.
   */
  async fetch(request: RequestContext): Promise<FetchedBlocks> {
    const end = this.#meters.duration.startTimer();
    this.#meters.syncs.inc();
    try {
      const fetched = await this.#fetch(request);
      if (fetched.incomplete !== undefined) this.#meters.failures.inc();
      return fetched;
    } catch (thrown) {
      this.#meters.failures.inc();
      throw during('sync block metas', thrown);
    } finally {
      end();
    }
  }

  async #fetch(request: RequestContext): Promise<FetchedBlocks> {
    const states = new Map<BlockState, number>(blockStates.map((state) => [state, 0]));
    const modifications = new Map<BlockModification, number>(blockModifications.map((word) => [word, 0]));
    const counts = {
      state: (state: BlockState) => states.set(state, (states.get(state) ?? 0) + 1),
      modified: (word: BlockModification) => modifications.set(word, (modifications.get(word) ?? 0) + 1),
    };
    const found = this.#config.strategy === 'recursive' ? await this.#listAll(request) : await this.#listRoot(request);
    const metas = new Map<string, BlockMeta>();
    const partial = new Map<string, Fault>();
    const unseen = new Map<string, Fault>();

    await forEachParallel(
      found,
      this.#config.concurrency,
      async (block, signal) => {
        try {
          metas.set(block.ulid, await this.#load({ ...request, signal }, block));
        } catch (thrown) {
          if (signal.aborted) throw thrown;
          const failure = during(`block ${block.ulid}`, thrown, { block: block.ulid });
          const { kind } = failure;
          if (kind === 'not-found' || kind === 'corrupt' || kind === 'unsupported') {
            partial.set(block.ulid, failure);
            counts.state(kind === 'not-found' ? 'no-meta-json' : 'corrupted-meta-json');
          } else {
            unseen.set(block.ulid, failure);
            counts.state('failed');
          }
        }
      },
      request.signal,
    );

    this.#report(partial);
    if (unseen.size === 0) await this.#cache.keepOnly(new Set(found.map(({ ulid }) => ulid)));
    // Loading ends in any order; what comes out should not depend on it.
    const sorted = new Map([...metas].sort(([a], [b]) => (a < b ? -1 : 1)));
    for (const filter of this.#deps.filters) {
      try {
        await filter.filter(request, sorted, counts);
      } catch (thrown) {
        throw during(`filter ${filter.name}`, thrown);
      }
    }
    for (let i = 0; i < sorted.size; i++) counts.state('loaded');
    for (const [state, count] of states) this.#meters.synced.set({ state }, count);
    for (const [modified, count] of modifications) this.#meters.modified.set({ modified }, count);
    return { metas: sorted, partial, unseen, incomplete: unseen.size === 0 ? undefined : incompleteView(unseen) };
  }

  /** A missing meta.json is an upload under way, one that cannot be read is damage that somebody has to look at. */
  #report(partial: ReadonlyMap<string, Fault>): void {
    const damaged = [...partial].filter(([, fault]) => fault.kind !== 'not-found');
    for (const [block, fault] of damaged) {
      if (this.#reported.has(block)) continue;
      const error = fault.message;
      this.#deps.logger.warn('meta.json of a block cannot be used, the block is not taken up', {
        block,
        kind: fault.kind,
        error,
      });
    }
    this.#reported = new Set(damaged.map(([block]) => block));
  }

  async #listRoot(request: RequestContext): Promise<readonly Found[]> {
    const ulids: string[] = [];
    for await (const { name } of this.#deps.bucket.list(request, '')) {
      const ulid = name.endsWith('/') ? blockOf(name) : undefined;
      if (ulid !== undefined) ulids.push(ulid);
    }
    return mapParallel(
      ulids,
      EXISTS_CONCURRENCY,
      async (ulid, signal) => ({
        ulid,
        hasMeta: await this.#deps.bucket.exists({ ...request, signal }, metaName(ulid)),
      }),
      request.signal,
    );
  }

  async #listAll(request: RequestContext): Promise<readonly Found[]> {
    const blocks = new Map<string, Found>();
    const listing = this.#deps.bucket.list(request, '', { recursive: true, attributes: true });
    for await (const { name, attributes } of listing) {
      const ulid = name.includes('/') ? blockOf(name) : undefined;
      if (ulid === undefined) continue;
      if (name === metaName(ulid)) blocks.set(ulid, { ulid, hasMeta: true, modifiedMs: attributes?.lastModified });
      else if (!blocks.has(ulid)) blocks.set(ulid, { ulid, hasMeta: false });
    }
    return [...blocks.values()];
  }

  async #load(request: RequestContext, { ulid, hasMeta, modifiedMs }: Found): Promise<BlockMeta> {
    if (!hasMeta) throw new Fault('not-found', 'there is no meta.json');
    const known = await this.#cache.get(ulid, modifiedMs);
    if (known !== undefined) return known;
    const bytes = await readAll(request, this.#deps.bucket, metaName(ulid), MAX_META_BYTES);
    const meta = parseMeta(bytes);
    if (meta.ulid !== ulid) throw new Fault('corrupt', `meta.json is that of block ${meta.ulid}`);
    await this.#cache.put(ulid, modifiedMs, meta, bytes);
    return meta;
  }
}

function incompleteView(unseen: ReadonlyMap<string, Fault>): Fault {
  return during(`incomplete view of the bucket, ${unseen.size} blocks missing`, collect([...unseen.values()]));
}

function metersOf(metrics: Metrics) {
  const prefix = 'thanos_blocks_meta';
  const meters = {
    syncs: metrics.counter(`${prefix}_syncs_total`, 'Syncs of block metas begun.'),
    failures: metrics.counter(`${prefix}_sync_failures_total`, 'Syncs of block metas that failed or were incomplete.'),
    duration: metrics.histogram(
      `${prefix}_sync_duration_seconds`,
      'How long a sync of block metas took.',
      [0.01, 1, 10, 100, 300, 600, 1000],
    ),
    synced: metrics.gauge(`${prefix}_synced`, 'Blocks of the last sync by what became of them.', ['state']),
    modified: metrics.gauge(`${prefix}_modified`, 'Blocks whose meta the last sync changed.', ['modified']),
  };
  for (const state of blockStates) meters.synced.set({ state }, 0);
  for (const modified of blockModifications) meters.modified.set({ modified }, 0);
  return meters;
}

// Copies blocks from one bucket to another: chunks, then the index, meta.json last, so that whoever sees meta.json in the
// other bucket can read the whole block. A run may be killed at any moment: the next goes on with what is missing.

import { forEachParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { collect } from '../errors/collect.ts';
import { during, kindOf, messageOf } from '../errors/fault.ts';
import type { Matcher } from '../model/matcher.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { MetaFetcher } from './fetcher.ts';
import type { BlockFilter } from './filters/block-filter.ts';
import { DeletionMarkFilter } from './filters/deletion-mark.ts';
import { TimePartitionFilter } from './filters/time-partition.ts';
import { CHUNKS_DIRECTORY, indexName, metaName } from './layout.ts';
import type { BlockMeta } from './meta.ts';

export interface ReplicatorDeps {
  readonly from: Bucket;
  readonly to: Bucket;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface ReplicatorConfig {
  /** Milliseconds; 0 is raw. */
  readonly resolutions: ReadonlySet<number>;
  readonly levels: ReadonlySet<number>;
  /** All of them must match a block's external labels. */
  readonly matchers: readonly Matcher[];
  /** Moments in ms, asked with the present time at each run. */
  readonly minTime: (nowMs: number) => number;
  readonly maxTime: (nowMs: number) => number;
  /** Only these blocks, whatever else is said; empty for all. */
  readonly ulids: ReadonlySet<string>;
  readonly ignoresMarked: boolean;
}

/** What one run did. */
export interface Replicated {
  readonly copied: number;
  /** Those that the other bucket had already. */
  readonly present: number;
}

const META_CONCURRENCY = 32;
/** Chunk segments of one block copied at once. */
const OBJECT_CONCURRENCY = 4;

export class Replicator {
  readonly #deps: ReplicatorDeps;
  readonly #config: ReplicatorConfig;
  readonly #fetcher: MetaFetcher;
  readonly #meters: ReturnType<typeof metersOf>;

  constructor(deps: ReplicatorDeps, config: ReplicatorConfig) {
    const { from, logger, metrics } = deps;
    this.#deps = deps;
    this.#config = config;
    this.#meters = metersOf(metrics);
    const filters: BlockFilter[] = [];
    if (config.ulids.size === 0) {
      filters.push(new TimePartitionFilter({ minTime: config.minTime, maxTime: config.maxTime }));
      if (config.ignoresMarked) {
        filters.push(new DeletionMarkFilter({ bucket: from, logger }, { delayMs: 0, concurrency: META_CONCURRENCY }));
      }
    }
    const fetching = { strategy: 'concurrent', concurrency: META_CONCURRENCY } as const;
    this.#fetcher = new MetaFetcher({ bucket: from, logger, metrics, filters }, fetching);
  }

  /**
   * Copies what is missing, oldest first. A block that fails holds back no other; the failures are thrown at the end, with
   * the kind of the first.
   */
  async run(request: RequestContext): Promise<Replicated> {
    const endRun = this.#meters.duration.startTimer();
    let result = 'error';
    try {
      const replicated = await this.#run(request);
      result = 'success';
      return replicated;
    } finally {
      this.#meters.runs.inc({ result });
      endRun({ result });
    }
  }

  async #run(request: RequestContext): Promise<Replicated> {
    this.#meters.iterations.inc();
    const { metas, partial, incomplete } = await this.#fetcher.fetch(request);
    if (incomplete !== undefined) throw incomplete;
    this.#meters.metaLoads.inc(metas.size);
    this.#meters.partialReads.inc(partial.size);
    const wanted = [...metas.values()].filter((meta) => this.#isWanted(meta)).sort(byAge);
    const failures: unknown[] = [];
    let copied = 0;
    for (const meta of wanted) {
      try {
        if (await this.#copyBlock(request, meta.ulid)) copied++;
      } catch (thrown) {
        if (kindOf(thrown) === 'canceled') throw thrown;
        this.#deps.logger.error('block is not copied, others go on', { block: meta.ulid, err: messageOf(thrown) });
        failures.push(during('copy block', thrown, { block: meta.ulid }));
      }
    }
    if (failures.length > 0) throw collect(failures);
    return { copied, present: wanted.length - copied };
  }

  #isWanted({ ulid, thanos, compaction }: BlockMeta): boolean {
    const { resolutions, levels, matchers, ulids } = this.#config;
    if (ulids.size > 0) return ulids.has(ulid);
    return (
      resolutions.has(thanos.resolutionMs) &&
      levels.has(compaction.level) &&
      matchers.every((matcher) => matcher.matches(thanos.labels.get(matcher.name) ?? ''))
    );
  }

  /** False when the other bucket has it already: its meta.json is the same, byte for byte. */
  async #copyBlock(request: RequestContext, ulid: string): Promise<boolean> {
    const { from, to, logger } = this.#deps;
    const meta = await readAll(request, from, metaName(ulid));
    const there = await readAll(request, to, metaName(ulid)).catch((thrown: unknown) => {
      if (kindOf(thrown) !== 'not-found') throw thrown;
      return undefined;
    });
    if (there !== undefined && Buffer.compare(there, meta) === 0) {
      this.#meters.present.inc();
      return false;
    }
    if (there !== undefined) logger.warn('block has another meta.json in the other bucket', { block: ulid });
    const names: string[] = [];
    for await (const { name } of from.list(request, `${ulid}/${CHUNKS_DIRECTORY}`, { recursive: true })) {
      names.push(name);
    }
    const copy = (name: string, signal: AbortSignal): Promise<void> => this.#copyObject({ ...request, signal }, name);
    await forEachParallel(names, OBJECT_CONCURRENCY, copy, request.signal);
    await this.#copyObject(request, indexName(ulid));
    // Read before the rest: what was listed then is what it describes.
    await to.upload(request, metaName(ulid), bodyOf(meta), { sizeBytes: meta.length });
    this.#meters.copied.inc();
    logger.info('block is copied', { block: ulid, objects: names.length + 2 });
    return true;
  }

  /** Objects of blocks never change, so one of the same size is the same: an upload is whole or is not there. */
  async #copyObject(request: RequestContext, name: string): Promise<void> {
    const { from, to } = this.#deps;
    const { sizeBytes } = await from.attributes(request, name);
    const there = await to.attributes(request, name).catch((thrown: unknown) => {
      if (kindOf(thrown) !== 'not-found') throw thrown;
      return undefined;
    });
    if (there?.sizeBytes === sizeBytes) return;
    // Fetched anew each time it is read, so an upload of it can be tried again.
    const body: AsyncIterable<Uint8Array> = {
      async *[Symbol.asyncIterator]() {
        yield* await from.get(request, name);
      },
    };
    await to.upload(request, name, body, { sizeBytes });
    this.#meters.objects.inc();
  }
}

function byAge(a: BlockMeta, b: BlockMeta): number {
  return a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1);
}

function metersOf(metrics: Metrics) {
  const prefix = 'thanos_replicate';
  return {
    runs: metrics.counter(`${prefix}_replication_runs_total`, 'Runs of replication.', ['result']),
    duration: metrics.histogram(
      `${prefix}_replication_run_duration_seconds`,
      'How long runs of replication took.',
      [0.1, 1, 10, 60, 300, 900, 3600],
      ['result'],
    ),
    iterations: metrics.counter(`${prefix}_origin_iterations_total`, 'Listings of the origin bucket.'),
    metaLoads: metrics.counter(`${prefix}_origin_meta_loads_total`, 'Metas of blocks read from the origin bucket.'),
    partialReads: metrics.counter(
      `${prefix}_origin_partial_meta_reads_total`,
      'Blocks of the origin bucket without a usable meta.json.',
    ),
    present: metrics.counter(`${prefix}_blocks_already_replicated_total`, 'Blocks the other bucket had already.'),
    copied: metrics.counter(`${prefix}_blocks_replicated_total`, 'Blocks copied.'),
    objects: metrics.counter(`${prefix}_objects_replicated_total`, 'Objects copied, metas left out.'),
  };
}

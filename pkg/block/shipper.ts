// Finds new local blocks and uploads each of them once. It may be killed at any moment: a block counts as uploaded when
// its meta.json is in the bucket, and everything before that is done again.
//
//   <directory>/<ULID>/...                blocks of Prometheus, never changed
//   <directory>/thanos/upload/<ULID>/...  hard links to the files of the block under way, with its meta.json rewritten;
//                                         own files where chunks have start timestamps, which few readers know
//   <directory>/thanos.shipper.json       what was uploaded

import { link, mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { collect } from '../errors/collect.ts';
import { during, Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Labels } from '../model/labels.ts';
import { isUlid } from '../model/ulid.ts';
import { type Bucket, readAll } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { blockHasStartTimestamps, transcodeBlock } from '../tsdb/transcode-block.ts';
import { blockOf, CHUNKS_DIRECTORY, INDEX_FILE, META_FILE, metaName } from './layout.ts';
import { type BlockMeta, parseMeta, printMeta } from './meta.ts';
import { readShipperState, writeShipperState } from './shipper-state.ts';
import { blockFiles, type HashFunc, segmentFilesOf, uploadBlock } from './upload.ts';

export interface ShipperDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The external labels of now; asked once per sync. */
  readonly labels: () => Labels;
  /** Milliseconds since the epoch; the system's clock unless a test says otherwise. */
  readonly now?: () => number;
}

export interface ShipperConfig {
  /** The directory with the blocks. */
  readonly directory: string;
  /** Goes into meta.json: `sidecar`, `ruler`, `receive`, `bucket.upload`. */
  readonly source: string;
  /** Also blocks of a level above 1; refused when they overlap a block of the same labels in the bucket. */
  readonly uploadCompacted?: boolean;
  /** A block that fails holds back no other, and compacted ones are not checked for overlaps. */
  readonly allowOutOfOrderUploads?: boolean;
  /** A block with an unreadable meta.json holds back no other. */
  readonly skipCorruptedBlocks?: boolean;
  /** Files of one block uploaded at once; 0 = one at a time. */
  readonly uploadConcurrency?: number;
  readonly hashFunc?: HashFunc;
  /** In the directory; `thanos.shipper.json` unless said otherwise. */
  readonly metaFileName?: string;
  /**
   * Chunks with start timestamps go up as they are. Else they are brought to the encodings that every reader knows, so that
   * one Prometheus does not break a fleet with older ones.
   */
  readonly keepStartTimestamps?: boolean;
}

export const DEFAULT_SHIPPER_META_FILE = 'thanos.shipper.json';
const STAGING_DIRECTORY = join('thanos', 'upload');
const REMOTE_META_CONCURRENCY = 32;

export class Shipper {
  readonly #deps: ShipperDeps;
  readonly #config: ShipperConfig;
  readonly #statePath: string;
  readonly #stagingPath: string;
  readonly #now: () => number;
  readonly #meters: ReturnType<typeof metersOf>;

  constructor(deps: ShipperDeps, config: ShipperConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#statePath = join(config.directory, config.metaFileName ?? DEFAULT_SHIPPER_META_FILE);
    this.#stagingPath = join(config.directory, STAGING_DIRECTORY);
    this.#now = deps.now ?? Date.now;
    this.#meters = metersOf(deps.metrics);
  }

  /**
   * Uploads what is new, oldest first, and gives the number of blocks uploaded. The first block that fails ends the sync,
   * unless out-of-order uploads are allowed: then the others go on and the failures are thrown at the end. Call again
   * to try again; one call at a time.
   */
  async sync(request: RequestContext): Promise<number> {
    this.#meters.syncs.inc();
    try {
      return await this.#sync(request);
    } catch (thrown) {
      if (kindOf(thrown) !== 'canceled') this.#meters.syncFailures.inc();
      throw during('ship blocks', thrown, { directory: this.#config.directory });
    }
  }

  async #sync(request: RequestContext): Promise<number> {
    const labels = this.#deps.labels();
    if (labels.size === 0) throw new Fault('invalid', 'no external labels, blocks cannot be told apart');
    // What a killed process left behind.
    await rm(this.#stagingPath, { recursive: true, force: true });

    const known = await readShipperState(this.#statePath, this.#deps.logger);
    const blocks = await this.#localBlocks();
    const overlaps = new OverlapCheck(this.#deps.bucket, labels);
    const uploaded: string[] = [];
    const failures: unknown[] = [];
    let uploadCount = 0;
    let oldestPending: BlockMeta | undefined;
    for (const meta of blocks) {
      if (known.has(meta.ulid)) {
        uploaded.push(meta.ulid);
        continue;
      }
      if (!this.#isWanted(meta)) continue;
      try {
        if (await this.#ship(request, meta, labels, overlaps)) uploadCount++;
        uploaded.push(meta.ulid);
      } catch (thrown) {
        oldestPending ??= meta;
        if (kindOf(thrown) !== 'canceled') this.#meters.uploadFailures.inc();
        if (request.signal.aborted || this.#config.allowOutOfOrderUploads !== true) {
          this.#meters.oldestPending.set(oldestPending.minTime / 1000);
          throw thrown;
        }
        this.#deps.logger.error('block is not uploaded, later ones go on', {
          block: meta.ulid,
          err: messageOf(thrown),
        });
        failures.push(thrown);
      }
    }
    this.#meters.oldestPending.set((oldestPending?.minTime ?? 0) / 1000);
    await writeShipperState(this.#statePath, uploaded);
    if (failures.length > 0) throw collect(failures);
    return uploadCount;
  }

  #isWanted(meta: BlockMeta): boolean {
    if (meta.stats.numSamples === 0) return false;
    return meta.compaction.level <= 1 || this.#config.uploadCompacted === true;
  }

  /** The blocks of the directory, oldest first. Names that are no identifiers and directories without meta.json are not blocks. */
  async #localBlocks(): Promise<readonly BlockMeta[]> {
    const blocks: BlockMeta[] = [];
    const entries = await readdir(this.#config.directory, { withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isDirectory() || !isUlid(entry.name)) continue;
      const path = join(this.#config.directory, entry.name, META_FILE);
      try {
        const meta = parseMeta(await readFile(path));
        if (meta.ulid !== entry.name) throw new Fault('corrupt', `meta.json is that of block ${meta.ulid}`);
        blocks.push(meta);
      } catch (thrown) {
        const kind = kindOf(thrown);
        if (kind === 'not-found') continue; // Being written, or being deleted.
        const isCorrupt = kind === 'corrupt' || kind === 'unsupported';
        if (isCorrupt) this.#meters.corrupted.inc();
        if (!isCorrupt || this.#config.skipCorruptedBlocks !== true) {
          const doing = `read block ${entry.name}${isCorrupt ? ', which holds back all others until it is moved away' : ''}`;
          throw during(doing, thrown, { block: entry.name });
        }
        this.#deps.logger.warn('block is skipped because its meta.json cannot be read', {
          block: entry.name,
          err: messageOf(thrown),
        });
      }
    }
    return blocks.sort((a, b) => a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1));
  }

  /** Brings one block into the bucket; false when it was there already, or is gone here. */
  async #ship(request: RequestContext, meta: BlockMeta, labels: Labels, overlaps: OverlapCheck): Promise<boolean> {
    const { bucket, logger } = this.#deps;
    const { ulid } = meta;
    if (await bucket.exists(request, metaName(ulid))) return false;
    const isCompacted = meta.compaction.level > 1;
    if (isCompacted && this.#config.allowOutOfOrderUploads !== true) await overlaps.check(request, meta);

    const staging = join(this.#stagingPath, ulid);
    try {
      if (!(await this.#stage(request, meta, labels, staging))) {
        logger.warn('block disappeared before it was uploaded', { block: ulid });
        return false;
      }
      const { uploadConcurrency = 0, hashFunc = '' } = this.#config;
      await uploadBlock(request, bucket, staging, { concurrency: uploadConcurrency, hashFunc, nowMs: this.#now() });
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
    overlaps.add(meta);
    this.#meters.uploads.inc();
    logger.info('block is uploaded', { block: ulid, minTime: meta.minTime, maxTime: meta.maxTime });
    return true;
  }

  /** Links the block's files aside, so that Prometheus may delete it meanwhile. False when it has just done so. */
  async #stage(request: RequestContext, meta: BlockMeta, labels: Labels, staging: string): Promise<boolean> {
    const block = join(this.#config.directory, meta.ulid);
    try {
      await mkdir(join(staging, CHUNKS_DIRECTORY), { recursive: true });
      for (const name of await readdir(join(block, CHUNKS_DIRECTORY))) {
        await link(join(block, CHUNKS_DIRECTORY, name), join(staging, CHUNKS_DIRECTORY, name));
      }
      await link(join(block, INDEX_FILE), join(staging, INDEX_FILE));
    } catch (thrown) {
      const isGone = (await stat(join(block, META_FILE)).catch(() => undefined)) === undefined;
      if (isGone && kindOf(thrown) === 'not-found') return false;
      throw during(`stage block ${meta.ulid}`, thrown, { block: meta.ulid });
    }
    if (this.#config.keepStartTimestamps !== true) await this.#dropStartTimestamps(request.signal, meta, staging);
    const files = await blockFiles(staging, '');
    const thanos = {
      ...meta.thanos,
      labels: meta.thanos.labels.with(labels),
      source: this.#config.source,
      segmentFiles: segmentFilesOf(files),
    };
    await writeFile(join(staging, META_FILE), printMeta({ ...meta, thanos }));
    return true;
  }

  /** Where there are any, index and chunks in the staging directory become files of their own. */
  async #dropStartTimestamps(signal: AbortSignal, { ulid }: BlockMeta, staging: string): Promise<void> {
    if (!(await blockHasStartTimestamps(staging, signal))) return;
    const rewritten = join(staging, 'rewritten');
    await transcodeBlock(staging, rewritten, signal);
    for (const name of [CHUNKS_DIRECTORY, INDEX_FILE]) {
      await rm(join(staging, name), { recursive: true });
      await rename(join(rewritten, name), join(staging, name));
    }
    await rmdir(rewritten);
    this.#deps.logger.info('block goes up without its start timestamps', { block: ulid });
  }
}

/** Refuses compacted blocks that overlap what the bucket has of the same labels. Asks the bucket once, when first needed. */
class OverlapCheck {
  readonly #bucket: Bucket;
  readonly #labels: Labels;
  #remote: BlockMeta[] | undefined;
  readonly #added: BlockMeta[] = [];

  constructor(bucket: Bucket, labels: Labels) {
    this.#bucket = bucket;
    this.#labels = labels;
  }

  /** Remembers what this sync uploaded. */
  add(meta: BlockMeta): void {
    this.#added.push(meta);
  }

  async check(request: RequestContext, meta: BlockMeta): Promise<void> {
    this.#remote ??= await this.#load(request);
    for (const other of [...this.#remote, ...this.#added]) {
      if (other.ulid === meta.ulid || other.minTime >= meta.maxTime || meta.minTime >= other.maxTime) continue;
      throw new Fault('conflict', `block ${meta.ulid} overlaps block ${other.ulid} in the bucket`, {
        facts: { block: meta.ulid },
      });
    }
  }

  async #load(request: RequestContext): Promise<BlockMeta[]> {
    const ulids: string[] = [];
    for await (const { name } of this.#bucket.list(request, '')) {
      const ulid = name.endsWith('/') ? blockOf(name) : undefined;
      if (ulid !== undefined) ulids.push(ulid);
    }
    const load = async (ulid: string, signal: AbortSignal): Promise<BlockMeta | undefined> => {
      try {
        return parseMeta(await readAll({ ...request, signal }, this.#bucket, metaName(ulid)));
      } catch (thrown) {
        if (kindOf(thrown) === 'not-found') return undefined; // Partial, so no data of anybody.
        throw during(`check overlaps with block ${ulid}`, thrown);
      }
    };
    const metas = await mapParallel(ulids, REMOTE_META_CONCURRENCY, load, request.signal);
    return metas.filter((meta) => meta?.thanos.labels.equals(this.#labels)) as BlockMeta[];
  }
}

function metersOf(metrics: Metrics) {
  return {
    syncs: metrics.counter('thanos_shipper_dir_syncs_total', 'Looks into the directory for new blocks.'),
    syncFailures: metrics.counter('thanos_shipper_dir_sync_failures_total', 'Looks into the directory that failed.'),
    uploads: metrics.counter('thanos_shipper_uploads_total', 'Blocks uploaded.'),
    uploadFailures: metrics.counter('thanos_shipper_upload_failures_total', 'Block uploads that failed.'),
    corrupted: metrics.counter('thanos_shipper_corrupted_blocks_total', 'Blocks found with an unreadable meta.json.'),
    oldestPending: metrics.gauge(
      'tributary_shipper_oldest_failed_block_timestamp_seconds',
      'Least time of the oldest block that could not be uploaded in the last sync; 0 when there is none.',
    ),
  };
}

// Keeps the demonstration bucket filled up to now: a block for every two hours and replica, the newest one written anew
// as it grows. Blocks that a longer one replaced go a round later, when no gateway reads them any more.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestContext } from '../../pkg/async/request.ts';
import { deleteBlock } from '../../pkg/block/delete.ts';
import { blockOf, META_FILE, metaName } from '../../pkg/block/layout.ts';
import { type BlockMeta, emptyThanos, parseMeta, printMeta } from '../../pkg/block/meta.ts';
import { uploadBlock } from '../../pkg/block/upload.ts';
import { kindOf } from '../../pkg/errors/fault.ts';
import { Labels } from '../../pkg/model/labels.ts';
import { newUlid } from '../../pkg/model/ulid.ts';
import { type Bucket, readAll } from '../../pkg/objstore/bucket.ts';
import { BlockWriter } from '../../pkg/tsdb/block-writer.ts';
import { DEMO_REPLICAS, type DemoReplica, demoSeries } from './history.ts';

const BLOCK_MS = 2 * 3_600_000;
/** A tail shorter than this is not worth a block. */
const SHORTEST_TAIL_MS = 30_000;

export interface FillConfig {
  /** Blocks are written here before they are uploaded; emptied at the start. */
  readonly stagingDir: string;
  readonly days: number;
}

/** One block that is to be written. */
interface Gap {
  readonly replica: DemoReplica;
  readonly fromMs: number;
  readonly toMs: number;
  /** Blocks it takes the place of, once it is there. */
  readonly replaces: readonly string[];
}

export class DemoHistory {
  readonly #bucket: Bucket;
  readonly #config: FillConfig;
  /** Replaced or outlived blocks, to be deleted at the next round. */
  #replaced: string[] = [];

  constructor(bucket: Bucket, config: FillConfig) {
    this.#bucket = bucket;
    this.#config = config;
    rmSync(config.stagingDir, { recursive: true, force: true });
    mkdirSync(config.stagingDir, { recursive: true });
  }

  /** Writes what is missing up to `nowMs`; `progress` is told of each block. Resolves to the number written. */
  async extend(
    request: RequestContext,
    nowMs: number,
    progress: (written: number, wanted: number) => void,
  ): Promise<number> {
    const present = await this.#presentBlocks(request);
    for (const ulid of this.#replaced.splice(0)) await deleteBlock(request, this.#bucket, ulid);
    const oldestMs = floorTo(nowMs - this.#config.days * 86_400_000, BLOCK_MS);
    const gaps = this.#gaps(present, oldestMs, nowMs);
    let written = 0;
    for (const gap of gaps) {
      request.signal.throwIfAborted();
      await this.#write(request, gap);
      this.#replaced.push(...gap.replaces);
      progress(++written, gaps.length);
    }
    return written;
  }

  /** Blocks no one can be reading yet: for the first round of a start. */
  async dropReplaced(request: RequestContext): Promise<void> {
    for (const ulid of this.#replaced.splice(0)) await deleteBlock(request, this.#bucket, ulid);
  }

  /** For each replica and two hours, from the oldest on: nothing when the block there reaches far enough. */
  #gaps(present: readonly BlockMeta[], oldestMs: number, nowMs: number): Gap[] {
    const gaps: Gap[] = [];
    for (let fromMs = oldestMs; fromMs < nowMs - SHORTEST_TAIL_MS; fromMs += BLOCK_MS) {
      const toMs = Math.min(fromMs + BLOCK_MS, nowMs);
      for (const replica of DEMO_REPLICAS) {
        const there = present.filter((meta) => isOf(meta, replica) && floorTo(meta.minTime, BLOCK_MS) === fromMs);
        const longest = Math.max(...there.map((meta) => meta.maxTime));
        const reachesEnd = longest >= toMs - (toMs < fromMs + BLOCK_MS ? SHORTEST_TAIL_MS : 0);
        if (!reachesEnd) gaps.push({ replica, fromMs, toMs, replaces: there.map(({ ulid }) => ulid) });
        // A crash came between writing the longer block and deleting this one.
        else this.#replaced.push(...there.filter((meta) => meta.maxTime < longest).map(({ ulid }) => ulid));
      }
    }
    this.#replaced.push(...present.filter((meta) => meta.maxTime <= oldestMs).map((meta) => meta.ulid));
    return gaps;
  }

  async #write(request: RequestContext, { replica, fromMs, toMs }: Gap): Promise<void> {
    const ulid = newUlid();
    const directory = join(this.#config.stagingDir, ulid);
    const writer = new BlockWriter(this.#config.stagingDir, { ulid, minTime: fromMs, maxTime: toMs });
    let seriesCount = 0;
    for (const { labels, samples } of demoSeries(replica, fromMs, toMs)) {
      writer.addSeries(labels, samples);
      seriesCount++;
    }
    // A replica that was away the whole time has no block.
    if (seriesCount === 0) {
      writer.abort();
      return;
    }
    writer.finish();
    const metaPath = join(directory, META_FILE);
    const meta = parseMeta(readFileSync(metaPath));
    const thanos = {
      ...emptyThanos,
      version: 1,
      labels: demoLabels(replica),
      source: 'demo',
      segmentFiles: ['000001'],
    };
    writeFileSync(metaPath, printMeta({ ...meta, thanos }));
    await uploadBlock(request, this.#bucket, directory, { concurrency: 0, hashFunc: '', nowMs: Date.now() });
    rmSync(directory, { recursive: true, force: true });
  }

  /** Metas of the demonstration's own blocks; those of others in the same bucket are left alone. */
  async #presentBlocks(request: RequestContext): Promise<BlockMeta[]> {
    const metas: BlockMeta[] = [];
    for await (const { name } of this.#bucket.list(request, '')) {
      const ulid = blockOf(name);
      if (ulid === undefined) continue;
      try {
        const meta = parseMeta(await readAll(request, this.#bucket, metaName(ulid)));
        if (meta.thanos.source === 'demo' && !this.#replaced.includes(ulid)) metas.push(meta);
      } catch (thrown) {
        // An upload that a crash cut off: never visible, and written again.
        if (kindOf(thrown) !== 'not-found') throw thrown;
      }
    }
    return metas;
  }
}

function demoLabels(replica: DemoReplica): Labels {
  return Labels.of({ cluster: 'demo', replica });
}

function isOf(meta: BlockMeta, replica: DemoReplica): boolean {
  return meta.thanos.labels.get('replica') === replica;
}

function floorTo(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs;
}

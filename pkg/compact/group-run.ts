// One plan from download to upload. The sources are marked only when the merger is in the bucket, whole; before that a
// crash leaves nothing but files here and a partial upload there, after it the merger replaces its sources by naming them.

import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { overlapRule } from '../block/dedup-chunks.ts';
import { downloadBlock } from '../block/download.ts';
import { META_FILE, metaName, objectName } from '../block/layout.ts';
import { type BlockMeta, emptyThanos, printMeta } from '../block/meta.ts';
import { blockFiles, segmentFilesOf, uploadBlock } from '../block/upload.ts';
import { during, Fault } from '../errors/fault.ts';
import { newUlid } from '../model/ulid.ts';
import { mergeBlocks } from '../tsdb/merge-blocks.ts';
import type { RunConfig } from './config.ts';
import type { BlockGroup } from './grouper.ts';
import { type MarkerDeps, markForDeletion } from './marker.ts';
import type { Plan } from './planner.ts';
import { recordedSize } from './progress.ts';
import { type OpenSource, openSource, verifyMerger } from './verify.ts';

/**
 * Carries out a plan and gives the identifier of the merger; undefined when the sources held no sample, in which case they
 * are marked too. A failure that lies in one source has its identifier as the fact `block`. What was downloaded stays for
 * the next try after a failure, unless it was found to be broken.
 */
export async function runPlan(
  request: RequestContext,
  deps: MarkerDeps,
  group: BlockGroup,
  plan: Plan,
  config: RunConfig,
): Promise<string | undefined> {
  checkSources(plan.blocks, config.hasVertical);
  const directory = join(config.workDir, group.id);
  await mkdir(directory, { recursive: true });
  await removeAllBut(directory, new Set(plan.blocks.map(({ ulid }) => ulid)));
  await checkSpace(directory, plan.blocks);

  const fetch = async ({ ulid }: BlockMeta, signal: AbortSignal): Promise<void> => {
    await downloadBlock({ ...request, signal }, deps.bucket, ulid, join(directory, ulid), config.fileConcurrency);
  };
  await forEachParallel(plan.blocks, config.blockConcurrency, fetch, request.signal);
  const meta = await mergeSources(request, directory, group, plan, config);
  if (meta === undefined) {
    for (const { ulid } of plan.blocks) {
      await markForDeletion(request, deps, ulid, { reason: 'empty-block', details: 'block without samples' });
    }
  } else {
    await publish(request, deps, join(directory, meta.ulid), meta, config);
    deps.logger.info('blocks are compacted', {
      group: group.id,
      block: meta.ulid,
      sources: plan.blocks.map(({ ulid }) => ulid).join(','),
      samples: meta.stats.numSamples,
    });
    for (const { ulid } of plan.blocks) {
      const details = `source of compacted block ${meta.ulid}`;
      await markForDeletion(request, deps, ulid, { reason: 'compacted', details });
    }
  }
  await rm(directory, { recursive: true, force: true });
  return meta?.ulid;
}

/** Two blocks made from one and the same hold its samples twice; merging overlaps takes care of that, copying does not. */
function checkSources(blocks: readonly BlockMeta[], hasVertical: boolean): void {
  if (hasVertical) return;
  const seen = new Map<string, string>();
  for (const { ulid, compaction } of blocks) {
    for (const source of compaction.sources) {
      const other = seen.get(source);
      if (other !== undefined) throw new Fault('conflict', `blocks ${other} and ${ulid} share the source ${source}`);
      seen.set(source, ulid);
    }
  }
}

/** Leftovers of other plans, and mergers that never were uploaded. */
async function removeAllBut(directory: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!kept.has(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** The sources and a merger of about their size must fit. */
async function checkSpace(directory: string, blocks: readonly BlockMeta[]): Promise<void> {
  const needed = 2 * blocks.reduce((sum, block) => sum + recordedSize(block), 0);
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new Fault('limit', `the compaction needs ${needed} bytes of disk in ${directory}, ${free} are free`);
}

async function mergeSources(
  request: RequestContext,
  directory: string,
  group: BlockGroup,
  plan: Plan,
  config: RunConfig,
): Promise<BlockMeta | undefined> {
  const sources: OpenSource[] = [];
  try {
    for (const { ulid } of plan.blocks) {
      sources.push(openSource(join(directory, ulid), ulid, config.acceptsMalformedIndex));
    }
    const ulid = newUlid();
    const mergeOverlaps = overlapRule(config.dedupFunc);
    const blocks = sources.map(({ block }) => block);
    const merged = await mergeBlocks(directory, blocks, { ulid, mergeOverlaps, signal: request.signal });
    if (merged === undefined) return undefined;
    const isLossless = !plan.isVertical && sources.every(({ isWhole }) => isWhole);
    const path = join(directory, ulid);
    const health = verifyMerger(path, merged.stats, plan.blocks, isLossless);
    const { others: _others, ...base } = merged;
    const meta: BlockMeta = {
      ...base,
      thanos: {
        ...emptyThanos,
        version: 1,
        labels: group.labels,
        resolutionMs: group.resolutionMs,
        source: 'compactor',
        segmentFiles: segmentFilesOf(await blockFiles(path, '')),
        seriesMaxSizeBytes: health.seriesMaxSizeBytes,
        chunkMaxSizeBytes: health.chunkMaxSizeBytes,
        extensions: sharedExtensions(group.blocks),
      },
    };
    await writeFile(join(path, META_FILE), printMeta(meta));
    return meta;
  } finally {
    for (const { block } of sources) block.close();
  }
}

/** The keys that all blocks with extensions have, with the values of the oldest; undefined when there are none. */
export function sharedExtensions(blocks: readonly BlockMeta[]): unknown {
  const objects = blocks
    .map(({ thanos }) => thanos.extensions)
    .filter((value): value is Record<string, unknown> => typeof value === 'object' && value !== null);
  if (objects.length === 0) return undefined;
  const [oldest, ...others] = objects;
  const shared = Object.entries(oldest).filter(([key]) => others.every((object) => Object.hasOwn(object, key)));
  return shared.length === 0 ? undefined : Object.fromEntries(shared);
}

/** Uploads the merger and makes sure that it is there: every file, in its size, and meta.json. */
async function publish(
  request: RequestContext,
  deps: MarkerDeps,
  directory: string,
  meta: BlockMeta,
  config: RunConfig,
): Promise<void> {
  const { bucket } = deps;
  const { ulid } = meta;
  const { fileConcurrency: concurrency, hashFunc } = config;
  await uploadBlock(request, bucket, directory, { concurrency, hashFunc, nowMs: deps.now() });
  try {
    for (const { relPath, sizeBytes } of await blockFiles(directory, '')) {
      if (relPath === META_FILE) continue;
      const attributes = await bucket.attributes(request, objectName(ulid, relPath));
      if (attributes.sizeBytes === sizeBytes) continue;
      throw new Fault('unavailable', `${relPath} has ${attributes.sizeBytes} bytes there, ${sizeBytes} here`);
    }
    if (!(await bucket.exists(request, metaName(ulid)))) throw new Fault('unavailable', 'there is no meta.json');
  } catch (thrown) {
    throw during(`confirm the upload of block ${ulid}`, thrown);
  }
}

// One plan from download to upload. The sources are marked only when the merger is in the bucket, whole; before that a
// crash leaves nothing but files here and a partial upload there, after it the merger replaces its sources by naming them.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { downloadBlock } from '../block/download.ts';
import { META_FILE, metaName, objectName } from '../block/layout.ts';
import { type BlockMeta, emptyThanos, printMeta } from '../block/meta.ts';
import { blockFiles, segmentFilesOf, uploadBlock } from '../block/upload.ts';
import { during, Fault } from '../errors/fault.ts';
import { newUlid } from '../model/ulid.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { RunConfig } from './config.ts';
import type { DiskSpace } from './disk-space.ts';
import type { BlockGroup } from './grouper.ts';
import { type MarkerDeps, markForDeletion } from './marker.ts';
import type { MergeThreads } from './merge-threads.ts';
import type { Plan } from './planner.ts';
import { recordedSize } from './progress.ts';

const MARKS_AT_ONCE = 8;

export interface RunDeps extends MarkerDeps {
  readonly threads: MergeThreads;
  readonly space: DiskSpace;
  /** Called after each step and while one gets on, as a sign of life. */
  readonly onStep: () => void;
}

/**
 * Carries out a plan and gives the merger as the bucket has it; undefined when the sources held no sample, in which case they
 * are marked too. A failure that lies in one source has its identifier as the fact `block`. What was downloaded stays for
 * the next try after a failure, unless it was found to be broken.
 */
export async function runPlan(
  request: RequestContext,
  deps: RunDeps,
  group: BlockGroup,
  plan: Plan,
  config: RunConfig,
): Promise<BlockMeta | undefined> {
  checkSources(plan.blocks, config.hasVertical);
  const directory = join(config.workDir, group.id);
  await mkdir(directory, { recursive: true });
  await removeAllBut(directory, new Set(plan.blocks.map(({ ulid }) => ulid)));
  const diskBytes = await neededBytes(request, deps.bucket, plan.blocks);
  const release = await deps.space.reserve(request.signal, directory, diskBytes);
  deps.logger.info('compaction begins', {
    group: group.id,
    blocks: plan.blocks.map(({ ulid }) => ulid).join(','),
    overlap: plan.isVertical,
    diskBytes,
  });
  try {
    return await runInSpace(request, deps, directory, group, plan, config);
  } finally {
    release();
  }
}

async function runInSpace(
  request: RequestContext,
  deps: RunDeps,
  directory: string,
  group: BlockGroup,
  plan: Plan,
  config: RunConfig,
): Promise<BlockMeta | undefined> {
  deps.threads.prepare?.();
  const { fileConcurrency: concurrency } = config;
  const fetch = async ({ ulid }: BlockMeta, signal: AbortSignal): Promise<void> => {
    const options = { concurrency, isScratch: true };
    await downloadBlock({ ...request, signal }, deps.bucket, ulid, join(directory, ulid), options);
    deps.onStep();
  };
  await forEachParallel(plan.blocks, config.blockConcurrency, fetch, request.signal);
  const meta = await mergePlan(request, deps, directory, group, plan, config);
  deps.onStep();
  let published: BlockMeta | undefined;
  if (meta === undefined) {
    for (const { ulid } of plan.blocks) {
      await markForDeletion(request, deps, ulid, { reason: 'empty-block', details: 'block without samples' });
    }
  } else {
    published = await publish(request, deps, join(directory, meta.ulid), meta, config);
    deps.onStep();
    deps.logger.info('blocks are compacted', {
      group: group.id,
      block: meta.ulid,
      sources: plan.blocks.map(({ ulid }) => ulid).join(','),
      samples: meta.stats.numSamples,
    });
    const details = `source of compacted block ${meta.ulid}`;
    const mark = ({ ulid }: BlockMeta, signal: AbortSignal): Promise<void> =>
      markForDeletion({ ...request, signal }, deps, ulid, { reason: 'compacted', details });
    await forEachParallel(plan.blocks, MARKS_AT_ONCE, mark, request.signal);
  }
  await rm(directory, { recursive: true, force: true });
  return published;
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

/** The sources and a block of about their size must fit. */
export async function neededBytes(
  request: RequestContext,
  bucket: Bucket,
  blocks: readonly BlockMeta[],
): Promise<number> {
  let sum = 0;
  for (const block of blocks) {
    const recorded = recordedSize(block);
    if (recorded > 0) {
      sum += recorded;
      continue;
    }
    // Old metas list no files.
    for await (const { attributes } of bucket.list(request, block.ulid, { recursive: true, attributes: true })) {
      sum += attributes?.sizeBytes ?? 0;
    }
  }
  return 2 * sum;
}

async function mergePlan(
  request: RequestContext,
  { threads, onStep }: RunDeps,
  directory: string,
  group: BlockGroup,
  plan: Plan,
  config: RunConfig,
): Promise<BlockMeta | undefined> {
  const { dedupFunc, acceptsMalformedIndex } = config;
  const ulid = newUlid();
  const sources = plan.blocks.map((block) => block.ulid);
  const { isVertical } = plan;
  const job = { directory, sources, ulid, isVertical, dedupFunc, acceptsMalformedIndex };
  const result = await threads.run(request.signal, job, onStep);
  if (result === undefined) return undefined;
  const path = join(directory, ulid);
  const { others: _others, ...base } = result.meta;
  const meta: BlockMeta = {
    ...base,
    thanos: {
      ...emptyThanos,
      version: 1,
      labels: group.labels,
      resolutionMs: group.resolutionMs,
      source: 'compactor',
      segmentFiles: segmentFilesOf(await blockFiles(path, '')),
      seriesMaxSizeBytes: result.health.seriesMaxSizeBytes,
      chunkMaxSizeBytes: result.health.chunkMaxSizeBytes,
      extensions: sharedExtensions(group.blocks),
    },
  };
  await writeFile(join(path, META_FILE), printMeta(meta));
  return meta;
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

/** Uploads a block that was made and makes sure that it is there: every file, in its size, and meta.json, which it gives. */
export async function publish(
  request: RequestContext,
  deps: MarkerDeps,
  directory: string,
  meta: BlockMeta,
  config: Pick<RunConfig, 'fileConcurrency' | 'hashFunc'>,
): Promise<BlockMeta> {
  const { bucket, guard } = deps;
  // Whoever has taken over the bucket makes this block too: one of them is enough.
  await guard.ensure(request);
  const { ulid } = meta;
  const { fileConcurrency: concurrency, hashFunc } = config;
  // Nor is it needed when they took over while the chunks went up.
  const beforeMeta = (): Promise<void> => guard.ensure(request);
  const options = { concurrency, hashFunc, nowMs: deps.now(), isDone: true, beforeMeta };
  const published = await uploadBlock(request, bucket, directory, options);
  try {
    for (const { relPath, sizeBytes } of await blockFiles(directory, '')) {
      if (relPath === META_FILE) continue;
      const attributes = await bucket.attributes(request, objectName(ulid, relPath));
      if (attributes.sizeBytes === sizeBytes) continue;
      throw new Fault('unavailable', `${relPath} has ${attributes.sizeBytes} bytes there, ${sizeBytes} here`);
    }
    if (!(await bucket.exists(request, metaName(ulid)))) throw new Fault('unavailable', 'there is no meta.json');
    return published;
  } catch (thrown) {
    throw during(`confirm the upload of block ${ulid}`, thrown);
  }
}

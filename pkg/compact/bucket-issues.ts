// What can be wrong with the blocks of a bucket, found and, where that is safe, put right. The names are the reference's.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RequestContext } from '../async/request.ts';
import { overlapRule } from '../block/dedup-chunks.ts';
import { deleteBlock } from '../block/delete.ts';
import { downloadBlock } from '../block/download.ts';
import { checkIndex, describeDefects } from '../block/health.ts';
import { META_FILE } from '../block/layout.ts';
import { newMark, writeMark } from '../block/marks.ts';
import { type BlockMeta, printMeta } from '../block/meta.ts';
import { blockFiles, segmentFilesOf, uploadBlock } from '../block/upload.ts';
import { Fault, messageOf } from '../errors/fault.ts';
import { newUlid } from '../model/ulid.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Block } from '../tsdb/block.ts';
import { mergeBlocks } from '../tsdb/merge-blocks.ts';
import { groupBlocks } from './grouper.ts';

export const issueNames = ['index_known_issues', 'overlapped_blocks', 'duplicated_compaction'] as const;
export type IssueName = (typeof issueNames)[number];

export interface Finding {
  readonly issue: IssueName;
  /** The block to look at, or to repair. */
  readonly ulid: string;
  /** What was found, in words, and what it means. */
  readonly text: string;
  /** Absent where nothing can be repaired. */
  readonly repair?: 'rewrite' | 'remove';
}

export interface IssueDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  /** Blocks are downloaded below it, one at a time, and removed again. */
  readonly workDir: string;
}

/** Looks for one kind of issue among the blocks; findings come as they are found. */
export async function* findIssues(
  request: RequestContext,
  deps: IssueDeps,
  issue: IssueName,
  metas: readonly BlockMeta[],
): AsyncIterable<Finding> {
  switch (issue) {
    case 'index_known_issues':
      for (const meta of metas) yield* indexIssues(request, deps, meta);
      return;
    case 'overlapped_blocks':
      yield* overlaps(metas);
      return;
    case 'duplicated_compaction':
      yield* duplicates(metas);
      return;
  }
}

async function* indexIssues(request: RequestContext, deps: IssueDeps, meta: BlockMeta): AsyncIterable<Finding> {
  const issue = 'index_known_issues';
  const { ulid } = meta;
  const directory = join(deps.workDir, ulid);
  let block: Block | undefined;
  try {
    await downloadBlock(request, deps.bucket, ulid, directory, { concurrency: 1 });
    block = Block.open(directory);
    const health = checkIndex(block);
    const found = describeDefects(health);
    if (found === undefined) return;
    // Order of chunks can be made; what an entry says of its labels cannot be guessed.
    const { undecodable, labelOrder, seriesOrder, unlabelled } = health.counts;
    const isCurable = undecodable + labelOrder + seriesOrder + unlabelled === 0;
    yield { issue, ulid, text: `the index has ${found}`, ...(isCurable ? { repair: 'rewrite' } : {}) };
  } catch (thrown) {
    if (request.signal.aborted) throw thrown;
    if (thrown instanceof Fault && ['corrupt', 'not-found', 'unsupported'].includes(thrown.kind)) {
      yield { issue, ulid, text: `the block cannot be read: ${messageOf(thrown)}` };
      return;
    }
    throw thrown;
  } finally {
    block?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function* overlaps(metas: readonly BlockMeta[]): Iterable<Finding> {
  for (const { id, blocks } of groupBlocks(metas)) {
    let last = blocks[0];
    for (const block of blocks.slice(1)) {
      if (block.minTime < last.maxTime) {
        const text = `group ${id}: overlaps with block ${last.ulid} from ${block.minTime} to ${Math.min(block.maxTime, last.maxTime)}`;
        yield { issue: 'overlapped_blocks', ulid: block.ulid, text };
      }
      if (block.maxTime > last.maxTime) last = block;
    }
  }
}

/** Of blocks made from the same sources, for the same time and resolution, the first is kept. */
function* duplicates(metas: readonly BlockMeta[]): Iterable<Finding> {
  for (const { id, blocks } of groupBlocks(metas)) {
    const kept = new Map<string, string>();
    for (const { ulid, minTime, maxTime, compaction } of blocks) {
      const key = `${minTime} ${maxTime} ${[...compaction.sources].sort()}`;
      const other = kept.get(key);
      if (other === undefined) {
        kept.set(key, ulid);
        continue;
      }
      const text = `group ${id}: made from the same sources as block ${other}, which has all it has`;
      yield { issue: 'duplicated_compaction', ulid, text, repair: 'remove' };
    }
  }
}

export interface RepairDeps extends IssueDeps {
  /** Gets a copy of each block before it goes. */
  readonly backup: Bucket;
}

/**
 * Repairs what a finding says: a block with chunks out of order or place is written anew and uploaded, then the old one,
 * like a duplicate, is copied into the backup and deleted; marked instead when there is a delay. Gives the identifier of
 * the new block, undefined when there is none.
 */
export async function repairIssue(
  request: RequestContext,
  deps: RepairDeps,
  { ulid, repair }: Finding,
  deleteDelayMs: number,
): Promise<string | undefined> {
  const directory = join(deps.workDir, ulid);
  try {
    const meta = await downloadBlock(request, deps.bucket, ulid, directory, { concurrency: 1 });
    await uploadBackup(request, deps, ulid);
    const made = repair === 'rewrite' ? await rewrite(request, deps, meta) : undefined;
    if (deleteDelayMs === 0) await deleteBlock(request, deps.bucket, ulid);
    else {
      const details = made === undefined ? 'duplicate, removed by verify' : `repaired as block ${made}`;
      await writeMark(request, deps, newMark('deletion', ulid, { details, nowMs: Date.now() }));
    }
    return made;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Copies every object of a block, meta.json last. */
async function uploadBackup(request: RequestContext, { bucket, backup }: RepairDeps, ulid: string): Promise<void> {
  const names: string[] = [];
  for await (const { name } of bucket.list(request, ulid, { recursive: true })) names.push(name);
  const last = `${ulid}/${META_FILE}`;
  for (const name of [...names.filter((other) => other !== last), last]) {
    const { sizeBytes } = await bucket.attributes(request, name);
    await backup.upload(request, name, await bucket.get(request, name), { sizeBytes });
  }
}

/** Writes the block anew under another identifier: chunks in order, none outside of its time; undefined when none is left. */
async function rewrite(request: RequestContext, deps: RepairDeps, meta: BlockMeta): Promise<string | undefined> {
  const parent = join(deps.workDir, 'repaired');
  const ulid = newUlid();
  const directory = join(parent, ulid);
  await mkdir(dirname(directory), { recursive: true });
  const source = Block.open(join(deps.workDir, meta.ulid));
  try {
    const options = { ulid, mergeOverlaps: overlapRule(''), signal: request.signal };
    const merged = await mergeBlocks(parent, [source], options);
    if (merged === undefined) return undefined;
    const { others: _others, ...base } = merged;
    const { minTime, maxTime } = meta;
    // With one source more than the old block this one replaces it, and everything that one replaced.
    const sources = [...meta.compaction.sources, ulid].sort();
    const compaction = { ...meta.compaction, sources, parents: [{ ulid: meta.ulid, minTime, maxTime }] };
    const segmentFiles = segmentFilesOf(await blockFiles(directory, ''));
    const thanos = { ...meta.thanos, source: 'bucket.repair', segmentFiles, files: [] };
    await writeFile(join(directory, META_FILE), printMeta({ ...base, compaction, thanos }));
    const found = defectsOf(directory);
    if (found !== undefined)
      throw new Fault('corrupt', `block ${meta.ulid} cannot be repaired: it would still have ${found}`);
    await uploadBlock(request, deps.bucket, directory, { concurrency: 1, hashFunc: '', nowMs: Date.now() });
    return ulid;
  } finally {
    source.close();
    await rm(parent, { recursive: true, force: true });
  }
}

function defectsOf(directory: string): string | undefined {
  const block = Block.open(directory);
  try {
    return describeDefects(checkIndex(block));
  } finally {
    block.close();
  }
}

// The part of a compaction that takes the processor: downloaded sources are looked at, merged into one block, and that is
// looked at in turn. Plain data in and out, so that it can be done on another thread.

import { join } from 'node:path';
import { type OfflineDedupFunc, overlapRule } from '../block/dedup-chunks.ts';
import type { IndexHealth } from '../block/health.ts';
import type { BlockMeta } from '../tsdb/block-meta.ts';
import { mergeBlocks } from '../tsdb/merge-blocks.ts';
import { type OpenSource, openSource, verifyMerger } from './verify.ts';

export interface MergeJob {
  /** Has the sources, each under its identifier, and gets the merger. */
  readonly directory: string;
  readonly sources: readonly string[];
  /** The identifier of the merger. */
  readonly ulid: string;
  readonly isVertical: boolean;
  readonly dedupFunc: OfflineDedupFunc;
  readonly acceptsMalformedIndex: boolean;
}

export interface MergeResult {
  readonly meta: BlockMeta;
  readonly health: IndexHealth;
}

/**
 * Undefined, and no block, when the sources held no sample. A failure that lies in one source has its identifier as the
 * fact `block`. A merger that must not be used is left for the caller to remove.
 */
export async function mergeSources(job: MergeJob, signal: AbortSignal): Promise<MergeResult | undefined> {
  const sources: OpenSource[] = [];
  try {
    for (const ulid of job.sources) {
      sources.push(openSource(join(job.directory, ulid), ulid, job.acceptsMalformedIndex));
    }
    const blocks = sources.map(({ block }) => block);
    const mergeOverlaps = overlapRule(job.dedupFunc);
    const meta = await mergeBlocks(job.directory, blocks, { ulid: job.ulid, mergeOverlaps, signal });
    if (meta === undefined) return undefined;
    const isLossless = !job.isVertical && sources.every(({ isWhole }) => isWhole);
    return { meta, health: verifyMerger(join(job.directory, job.ulid), meta.stats, blocks, isLossless) };
  } finally {
    for (const { block } of sources) block.close();
  }
}

// The part of a compaction that takes the processor: downloaded sources are looked at, merged into one block, and that is
// looked at in turn. Plain data in and out, so that it can be done on another thread.

import { join } from 'node:path';
import { overlapRule } from '../block/dedup-chunks.ts';
import type { OfflineDedupFunc } from '../block/dedup-funcs.ts';
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
 * fact `block`. A merger that must not be used is left for the caller to remove. `onProgress` is called again and again as
 * series are read and written.
 */
export async function mergeSources(
  job: MergeJob,
  signal: AbortSignal,
  onProgress: () => void = () => {},
): Promise<MergeResult | undefined> {
  const sources: OpenSource[] = [];
  try {
    for (const ulid of job.sources) {
      sources.push(openSource(join(job.directory, ulid), ulid, job.acceptsMalformedIndex, onProgress));
    }
    const blocks = sources.map(({ block }) => block);
    const mergeOverlaps = overlapRule(job.dedupFunc);
    // What a crash of the machine leaves of a merger is never looked at: it is made again.
    const options = { ulid: job.ulid, mergeOverlaps, isDurable: false, signal, onProgress };
    const meta = await mergeBlocks(job.directory, blocks, options);
    if (meta === undefined) return undefined;
    const isLossless = !job.isVertical && sources.every(({ isWhole }) => isWhole);
    return {
      meta,
      health: verifyMerger(join(job.directory, job.ulid), meta.stats, blocks, { isLossless, onProgress }),
    };
  } finally {
    for (const { block } of sources) block.close();
  }
}

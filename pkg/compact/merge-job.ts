// The part of a compaction that takes the processor: downloaded sources are merged into one block, looked at as they are
// read, and the merger is looked at in turn. Plain data in and out, so that it can be done on another thread.

import { join } from 'node:path';
import { overlapRule } from '../block/dedup-chunks.ts';
import type { OfflineDedupFunc } from '../block/dedup-funcs.ts';
import { IndexCheck, type IndexHealth } from '../block/health.ts';
import { Fault } from '../errors/fault.ts';
import type { Block } from '../tsdb/block.ts';
import type { BlockMeta } from '../tsdb/block-meta.ts';
import { concatenateBlocks } from '../tsdb/concatenate-blocks.ts';
import { mergeBlocks } from '../tsdb/merge-blocks.ts';
import { checkSource, openSource, toleratedIn, verifyMerger } from './verify.ts';

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
  const { directory, acceptsMalformedIndex } = job;
  const sources: Block[] = [];
  try {
    const checks: IndexCheck[] = [];
    let meta: BlockMeta | undefined;
    try {
      for (const ulid of job.sources) sources.push(openSource(join(directory, ulid), ulid));
      if (!job.isVertical) {
        meta = await concatenateBlocks(directory, sources, { ulid: job.ulid, isDurable: false, signal, onProgress });
      }
      if (meta === undefined) {
        for (const block of sources) checks.push(new IndexCheck(block, toleratedIn(acceptsMalformedIndex)));
        meta = await mergeChecked(job, sources, checks, { signal, onProgress });
      }
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      // A source with a defect ends the merge where it is met: all that is wrong with it is told by a look at the whole.
      for (const block of sources) checkSource(block, { acceptsMalformedIndex, onProgress });
      throw thrown;
    }
    if (meta === undefined) return undefined;
    const isWhole =
      sources.every(({ tombstones }) => tombstones.size === 0) &&
      checks.every(({ health }) => health.counts.late === 0);
    const isLossless = !job.isVertical && isWhole;
    return {
      meta,
      health: verifyMerger(join(directory, job.ulid), meta.stats, sources, { isLossless, onProgress }),
    };
  } finally {
    for (const block of sources) block.close();
  }
}

/** Merges, and has every series of a source looked at before anything of it goes in. */
function mergeChecked(
  { directory, ulid, dedupFunc }: MergeJob,
  sources: readonly Block[],
  checks: readonly IndexCheck[],
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: () => void },
): Promise<BlockMeta | undefined> {
  return mergeBlocks(directory, sources, {
    ulid,
    mergeOverlaps: overlapRule(dedupFunc),
    // What a crash of the machine leaves of a merger is never looked at: it is made again.
    isDurable: false,
    signal,
    onProgress,
    visit: (input, id, entry) => {
      checks[input].series(id, entry);
      if (!checks[input].isSound) throw new Fault('corrupt', `series ${id} is not as it has to be`);
    },
  });
}

// Blocks that are too short to be downsampled and will never be longer: one whose stream goes on while it is left out of
// mergers, since its index is too large or somebody said so, and one that is alone in its window, since its stream paused. A
// look at lengths alone would leave their data out of every coarser resolution for ever.

import type { BlockMeta } from '../../block/meta.ts';
import { DAMAGED_REASON, OUT_OF_ORDER_REASON } from '../damage-reasons.ts';
import { groupBlocks } from '../grouper.ts';

/** Marks with their reasons, by block. */
export type NoCompactReasons = ReadonlyMap<string, { readonly reason: string }>;

export interface CoverageRule {
  /** Blocks of this resolution, ms. */
  readonly resolutionMs: number;
  /** How much time of a stream must have passed since a block began. */
  readonly spanMs: number;
  /** The windows that compaction makes blocks of, ms. */
  readonly windowMs: number;
}

/** The blocks of a resolution that stay as short as they are though their stream covers time enough. */
export function settledBlocks(
  metas: Iterable<BlockMeta>,
  { resolutionMs, spanMs, windowMs }: CoverageRule,
  noCompact: NoCompactReasons,
): ReadonlySet<string> {
  const settled = new Set<string>();
  const ofResolution = [...metas].filter(({ thanos }) => thanos.resolutionMs === resolutionMs);
  for (const { blocks } of groupBlocks(ofResolution)) {
    const newest = blocks.reduce((latest, { maxTime }) => Math.max(latest, maxTime), Number.NEGATIVE_INFINITY);
    const windowOf = ({ minTime }: BlockMeta): number => Math.floor(minTime / windowMs);
    blocks.forEach((block, i) => {
      if (newest - block.minTime < spanMs) return;
      const mark = noCompact.get(block.ulid);
      if (mark !== undefined) {
        if (!isBroken(mark.reason)) settled.add(block.ulid);
        return;
      }
      // Into the newest window more may come.
      if (i === blocks.length - 1) return;
      const neighbours = [blocks[i - 1], blocks[i + 1]];
      const joins = (other: BlockMeta | undefined): boolean =>
        other !== undefined && windowOf(other) === windowOf(block) && !noCompact.has(other.ulid);
      if (!neighbours.some(joins)) settled.add(block.ulid);
    });
  }
  return settled;
}

/** What cannot be merged cannot be read either. */
function isBroken(reason: string): boolean {
  return reason === DAMAGED_REASON || reason === OUT_OF_ORDER_REASON;
}

// Which blocks are to be downsampled, to what: those long enough to be worth it, those that will never be longer
// (coverage.ts), and none whose data is there already.

import type { BlockMeta } from '../../block/meta.ts';
import { RESOLUTION_1H, RESOLUTION_5M, RESOLUTION_RAW, resolutionText } from '../../model/resolution.ts';
import { type NoCompactReasons, settledBlocks } from './coverage.ts';

const HOUR_MS = 3_600_000;

/**
 * A block of the first resolution becomes one of the second when it covers at least so much, which those do that compaction
 * makes of a whole window.
 */
export const downsampleSteps = [
  { from: RESOLUTION_RAW, to: RESOLUTION_5M, minSpanMs: 40 * HOUR_MS, windowMs: 48 * HOUR_MS },
  { from: RESOLUTION_5M, to: RESOLUTION_1H, minSpanMs: 240 * HOUR_MS, windowMs: 336 * HOUR_MS },
] as const;

export type DownsampleStep = (typeof downsampleSteps)[number];

export interface DownsampleTask {
  readonly block: BlockMeta;
  readonly step: DownsampleStep;
}

/** What somebody said of blocks. */
export interface TaskMarks {
  readonly noDownsample: { has(ulid: string): boolean };
  readonly noCompact: NoCompactReasons;
}

/** What there is to do, raw blocks first and of each resolution the oldest. */
export function downsampleTasks(
  metas: Iterable<BlockMeta>,
  { noDownsample, noCompact }: TaskMarks,
): readonly DownsampleTask[] {
  const all = [...metas];
  return downsampleSteps.flatMap((step) => {
    const { from, to, minSpanMs, windowMs } = step;
    const done = new Set(all.filter(({ thanos }) => thanos.resolutionMs === to).flatMap(sourcesOf));
    const settled = settledBlocks(all, { resolutionMs: from, spanMs: minSpanMs, windowMs }, noCompact);
    return all
      .filter((block) => {
        if (block.thanos.resolutionMs !== from) return false;
        if (block.maxTime - block.minTime < minSpanMs && !settled.has(block.ulid)) return false;
        // Compaction may have split or merged the coarser blocks: what counts is that each source is in some of them.
        return !noDownsample.has(block.ulid) && !sourcesOf(block).every((source) => done.has(source));
      })
      .sort((a, b) => a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1))
      .map((block) => ({ block, step }));
  });
}

/** The block that a task makes, as far as further tasks depend on it. */
export function taskResult({ block, step }: DownsampleTask): BlockMeta {
  return {
    ...block,
    ulid: `${block.ulid}@${resolutionText(step.to)}`,
    thanos: { ...block.thanos, resolutionMs: step.to },
  };
}

/** A block that names no sources is its own. */
export function sourcesOf({ ulid, compaction }: Pick<BlockMeta, 'ulid' | 'compaction'>): readonly string[] {
  return compaction.sources.length === 0 ? [ulid] : compaction.sources;
}

// A group and what is known of its blocks -> the next blocks to merge. Pure: nothing is asked and nothing is changed.

import type { BlockMeta } from '../block/meta.ts';
import type { PlannerConfig } from './config.ts';

/** What a plan depends on besides the blocks. */
export interface PlanInput {
  /** One group's, by their start. */
  readonly blocks: readonly BlockMeta[];
  /** Blocks not to be compacted. */
  readonly excluded: ReadonlySet<string>;
  /** The size of a block's index in bytes. */
  readonly indexSizeBytes: (block: BlockMeta) => number;
}

export interface BlockExclusion {
  readonly ulid: string;
  readonly reason: 'index-size-exceeding' | 'downsample-vertical-compaction';
  readonly details: string;
}

export interface Plan {
  /** To be merged into one, by their start; fewer than two means that there is nothing to do. */
  readonly blocks: readonly BlockMeta[];
  /** Whether they overlap. */
  readonly isVertical: boolean;
  /** What must be marked no-compact for this plan to hold. */
  readonly exclusions: readonly BlockExclusion[];
  /** Blocks that overlap where that is not allowed: they are left alone. */
  readonly forbiddenOverlap: readonly BlockMeta[];
}

/** A plan is cut when its indexes reach this share of the limit, since a merger's index may be larger than their sum. */
const INDEX_SHARE = 0.85;

/** What to do next with a group. */
export function planGroup(input: PlanInput, config: PlannerConfig): Plan {
  const exclusions: BlockExclusion[] = [];
  const excluded = new Set(input.excluded);
  const forbiddenOverlap: BlockMeta[] = [];
  if (!config.hasVertical) {
    for (const run of overlapRuns(input.blocks, excluded)) forbiddenOverlap.push(...run);
    // What is merged are neighbours, so no merger reaches over them.
    for (const { ulid } of forbiddenOverlap) excluded.add(ulid);
  }
  for (;;) {
    const [overlap = []] = overlapRuns(input.blocks, excluded);
    const isVertical = overlap.length > 0;
    const blocks = isVertical ? overlap : firstWindow(input.blocks, excluded, config.rangesMs);
    const added = [...downsampledOverlaps(blocks, isVertical), ...tooLarge(blocks, input, config)];
    if (added.length === 0) return { blocks, isVertical, exclusions, forbiddenOverlap };
    for (const exclusion of added) {
      if (!excluded.has(exclusion.ulid)) exclusions.push(exclusion);
      excluded.add(exclusion.ulid);
    }
  }
}

/** Runs of blocks, two or more each, of which each starts before all those before it have ended. */
function* overlapRuns(all: readonly BlockMeta[], excluded: ReadonlySet<string>): Iterable<readonly BlockMeta[]> {
  const blocks = all.filter(({ ulid }) => !excluded.has(ulid));
  for (let from = 0, to = 0; from < blocks.length; from = to) {
    to = from + 1;
    for (let end = blocks[from].maxTime; to < blocks.length && blocks[to].minTime < end; to++) {
      end = Math.max(end, blocks[to].maxTime);
    }
    if (to - from > 1) yield blocks.slice(from, to);
  }
}

/** The first window of the shortest range that is worth merging. */
function firstWindow(
  blocks: readonly BlockMeta[],
  excluded: ReadonlySet<string>,
  rangesMs: readonly number[],
): readonly BlockMeta[] {
  // The newest block keeps its range open: more may still come into it.
  const settled = blocks.slice(0, -1);
  if (settled.length === 0) return [];
  const newestStart = settled[settled.length - 1].minTime;
  for (const rangeMs of rangesMs.slice(1)) {
    for (const window of windows(settled, rangeMs)) {
      if (window.some(({ compaction }) => compaction.failed)) continue;
      const start = window[0].minTime;
      const end = window[window.length - 1].maxTime;
      if (window.length < 2 || (end - start !== rangeMs && end > newestStart)) continue;
      const run = firstRun(window, excluded);
      if (run.length > 1) return run;
    }
  }
  return [];
}

/** Blocks by the aligned window they lie in as a whole; those that lie in none are left out. */
function windows(blocks: readonly BlockMeta[], rangeMs: number): readonly (readonly BlockMeta[])[] {
  const found: BlockMeta[][] = [];
  for (let i = 0; i < blocks.length; ) {
    const end = Math.floor(blocks[i].minTime / rangeMs) * rangeMs + rangeMs;
    if (blocks[i].maxTime > end) {
      i++;
      continue;
    }
    const from = i;
    while (i < blocks.length && blocks[i].maxTime <= end) i++;
    found.push(blocks.slice(from, i));
  }
  return found;
}

/** The first two or more neighbours that are not excluded. */
function firstRun(window: readonly BlockMeta[], excluded: ReadonlySet<string>): readonly BlockMeta[] {
  let run: BlockMeta[] = [];
  for (const block of window) {
    if (!excluded.has(block.ulid)) run.push(block);
    else if (run.length > 1) return run;
    else run = [];
  }
  return run;
}

/** Overlapping aggregates cannot be merged: there is no telling which samples they were made from. */
function downsampledOverlaps(blocks: readonly BlockMeta[], isVertical: boolean): BlockExclusion[] {
  if (!isVertical) return [];
  return blocks
    .filter(({ thanos }) => thanos.resolutionMs > 0)
    .map(({ ulid }) => ({
      ulid,
      reason: 'downsample-vertical-compaction',
      details: 'downsampled blocks that overlap are not merged',
    }));
}

/** The block with the largest index of those that together are too much, if they are. */
function tooLarge(blocks: readonly BlockMeta[], input: PlanInput, config: PlannerConfig): BlockExclusion[] {
  let sum = 0;
  let largest: BlockMeta | undefined;
  let largestSize = 0;
  for (const block of blocks) {
    const size = input.indexSizeBytes(block);
    sum += size;
    if (largest === undefined || size > largestSize) {
      largest = block;
      largestSize = size;
    }
    if (sum < config.maxIndexSizeBytes * INDEX_SHARE) continue;
    const details = `the indexes of the blocks to merge have ${sum} bytes or more, the limit is ${config.maxIndexSizeBytes}`;
    return [{ ulid: largest.ulid, reason: 'index-size-exceeding', details }];
  }
  return [];
}

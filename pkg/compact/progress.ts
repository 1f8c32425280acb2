// How much is left to do: plans are made one after the other as if each had been carried out.

import type { BlockMeta } from '../block/meta.ts';
import { mergedCompaction } from '../tsdb/block-meta.ts';
import type { PlannerConfig } from './config.ts';
import { byStart, groupBlocks } from './grouper.ts';
import { type BlockExclusion, type Plan, planGroup } from './planner.ts';
import type { BucketState } from './syncer.ts';

/** One compaction of the time to come. Its inputs may be results of earlier ones, named by the inputs of those. */
export interface PlannedCompaction {
  readonly groupId: string;
  readonly plan: Plan;
}

export interface Outlook {
  readonly compactions: readonly PlannedCompaction[];
  readonly exclusions: readonly BlockExclusion[];
  /** What there will be when all of it is done: blocks of today, and results of compactions. */
  readonly blocks: readonly BlockMeta[];
  /** Groups with blocks that are left alone because they overlap. */
  readonly forbiddenOverlaps: readonly { readonly groupId: string; readonly blocks: readonly BlockMeta[] }[];
}

/** More plans for one group than any bucket has: a planner that does not come to an end is a bug that must not hang. */
const MOST_PLANS = 100_000;

/** Everything there is to compact, in the order it would be done in each group. */
export function outlook(state: BucketState, config: PlannerConfig): Outlook {
  const compactions: PlannedCompaction[] = [];
  const exclusions: BlockExclusion[] = [];
  const remaining: BlockMeta[] = [];
  const forbiddenOverlaps: { groupId: string; blocks: readonly BlockMeta[] }[] = [];
  for (const group of groupBlocks(state.metas.values())) {
    let blocks = group.blocks;
    const excluded = new Set([...state.noCompactMarks.keys(), ...state.deletionMarks.keys()]);
    for (let i = 0; i < MOST_PLANS; i++) {
      const plan = planGroup({ blocks, excluded, indexSizeBytes: recordedIndexSize }, config);
      for (const exclusion of plan.exclusions) excluded.add(exclusion.ulid);
      exclusions.push(...plan.exclusions);
      if (i === 0 && plan.forbiddenOverlap.length > 0) {
        forbiddenOverlaps.push({ groupId: group.id, blocks: plan.forbiddenOverlap });
      }
      if (plan.blocks.length < 2) break;
      compactions.push({ groupId: group.id, plan });
      const taken = new Set(plan.blocks);
      blocks = [...blocks.filter((block) => !taken.has(block)), mergedMeta(plan.blocks)].sort(byStart);
    }
    remaining.push(...blocks);
  }
  return { compactions, exclusions, blocks: remaining, forbiddenOverlaps };
}

/** What meta.json records of the size of the index; 0 when it does not. */
export function recordedIndexSize({ thanos }: BlockMeta): number {
  return thanos.files.find(({ relPath }) => relPath === 'index')?.sizeBytes ?? 0;
}

/** What meta.json records of the size of the whole block. */
export function recordedSize({ thanos }: BlockMeta): number {
  return thanos.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** The block that a compaction will make, as far as plans depend on it. */
function mergedMeta(blocks: readonly BlockMeta[]): BlockMeta {
  const [first] = blocks;
  const size = (relPath: string, of: (block: BlockMeta) => number) => ({
    relPath,
    sizeBytes: blocks.reduce((sum, block) => sum + of(block), 0),
    sha256: '',
  });
  const files = [
    size('chunks/000001', (block) => recordedSize(block) - recordedIndexSize(block)),
    size('index', recordedIndexSize),
  ];
  return {
    ...first,
    ulid: blocks.map(({ ulid }) => ulid).join('+'),
    minTime: Math.min(...blocks.map(({ minTime }) => minTime)),
    maxTime: Math.max(...blocks.map(({ maxTime }) => maxTime)),
    compaction: mergedCompaction(blocks),
    thanos: { ...first.thanos, files },
  };
}

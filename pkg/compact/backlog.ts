// What is left to do, group by group, for the page, the metrics and the status API.

import type { Backlog, BacklogGroup } from '../block/blocks-view.ts';
import type { BlockMeta } from '../block/meta.ts';
import type { DownsampleTask } from './downsample/tasks.ts';
import { groupBlocks, groupId } from './grouper.ts';
import { type Outlook, recordedSize } from './progress.ts';
import type { BucketState } from './syncer.ts';

export interface GroupBacklog extends BacklogGroup {
  /** Blocks the group has now. */
  readonly totalBlockCount: number;
  /** Start of the oldest block that waits to be compacted, Unix ms; undefined when none does. */
  readonly oldestTodoMs: number | undefined;
}

export interface BacklogInput {
  readonly nowMs: number;
  readonly deletionCount: number;
  readonly bytesPerSecond: number | undefined;
}

/** All groups, those without anything to do among them. */
export function groupBacklogs(
  state: BucketState,
  { compactions, forbiddenOverlaps }: Outlook,
  downsamples: readonly DownsampleTask[],
  blocked: ReadonlyMap<string, string>,
): readonly GroupBacklog[] {
  const overlapping = new Map(forbiddenOverlaps.map(({ groupId, blocks }) => [groupId, blocks]));
  const downsampled = new Map<string, number>();
  for (const { block } of downsamples) {
    const id = groupId(block.thanos.labels, block.thanos.resolutionMs);
    downsampled.set(id, (downsampled.get(id) ?? 0) + 1);
  }
  return groupBlocks(state.metas.values()).map(({ id, labels, resolutionMs, blocks }) => {
    const planned = compactions.filter((compaction) => compaction.groupId === id);
    const todo = planned.flatMap(({ plan }) => plan.blocks);
    const overlap = overlapping.get(id);
    const problem = blocked.get(id) ?? (overlap === undefined ? undefined : overlapText(overlap));
    return {
      group: id,
      labels: Object.fromEntries(labels),
      resolutionMs,
      compactionCount: planned.length,
      downsampleCount: downsampled.get(id) ?? 0,
      blockCount: todo.length,
      sizeBytes: todo.reduce((sum, block) => sum + recordedSize(block), 0),
      ...(problem === undefined ? {} : { blockedBecause: problem }),
      totalBlockCount: blocks.length,
      oldestTodoMs: todo.length === 0 ? undefined : Math.min(...todo.map(({ minTime }) => minTime)),
    };
  });
}

/** In the shape of the blocks API. */
export function backlogOf(groups: readonly GroupBacklog[], input: BacklogInput): Backlog {
  const { nowMs, deletionCount, bytesPerSecond } = input;
  const open = groups.filter(
    ({ compactionCount, downsampleCount, blockedBecause }) =>
      compactionCount + downsampleCount > 0 || blockedBecause !== undefined,
  );
  const estimatedEndMs = estimatedEnd(groups, bytesPerSecond, nowMs);
  return {
    workedOutAtMs: nowMs,
    groups: open.map(({ totalBlockCount: _total, oldestTodoMs: _oldest, ...group }) => group),
    deletionCount,
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...(estimatedEndMs === undefined ? {} : { estimatedEndMs }),
  };
}

/** Unix ms; undefined when nothing is left that can be done, or nothing is known of the speed. */
export function estimatedEnd(
  groups: readonly GroupBacklog[],
  bytesPerSecond: number | undefined,
  nowMs: number,
): number | undefined {
  const open = groups.filter(({ blockedBecause }) => blockedBecause === undefined);
  const bytes = open.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes === 0 || bytesPerSecond === undefined || bytesPerSecond <= 0) return undefined;
  return nowMs + (bytes / bytesPerSecond) * 1000;
}

function overlapText(blocks: readonly BlockMeta[]): string {
  const ulids = blocks.map(({ ulid }) => ulid).join(', ');
  return `blocks ${ulids} overlap, and merging overlaps is not enabled`;
}

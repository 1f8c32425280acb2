// What is worth knowing about the blocks of a bucket: which overlap, which only wait for their deletion, where data is
// missing between two.

import { gaps, type Interval } from '../parts/intervals.ts';
import type { BlockEntry } from './blocks.ts';

/** Two blocks of one group that have data of the same time. */
export interface Overlap extends Interval {
  readonly group: string;
  readonly first: BlockEntry;
  readonly second: BlockEntry;
}

export interface BlockFindings {
  /** Each block that overlaps is in one at least. In order of time. */
  readonly overlaps: readonly Overlap[];
  readonly overlapping: ReadonlySet<string>;
  /** Blocks whose samples are all in another one, by what replaced them. */
  readonly replacedBy: ReadonlyMap<string, string>;
  /** Stretches without data between two blocks of one group. */
  readonly holes: readonly (Interval & { readonly group: string })[];
}

/** `blocks` in the order of their beginning. */
export function findingsOf(blocks: readonly BlockEntry[]): BlockFindings {
  const groups = new Map<string, BlockEntry[]>();
  for (const block of blocks) {
    const group = groups.get(block.group);
    if (group === undefined) groups.set(block.group, [block]);
    else group.push(block);
  }
  const overlaps: Overlap[] = [];
  const overlapping = new Set<string>();
  const replacedBy = new Map<string, string>();
  const holes: (Interval & { group: string })[] = [];
  for (const [name, group] of groups) {
    for (const [ulid, by] of replacedIn(group)) replacedBy.set(ulid, by);
    // What waits for its deletion is in nobody's way.
    const live = group.filter(
      ({ ulid, marks }) => !replacedBy.has(ulid) && !marks.some(({ kind }) => kind === 'deletion'),
    );
    let last: BlockEntry | undefined;
    for (const block of live) {
      if (last !== undefined && block.from < last.to) {
        overlaps.push({ group: name, first: last, second: block, from: block.from, to: Math.min(last.to, block.to) });
        overlapping.add(last.ulid).add(block.ulid);
      }
      if (last === undefined || block.to > last.to) last = block;
    }
    if (live.length > 0) {
      const whole = { from: live[0].from, to: Math.max(...live.map(({ to }) => to)) };
      for (const hole of gaps(whole, live)) holes.push({ ...hole, group: name });
    }
  }
  overlaps.sort((a, b) => a.from - b.from);
  holes.sort((a, b) => a.from - b.from);
  return { overlaps, overlapping, replacedBy, holes };
}

/** Blocks of a group all of whose sources went into another, larger one; of two with the same sources the older. */
function replacedIn(group: readonly BlockEntry[]): Map<string, string> {
  const replaced = new Map<string, string>();
  // Only those that name a source of a block can have replaced it.
  const bySource = new Map<string, BlockEntry[]>();
  for (const block of group) {
    for (const source of block.sources) {
      const list = bySource.get(source);
      if (list === undefined) bySource.set(source, [block]);
      else list.push(block);
    }
  }
  for (const block of group) {
    if (block.sources.length === 0) continue;
    const by = bySource.get(block.sources[0])!.find((other) => {
      if (other === block || other.sources.length < block.sources.length) return false;
      if (other.sources.length === block.sources.length && other.ulid < block.ulid) return false;
      const names = new Set(other.sources);
      return block.sources.every((source) => names.has(source));
    });
    if (by !== undefined) replaced.set(block.ulid, by.ulid);
  }
  return replaced;
}

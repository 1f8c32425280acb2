// Blocks into groups: of one group are those with equal labels and one resolution. Labels are compared, never keys, since
// the keys of other builds differ.

import { type BlockMeta, groupKey } from '../block/meta.ts';
import { xxhash64 } from '../bytes/xxhash.ts';
import type { Labels } from '../model/labels.ts';

export interface BlockGroup {
  /** `<resolution>@<hash of the labels>`: a directory's name and a word for logs, nothing that is compared. */
  readonly id: string;
  readonly labels: Labels;
  readonly resolutionMs: number;
  /** By their start; of equal starts the older identifier first. */
  readonly blocks: readonly BlockMeta[];
}

/** Groups in the order of their labels' first block. */
export function groupBlocks(metas: Iterable<BlockMeta>): readonly BlockGroup[] {
  const groups = new Map<string, BlockMeta[]>();
  for (const meta of metas) {
    const key = groupKey(meta);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [meta]);
    else group.push(meta);
  }
  return [...groups.values()].map((blocks) => {
    const { labels, resolutionMs } = blocks[0].thanos;
    return { id: groupId(labels, resolutionMs), labels, resolutionMs, blocks: blocks.sort(byStart) };
  });
}

/** Labels of a block live as long as its meta, which several looks at the bucket share. */
const hashes = new WeakMap<Labels, string>();

/** The identifier as the reference's official builds print it. */
export function groupId(labels: Labels, resolutionMs: number): string {
  let hash = hashes.get(labels);
  if (hash === undefined) {
    const parts = labels.flat.flatMap((text) => [Buffer.from(text, 'utf8'), Buffer.of(0xff)]);
    hash = String(xxhash64(Buffer.concat(parts)));
    hashes.set(labels, hash);
  }
  return `${resolutionMs}@${hash}`;
}

/** The order of a group's blocks. */
export function byStart(a: BlockMeta, b: BlockMeta): number {
  return a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1);
}

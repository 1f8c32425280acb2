// The blocks of one stream, that is with equal external labels, at all resolutions: which of them answer a request.

import type { Labels } from '../../model/labels.ts';
import { resolutions } from '../../model/resolution.ts';

/** What choosing needs to know of a block. */
export interface SetBlock {
  readonly meta: { readonly minTime: number; readonly maxTime: number };
  readonly resolutionMs: number;
}

export class BlockSet<B extends SetBlock> {
  readonly labels: Labels;
  /** By resolution, each list ascending by min time. */
  readonly #blocks = new Map<number, B[]>();

  constructor(labels: Labels) {
    this.labels = labels;
  }

  get isEmpty(): boolean {
    return [...this.#blocks.values()].every((blocks) => blocks.length === 0);
  }

  add(block: B): void {
    const list = this.#blocks.get(block.resolutionMs) ?? [];
    list.push(block);
    list.sort((a, b) => a.meta.minTime - b.meta.minTime || a.meta.maxTime - b.meta.maxTime);
    this.#blocks.set(block.resolutionMs, list);
  }

  remove(block: B): void {
    const list = this.#blocks.get(block.resolutionMs) ?? [];
    const at = list.indexOf(block);
    if (at >= 0) list.splice(at, 1);
  }

  /** Every block that meets [minTime, maxTime], whatever its resolution. */
  overlapping(minTime: number, maxTime: number): B[] {
    const found: B[] = [];
    for (const blocks of this.#blocks.values()) {
      for (const block of blocks) if (meets(block, minTime, maxTime)) found.push(block);
    }
    return found;
  }

  /**
   * The blocks to read for [minTime, maxTime], both inclusive: the coarsest resolution that is allowed, and where it has
   * no blocks the next finer one, down to raw. With `fillsWithCoarser`, where there is none of those either, the finest of
   * the coarser ones; what begins with them begins two of their samples earlier, which their windows may need.
   */
  choose(minTime: number, maxTime: number, maxResolutionMs: number, fillsWithCoarser = false): B[] {
    const allowed = resolutions.findIndex((resolution) => resolution <= maxResolutionMs);
    if (allowed < 0) return [];
    const chosen = new Set<B>();
    const levels = resolutions.slice(allowed);
    const coarser = fillsWithCoarser ? resolutions.slice(0, allowed).reverse() : [];
    const mostEarlierMs = 2 * Math.max(0, ...coarser);
    this.#choose(minTime - mostEarlierMs, maxTime, [...levels, ...coarser], (block) => chosen.add(block));
    if (mostEarlierMs === 0) return [...chosen];
    return [...chosen].filter((block) => {
      const earlierMs = block.resolutionMs > maxResolutionMs ? 2 * block.resolutionMs : 0;
      return meets(block, minTime - earlierMs, maxTime);
    });
  }

  /** Blocks of the first level, and of the next ones where it has none. */
  #choose(minTime: number, maxTime: number, levels: readonly number[], choose: (block: B) => void): void {
    if (minTime > maxTime || levels.length === 0) return;
    const [level, ...rest] = levels;
    let uncovered = minTime;
    for (const block of this.#blocks.get(level) ?? []) {
      if (!meets(block, minTime, maxTime)) continue;
      this.#choose(uncovered, block.meta.minTime - 1, rest, choose);
      choose(block);
      uncovered = Math.max(uncovered, block.meta.maxTime);
    }
    this.#choose(uncovered, maxTime, rest, choose);
  }
}

/** A block ends before its max time; a request includes both its ends. */
function meets({ meta }: SetBlock, minTime: number, maxTime: number): boolean {
  return meta.maxTime > minTime && meta.minTime <= maxTime;
}

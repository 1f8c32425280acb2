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
    return [...this.#blocks.values()].flat().filter((block) => meets(block, minTime, maxTime));
  }

  /**
   * The blocks to read for [minTime, maxTime], both inclusive: the coarsest resolution that is allowed, and where it has
   * no blocks the next finer one, down to raw.
   */
  choose(minTime: number, maxTime: number, maxResolutionMs: number): B[] {
    const chosen: B[] = [];
    this.#choose(
      minTime,
      maxTime,
      resolutions.findIndex((resolution) => resolution <= maxResolutionMs),
      chosen,
    );
    return chosen;
  }

  #choose(minTime: number, maxTime: number, level: number, into: B[]): void {
    if (minTime > maxTime || level < 0 || level >= resolutions.length) return;
    let uncovered = minTime;
    for (const block of this.#blocks.get(resolutions[level]) ?? []) {
      if (!meets(block, minTime, maxTime)) continue;
      this.#choose(uncovered, block.meta.minTime - 1, level + 1, into);
      into.push(block);
      uncovered = Math.max(uncovered, block.meta.maxTime);
    }
    this.#choose(uncovered, maxTime, level + 1, into);
  }
}

/** A block ends before its max time; a request includes both its ends. */
function meets({ meta }: SetBlock, minTime: number, maxTime: number): boolean {
  return meta.maxTime > minTime && meta.minTime <= maxTime;
}

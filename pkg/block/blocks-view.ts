// What a page about blocks shows: which there are, what they are marked with, how old that knowledge is.

import type { Fault } from '../errors/fault.ts';
import type { Mark } from './marks.ts';
import type { BlockMeta } from './meta.ts';

/** `loaded`: what this process serves or works on. `global`: the whole bucket. */
export type BlocksViewName = 'loaded' | 'global';

/** A bucket's blocks as of one moment. */
export interface BlocksView {
  readonly metas: readonly BlockMeta[];
  /** Of blocks among the metas, of any kind, in any order. */
  readonly marks: readonly Mark[];
  /** Directories that are no block, with why: an upload under way, or a meta.json that cannot be used. */
  readonly partial: ReadonlyMap<string, Fault>;
  /** Unix ms of the last look at the bucket that succeeded; undefined before the first. */
  readonly refreshedAtMs: number | undefined;
  /** Why the last look failed; undefined when it did not. */
  readonly error: string | undefined;
}

/** The view before anything was looked at, and of what a component does not have. */
export const emptyBlocksView: BlocksView = {
  metas: [],
  marks: [],
  partial: new Map(),
  refreshedAtMs: undefined,
  error: undefined,
};

/** What is left to compact in one stream at one resolution. */
export interface BacklogGroup {
  /** As in the compactor's logs. */
  readonly group: string;
  /** External labels by name. */
  readonly labels: Readonly<Record<string, string>>;
  readonly resolutionMs: number;
  readonly compactionCount: number;
  readonly downsampleCount: number;
  /** Blocks that these take in. */
  readonly blockCount: number;
  readonly sizeBytes: number;
  /** Why the group is left alone for now; undefined when it is not. */
  readonly blockedBecause?: string;
}

/** What a compactor has before it. */
export interface Backlog {
  /** Unix ms. */
  readonly workedOutAtMs: number;
  /** Groups with something to do, or left alone. */
  readonly groups: readonly BacklogGroup[];
  /** Blocks past their retention. */
  readonly deletionCount: number;
  /** Over the last while; undefined before anything was done. */
  readonly bytesPerSecond?: number;
  /** Unix ms; undefined when it cannot be told. */
  readonly estimatedEndMs?: number;
}

// What is in the bucket now, and the garbage that finished compactions left behind.

import type { RequestContext } from '../async/request.ts';
import type { FetchedBlocks } from '../block/fetcher.ts';
import type { Mark } from '../block/marks.ts';
import type { BlockMeta } from '../block/meta.ts';
import type { Fault } from '../errors/fault.ts';

export interface SyncerDeps {
  readonly fetcher: { fetch(request: RequestContext): Promise<FetchedBlocks> };
  /** The filters of that fetcher that keep what they found. */
  readonly duplicates: { readonly duplicates: readonly string[] };
  readonly deletionMarks: { readonly marks: ReadonlyMap<string, Mark> };
  readonly noCompactMarks: { readonly marks: ReadonlyMap<string, Mark> };
  readonly noDownsampleMarks: { readonly marks: ReadonlyMap<string, Mark> };
}

/** The bucket at one moment. */
export interface BucketState {
  /** Blocks to work on, by identifier. */
  readonly metas: ReadonlyMap<string, BlockMeta>;
  /** Blocks whose samples are all in another one. */
  readonly duplicates: readonly string[];
  /** Also of blocks that are not among the metas any more. */
  readonly deletionMarks: ReadonlyMap<string, Mark>;
  readonly noCompactMarks: ReadonlyMap<string, Mark>;
  /** Of blocks that could be downsampled. */
  readonly noDownsampleMarks: ReadonlyMap<string, Mark>;
  /** Blocks without a meta.json that can be used, with why. */
  readonly partial: ReadonlyMap<string, Fault>;
}

/** Fails unless everything could be looked at: on half a view nothing may be decided. */
export async function syncBucket(request: RequestContext, deps: SyncerDeps): Promise<BucketState> {
  const { metas, partial, incomplete } = await deps.fetcher.fetch(request);
  if (incomplete !== undefined) throw incomplete;
  return {
    metas,
    partial,
    duplicates: deps.duplicates.duplicates,
    deletionMarks: deps.deletionMarks.marks,
    noCompactMarks: deps.noCompactMarks.marks,
    noDownsampleMarks: deps.noDownsampleMarks.marks,
  };
}

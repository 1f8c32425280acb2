// What a filter of the fetcher is: it takes blocks out of a map, or changes their labels, and counts why.

import type { RequestContext } from '../../async/request.ts';
import type { BlockMeta } from '../meta.ts';

/** Values of the label `state` of thanos_blocks_meta_synced. */
export const blockStates = [
  'corrupted-meta-json',
  'no-meta-json',
  'loaded',
  'failed',
  'label-excluded',
  'time-excluded',
  'too-fresh',
  'duplicate',
  'marked-for-deletion',
  'marked-for-no-compact',
  'marked-for-no-downsample',
  'parquet-migrated',
] as const;
export type BlockState = (typeof blockStates)[number];

/** Values of the label `modified` of thanos_blocks_meta_modified. */
export const blockModifications = ['replica-label-removed'] as const;
export type BlockModification = (typeof blockModifications)[number];

export interface BlockCounts {
  state(state: BlockState): void;
  modified(modified: BlockModification): void;
}

export interface BlockFilter {
  readonly name: string;
  /** Deletes from `blocks` what is not to be seen, or replaces metas; filters run one after the other, in their order. */
  filter(request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void>;
}

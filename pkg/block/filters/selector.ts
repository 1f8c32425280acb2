// Keeps the blocks that relabel rules over their external labels select: how several processes share one bucket.

import type { RequestContext } from '../../async/request.ts';
import { Labels } from '../../model/labels.ts';
import { isSelected, type SelectorRule } from '../../model/relabel.ts';
import type { BlockMeta } from '../meta.ts';
import type { BlockCounts, BlockFilter } from './block-filter.ts';

/** A label that rules see beside the external ones: the block's identifier. */
const BLOCK_ID_LABEL = '__block_id';

export interface SelectorConfig {
  readonly rules: readonly SelectorRule[];
  /** Labels that rules do not see, so that a compactor's replicas fall into one shard. */
  readonly hiddenLabels?: readonly string[];
}

export class SelectorFilter implements BlockFilter {
  readonly name = 'selector';
  readonly #rules: readonly SelectorRule[];
  readonly #hiddenLabels: ReadonlySet<string>;

  constructor(config: SelectorConfig) {
    this.#rules = config.rules;
    this.#hiddenLabels = new Set(config.hiddenLabels);
  }

  async filter(_request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void> {
    if (this.#rules.length === 0) return;
    for (const [ulid, meta] of blocks) {
      const seen = meta.thanos.labels.without(this.#hiddenLabels).with(Labels.of({ [BLOCK_ID_LABEL]: ulid }));
      if (isSelected(seen, this.#rules)) continue;
      blocks.delete(ulid);
      counts.state('label-excluded');
    }
  }
}

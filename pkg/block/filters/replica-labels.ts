// Takes replica labels off blocks, so that replicas of one stream fall into one group.

import type { RequestContext } from '../../async/request.ts';
import { Labels } from '../../model/labels.ts';
import type { BlockMeta } from '../meta.ts';
import type { BlockCounts, BlockFilter } from './block-filter.ts';

export class ReplicaLabelsFilter implements BlockFilter {
  readonly name = 'replica-labels';
  readonly #labels: readonly string[];

  constructor(config: { readonly replicaLabels: readonly string[] }) {
    this.#labels = config.replicaLabels;
  }

  async filter(_request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void> {
    if (this.#labels.length === 0) return;
    const names = new Set(this.#labels);
    for (const [ulid, meta] of blocks) {
      const left = meta.thanos.labels.without(names);
      // A block without any label cannot be uploaded, so one stays to tell that there were some.
      const labels = left.size === 0 ? Labels.of({ [this.#labels[0]]: 'deduped' }) : left;
      blocks.set(ulid, { ...meta, thanos: { ...meta.thanos, labels } });
      if (left.size < meta.thanos.labels.size) counts.modified('replica-label-removed');
    }
  }
}

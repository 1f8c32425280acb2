// Hides blocks too fresh to trust: on stores that are only eventually consistent their parts may still be on the way.

import type { RequestContext } from '../../async/request.ts';
import { ulidTime } from '../../model/ulid.ts';
import { type BlockMeta, uploadTimeMs } from '../meta.ts';
import type { BlockCounts, BlockFilter } from './block-filter.ts';

/** What a compactor made replaces blocks that are there already: waiting would only show both. */
const trustedSources: ReadonlySet<string> = new Set(['compactor', 'compactor.repair', 'bucket.repair']);

export class ConsistencyDelayFilter implements BlockFilter {
  readonly name = 'consistency-delay';
  readonly #delayMs: number;
  readonly #now: () => number;

  constructor(config: { readonly delayMs: number }, now: () => number = Date.now) {
    this.#delayMs = config.delayMs;
    this.#now = now;
  }

  async filter(_request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void> {
    const now = this.#now();
    for (const [ulid, meta] of blocks) {
      // Back-filled blocks have old identifiers and are fresh all the same, so the upload time goes first.
      const bornAt = uploadTimeMs(meta) ?? ulidTime(ulid);
      // A clock that is ahead by more than the delay must not hide blocks until ours has caught up.
      if (Math.abs(now - bornAt) >= this.#delayMs || trustedSources.has(meta.thanos.source)) continue;
      blocks.delete(ulid);
      counts.state('too-fresh');
    }
  }
}

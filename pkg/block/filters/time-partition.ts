// Keeps blocks that may hold data of a window of time.

import type { RequestContext } from '../../async/request.ts';
import type { BlockMeta } from '../meta.ts';
import type { BlockCounts, BlockFilter } from './block-filter.ts';

export interface TimePartitionConfig {
  /** Moments in ms, asked with the present time at each sync: `-6w` moves. Both inclusive. */
  readonly minTime: (nowMs: number) => number;
  readonly maxTime: (nowMs: number) => number;
}

export class TimePartitionFilter implements BlockFilter {
  readonly name = 'time-partition';
  readonly #config: TimePartitionConfig;
  readonly #now: () => number;

  constructor(config: TimePartitionConfig, now: () => number = Date.now) {
    this.#config = config;
    this.#now = now;
  }

  async filter(_request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void> {
    const now = this.#now();
    const minTime = this.#config.minTime(now);
    const maxTime = this.#config.maxTime(now);
    for (const [ulid, meta] of blocks) {
      if (meta.maxTime >= minTime && meta.minTime <= maxTime) continue;
      blocks.delete(ulid);
      counts.state('time-excluded');
    }
  }
}

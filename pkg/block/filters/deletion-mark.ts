// Hides blocks marked for deletion long enough ago that every reader has what replaces them; keeps the marks for those
// who delete.

import type { RequestContext } from '../../async/request.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Mark, readMarks } from '../marks.ts';
import type { BlockMeta } from '../meta.ts';
import type { BlockCounts, BlockFilter } from './block-filter.ts';

export interface DeletionMarkDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
}

export interface DeletionMarkConfig {
  /** A mark hides its block when older than this. */
  readonly delayMs: number;
  /** Marks read at once. */
  readonly concurrency: number;
}

export class DeletionMarkFilter implements BlockFilter {
  readonly name = 'deletion-mark';
  readonly #deps: DeletionMarkDeps;
  readonly #config: DeletionMarkConfig;
  readonly #now: () => number;
  #marks: ReadonlyMap<string, Mark> = new Map();

  constructor(deps: DeletionMarkDeps, config: DeletionMarkConfig, now: () => number = Date.now) {
    this.#deps = deps;
    this.#config = config;
    this.#now = now;
  }

  /** By block, as of the last sync: also those that do not hide their block yet. */
  get marks(): ReadonlyMap<string, Mark> {
    return this.#marks;
  }

  async filter(request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void> {
    const config = { kind: 'deletion', concurrency: this.#config.concurrency } as const;
    const marks = await readMarks(request, this.#deps, config, [...blocks.keys()]);
    this.#marks = marks;

    const now = this.#now();
    for (const [ulid, mark] of marks) {
      if (now - mark.timeSeconds * 1000 <= this.#config.delayMs) continue;
      blocks.delete(ulid);
      counts.state('marked-for-deletion');
    }
  }
}

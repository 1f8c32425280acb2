// Notes which of the blocks that could be downsampled are marked not to be. Only those are asked for a mark: the bucket is
// read for nothing else.

import type { RequestContext } from '../../async/request.ts';
import type { BlockCounts, BlockFilter } from '../../block/filters/block-filter.ts';
import { type Mark, readMarks } from '../../block/marks.ts';
import type { BlockMeta } from '../../block/meta.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { NoCompactReasons } from './coverage.ts';
import { downsampleTasks } from './tasks.ts';

export interface NoDownsampleMarkDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  /** The blocks marked no-compact, as of this sync; none when absent. */
  readonly noCompactMarks?: { readonly marks: NoCompactReasons };
}

export class NoDownsampleMarkFilter implements BlockFilter {
  readonly name = 'no-downsample-mark';
  readonly #deps: NoDownsampleMarkDeps;
  readonly #concurrency: number;
  #marks: ReadonlyMap<string, Mark> = new Map();

  constructor(deps: NoDownsampleMarkDeps, config: { /** Marks read at once. */ readonly concurrency: number }) {
    this.#deps = deps;
    this.#concurrency = config.concurrency;
  }

  /** By block, as of the last sync. */
  get marks(): ReadonlyMap<string, Mark> {
    return this.#marks;
  }

  async filter(request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void> {
    const noCompact = this.#deps.noCompactMarks?.marks ?? new Map();
    const candidates = downsampleTasks(blocks.values(), { noDownsample: new Set(), noCompact });
    const config = { kind: 'no-downsample', concurrency: this.#concurrency } as const;
    const ulids = candidates.map(({ block }) => block.ulid);
    const marks = await readMarks(request, this.#deps, config, ulids);
    for (let i = 0; i < marks.size; i++) counts.state('marked-for-no-downsample');
    this.#marks = marks;
  }
}

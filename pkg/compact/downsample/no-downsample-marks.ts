// Notes which of the blocks that could be downsampled are marked not to be. Only those are asked for a mark: the bucket is
// read for nothing else.

import { forEachParallel } from '../../async/parallel.ts';
import type { RequestContext } from '../../async/request.ts';
import type { BlockCounts, BlockFilter } from '../../block/filters/block-filter.ts';
import { type Mark, readMark } from '../../block/marks.ts';
import type { BlockMeta } from '../../block/meta.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { downsampleTasks } from './tasks.ts';

export class NoDownsampleMarkFilter implements BlockFilter {
  readonly name = 'no-downsample-mark';
  readonly #deps: { readonly bucket: Bucket; readonly logger: Logger };
  readonly #concurrency: number;
  #marks: ReadonlyMap<string, Mark> = new Map();

  constructor(
    deps: { readonly bucket: Bucket; readonly logger: Logger },
    config: { /** Marks read at once. */ readonly concurrency: number },
  ) {
    this.#deps = deps;
    this.#concurrency = config.concurrency;
  }

  /** By block, as of the last sync. */
  get marks(): ReadonlyMap<string, Mark> {
    return this.#marks;
  }

  async filter(request: RequestContext, blocks: Map<string, BlockMeta>, counts: BlockCounts): Promise<void> {
    const marks = new Map<string, Mark>();
    const read = async (ulid: string, signal: AbortSignal): Promise<void> => {
      const mark = await readMark({ ...request, signal }, this.#deps, 'no-downsample', ulid);
      if (mark === undefined) return;
      marks.set(ulid, mark);
      counts.state('marked-for-no-downsample');
    };
    const candidates = downsampleTasks(blocks.values(), new Set()).map(({ block }) => block.ulid);
    await forEachParallel(candidates, this.#concurrency, read, request.signal);
    this.#marks = marks;
  }
}

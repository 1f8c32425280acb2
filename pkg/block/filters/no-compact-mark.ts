// Notes which blocks are marked not to be compacted; all of them stay.

import { forEachParallel } from '../../async/parallel.ts';
import type { RequestContext } from '../../async/request.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Mark, readMark } from '../marks.ts';
import type { BlockMeta } from '../meta.ts';
import type { BlockCounts, BlockFilter } from './block-filter.ts';

export class NoCompactMarkFilter implements BlockFilter {
  readonly name = 'no-compact-mark';
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
      const mark = await readMark({ ...request, signal }, this.#deps, 'no-compact', ulid);
      if (mark === undefined) return;
      marks.set(ulid, mark);
      counts.state('marked-for-no-compact');
    };
    await forEachParallel([...blocks.keys()], this.#concurrency, read, request.signal);
    this.#marks = marks;
  }
}

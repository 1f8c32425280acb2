// Notes which blocks are marked not to be compacted; all of them stay.

import type { RequestContext } from '../../async/request.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type Mark, readMarks } from '../marks.ts';
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
    const config = { kind: 'no-compact', concurrency: this.#concurrency } as const;
    const marks = await readMarks(request, this.#deps, config, [...blocks.keys()]);
    for (let i = 0; i < marks.size; i++) counts.state('marked-for-no-compact');
    this.#marks = marks;
  }
}

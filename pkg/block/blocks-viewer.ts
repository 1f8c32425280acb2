// Keeps a view of a whole bucket current: looks at it again and again, and shows what it saw last.

import { type Clock, systemClock } from '../async/clock.ts';
import { withTimeout } from '../async/deadline.ts';
import { backgroundRequest } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import type { Component, Host } from '../lifecycle/component.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type BlocksView, emptyBlocksView } from './blocks-view.ts';
import { MetaFetcher } from './fetcher.ts';
import type { BlockFilter } from './filters/block-filter.ts';
import { DeletionMarkFilter } from './filters/deletion-mark.ts';
import { NoCompactMarkFilter } from './filters/no-compact-mark.ts';

export interface BlocksViewerDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Run before marks are read. */
  readonly filters?: readonly BlockFilter[];
  readonly clock?: Clock;
}

export interface BlocksViewerConfig {
  /** From the end of one look to the start of the next. */
  readonly intervalMs: number;
  /** A look that takes longer fails. */
  readonly timeoutMs: number;
  /** Metas and marks read at once. */
  readonly concurrency: number;
}

export class BlocksViewer implements Component {
  readonly name = 'blocks-viewer';
  readonly #deps: BlocksViewerDeps;
  readonly #config: BlocksViewerConfig;
  readonly #clock: Clock;
  readonly #deletionMarks: DeletionMarkFilter;
  readonly #noCompactMarks: NoCompactMarkFilter;
  readonly #fetcher: MetaFetcher;
  #view: BlocksView = emptyBlocksView;

  constructor(deps: BlocksViewerDeps, config: BlocksViewerConfig) {
    const { concurrency } = config;
    this.#deps = deps;
    this.#config = config;
    this.#clock = deps.clock ?? systemClock;
    // Marked blocks are still there: people look for them here.
    this.#deletionMarks = new DeletionMarkFilter(deps, { delayMs: Number.POSITIVE_INFINITY, concurrency });
    this.#noCompactMarks = new NoCompactMarkFilter(deps, { concurrency });
    this.#fetcher = new MetaFetcher(
      { ...deps, filters: [...(deps.filters ?? []), this.#deletionMarks, this.#noCompactMarks] },
      { strategy: 'concurrent', concurrency },
    );
  }

  /** What the last look that succeeded saw, and the failure of a later one. */
  view(): BlocksView {
    return this.#view;
  }

  /** Does not wait for the first look: a page that says that it is under way is better than none. */
  async start(host: Host): Promise<void> {
    host.spawn('refresh', async (signal) => {
      while (!signal.aborted) {
        await this.refresh(signal);
        await this.#clock.sleep(this.#config.intervalMs, signal).catch(() => {}); // Only the end of everything does that.
      }
    });
  }

  /** The signal has aborted by then; the group waits for the look in hand. */
  async stop(): Promise<void> {}

  /** One look at the bucket. Its failure is shown and logged, never thrown. */
  async refresh(signal: AbortSignal): Promise<void> {
    const limit = withTimeout(signal, this.#config.timeoutMs, 'fetching block metas took longer than --timeout');
    try {
      const { metas, partial, incomplete } = await this.#fetcher.fetch(backgroundRequest(limit.signal));
      const marks = [...this.#deletionMarks.marks.values(), ...this.#noCompactMarks.marks.values()];
      this.#view = {
        metas: [...metas.values()],
        marks,
        partial,
        refreshedAtMs: this.#clock.now(),
        error: incomplete?.message,
      };
    } catch (thrown) {
      if (signal.aborted) return;
      this.#view = { ...this.#view, error: messageOf(thrown) };
      this.#deps.logger.warn('looking at the bucket failed, what was seen before is shown', { err: messageOf(thrown) });
    } finally {
      limit.release();
    }
  }
}

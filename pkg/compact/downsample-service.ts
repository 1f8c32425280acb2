// Downsampling alone as a component: pass after pass until it is stopped. One that fails is logged, and another follows.

import { type Clock, systemClock } from '../async/clock.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { MetaFetcher } from '../block/fetcher.ts';
import { DeduplicateFilter } from '../block/filters/deduplicate.ts';
import { messageOf } from '../errors/fault.ts';
import type { Component, Host } from '../lifecycle/component.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { DownsampleConfig } from './config.ts';
import { NoDownsampleMarkFilter } from './downsample/no-downsample-marks.ts';
import type { DownsampleThreads } from './downsample-threads.ts';
import { Downsampler, type DownsampleState } from './downsampler.ts';
import { noGuard } from './lease.ts';
import { compactMeters } from './meters.ts';

export interface DownsampleServiceDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly threads: DownsampleThreads;
  readonly clock?: Clock;
}

export interface DownsampleServiceConfig {
  readonly downsample: DownsampleConfig;
  /** Between the end of a pass and the start of the next. */
  readonly waitIntervalMs: number;
  /** Metas fetched at once, and kept below this directory. */
  readonly metaConcurrency: number;
  readonly dataDir: string;
}

export class DownsampleService implements Component {
  readonly name = 'downsample';
  readonly #deps: DownsampleServiceDeps;
  readonly #config: DownsampleServiceConfig;
  readonly #clock: Clock;
  readonly #fetcher: MetaFetcher;
  readonly #marks: NoDownsampleMarkFilter;

  constructor(deps: DownsampleServiceDeps, config: DownsampleServiceConfig) {
    const { dataDir, metaConcurrency: concurrency } = config;
    this.#deps = deps;
    this.#config = config;
    this.#clock = deps.clock ?? systemClock;
    this.#marks = new NoDownsampleMarkFilter(deps, { concurrency });
    // Blocks marked for deletion count too: what covers their time may not be downsampled yet.
    const filters = [new DeduplicateFilter(), this.#marks];
    this.#fetcher = new MetaFetcher({ ...deps, filters }, { strategy: 'concurrent', concurrency, dataDir });
  }

  async start(host: Host): Promise<void> {
    const { bucket, logger, metrics, threads } = this.#deps;
    const marker = { bucket, logger, meters: compactMeters(metrics), now: () => this.#clock.now(), guard: noGuard };
    const sync = (request: RequestContext): Promise<DownsampleState> => this.#sync(request);
    const downsampler = new Downsampler({ marker, threads, metrics, sync }, this.#config.downsample);
    host.spawn('passes', async (signal) => {
      while (!signal.aborted) {
        await this.#pass(downsampler, signal);
        await this.#clock.sleep(this.#config.waitIntervalMs, signal).catch(() => {}); // Only the end ends a sleep.
      }
    });
  }

  /** The signal has aborted by then; the group waits for what is in hand. */
  async stop(): Promise<void> {}

  async #pass(downsampler: Downsampler, signal: AbortSignal): Promise<void> {
    const { logger } = this.#deps;
    try {
      // Failures of single blocks have been logged by then.
      await downsampler.pass(backgroundRequest(signal), []);
      logger.info('a pass of downsampling is done');
    } catch (thrown) {
      if (!signal.aborted) logger.error('downsampling failed, the next pass follows', { err: messageOf(thrown) });
    }
  }

  async #sync(request: RequestContext): Promise<DownsampleState> {
    const { metas, incomplete } = await this.#fetcher.fetch(request);
    if (incomplete !== undefined) throw incomplete;
    return { metas, noCompactMarks: new Map(), noDownsampleMarks: this.#marks.marks };
  }
}

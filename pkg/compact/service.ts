// The compactor as a component: one pass, or passes until it is stopped, with cleaning and progress beside them.

import { type Clock, systemClock } from '../async/clock.ts';
import { backgroundRequest } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import type { Component, Host } from '../lifecycle/component.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Compactor } from './compactor.ts';
import { isHalt } from './group-compactor.ts';

export interface CompactorServiceDeps {
  readonly compactor: Compactor;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Called at the end of a single pass. */
  readonly onDone: () => void;
  /** Told again and again what is wrong; undefined while nothing is. */
  readonly onHealth?: (problem: string | undefined) => void;
}

export interface CompactorServiceConfig {
  /** False: one pass, whose failure fails the group. */
  readonly waits: boolean;
  readonly waitIntervalMs: number;
  /** 0 = cleaning only at the end of passes. */
  readonly cleanupIntervalMs: number;
  /** 0 = no progress is worked out. */
  readonly progressIntervalMs: number;
}

const HEALTH_MS = 5_000;

export class CompactorService implements Component {
  readonly name = 'compactor';
  readonly #deps: CompactorServiceDeps;
  readonly #config: CompactorServiceConfig;

  constructor(deps: CompactorServiceDeps, config: CompactorServiceConfig) {
    this.#deps = deps;
    this.#config = config;
  }

  async start(host: Host): Promise<void> {
    const { compactor, onDone } = this.#deps;
    const { waits, waitIntervalMs, cleanupIntervalMs, progressIntervalMs } = this.#config;
    host.spawn('lease', (signal) => compactor.keepLease(signal));
    if (!waits) {
      host.spawn('pass', async (signal) => {
        await compactor.pass(signal);
        onDone();
      });
      return;
    }
    host.spawn('passes', (signal) => this.#repeat('pass', waitIntervalMs, signal, () => compactor.pass(signal)));
    host.spawn('health', (signal) => this.#repeat('health', HEALTH_MS, signal, async () => this.#showHealth()));
    const request = backgroundRequest(host.signal);
    if (cleanupIntervalMs > 0) {
      const clean = () => compactor.cleanPartials(request);
      host.spawn('clean', (signal) => this.#repeat('cleaning', cleanupIntervalMs, signal, clean));
    }
    if (progressIntervalMs > 0) {
      const show = () => compactor.showProgress(request);
      host.spawn('progress', (signal) => this.#repeat('progress', progressIntervalMs, signal, show));
    }
  }

  /** The signal has aborted by then; the group waits for what is in hand. */
  async stop(): Promise<void> {
    await this.#deps.compactor.release();
  }

  #showHealth(): void {
    const { compactor, onHealth } = this.#deps;
    compactor.watch.show();
    onHealth?.(compactor.problem);
  }

  async #repeat(what: string, intervalMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { compactor, logger, clock = systemClock } = this.#deps;
    for (;;) {
      try {
        await work();
      } catch (thrown) {
        if (signal.aborted) return;
        if (isHalt(thrown)) {
          logger.error('halted: nothing is done any more until this is looked at', { err: messageOf(thrown) });
          return;
        }
        const err = messageOf(thrown);
        if (compactor.isStandby) logger.info('standing by: it is tried again after the interval', { why: err });
        else logger.error(`${what} failed, the next one follows`, { err });
      }
      if (signal.aborted) return;
      try {
        await clock.sleep(intervalMs, signal);
      } catch {
        return; // Only the end of everything ends a sleep.
      }
    }
  }
}

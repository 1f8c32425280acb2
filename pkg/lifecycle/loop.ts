// A component that repeats one step.

import { type Clock, systemClock } from '../async/clock.ts';
import { messageOf } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Component, Host } from './component.ts';

export interface LoopDeps {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** 0 to 1, for tests. */
  readonly random?: () => number;
  /** One round. A failure is logged and the next round tries again, unless `failsGroup` is set. */
  readonly step: (signal: AbortSignal) => Promise<void>;
}

export interface LoopConfig {
  readonly name: string;
  /** From the end of one round to the start of the next. */
  readonly intervalMs: number;
  /** Up to this share of the interval is added by chance, so that many processes do not march in step. 0 by default. */
  readonly jitter?: number;
  /** True: the first round is part of starting, and its failure fails the start. */
  readonly startsWithStep?: boolean;
  /** True: a failed round ends the group. */
  readonly failsGroup?: boolean;
}

export class Loop implements Component {
  readonly name: string;
  readonly #deps: LoopDeps;
  readonly #config: LoopConfig;

  constructor(deps: LoopDeps, config: LoopConfig) {
    this.name = config.name;
    this.#deps = deps;
    this.#config = config;
  }

  async start(host: Host): Promise<void> {
    const startsWithStep = this.#config.startsWithStep === true;
    if (startsWithStep) await this.#deps.step(host.signal);
    host.spawn('loop', (signal) => this.#forever(signal, !startsWithStep));
  }

  /** The loop's signal has aborted by then; the group waits for the round in hand. */
  async stop(): Promise<void> {}

  async #forever(signal: AbortSignal, isDue: boolean): Promise<void> {
    const { clock = systemClock, random = Math.random } = this.#deps;
    let isStepDue = isDue;
    while (!signal.aborted) {
      if (isStepDue) await this.#round(signal);
      isStepDue = true;
      const jitterMs = this.#config.intervalMs * (this.#config.jitter ?? 0) * random();
      if (signal.aborted) return;
      await clock.sleep(this.#config.intervalMs + jitterMs, signal);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.step(signal);
    } catch (thrown) {
      if (signal.aborted) return;
      if (this.#config.failsGroup === true) throw thrown;
      this.#deps.logger.warn(`${this.name} failed, next try follows`, { err: messageOf(thrown) });
    }
  }
}

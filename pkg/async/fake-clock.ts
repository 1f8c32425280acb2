// The clock tests drive by hand: nothing moves until `advance` is called.

import type { Clock } from './clock.ts';
import { faultOf } from './deadline.ts';

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  #nowMs: number;
  #sleepers: Sleeper[] = [];

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** How many sleeps are waiting. */
  get sleeperCount(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(faultOf(signal));
        return;
      }
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(faultOf(signal));
      };
      const wake = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { wakeAtMs: this.#nowMs + ms, wake };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /**
   * Moves time on, waking sleepers in order of their time; after each one the woken code runs before time moves again, so
   * a loop that sleeps anew within the span is woken anew.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#earliest();
      if (next === undefined || next.wakeAtMs > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.wakeAtMs);
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      next.wake();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #earliest(): Sleeper | undefined {
    return this.#sleepers.reduce<Sleeper | undefined>(
      (best, sleeper) => (best === undefined || sleeper.wakeAtMs < best.wakeAtMs ? sleeper : best),
      undefined,
    );
  }
}

/** Lets every promise that can run, run. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

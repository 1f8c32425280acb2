// Lets at most n in at once; the rest queue in order of arrival.

import { faultOf, sharedSignal } from './deadline.ts';

export interface GateOptions {
  /** Told how long each admitted caller waited, in milliseconds; 0 when it walked through. */
  readonly onAdmit?: (waitedMs: number) => void;
}

interface Waiter {
  readonly admit: () => void;
}

export class Gate {
  readonly #capacity: number;
  readonly #onAdmit: (waitedMs: number) => void;
  readonly #waiting = new Set<Waiter>();
  #inside = 0;

  /** Capacity 0 or less lets everyone in. */
  constructor(capacity: number, options: GateOptions = {}) {
    this.#capacity = capacity > 0 ? capacity : Number.POSITIVE_INFINITY;
    this.#onAdmit = options.onAdmit ?? (() => {});
  }

  /** How many are in. */
  get insideCount(): number {
    return this.#inside;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Runs work inside the gate. Gives up waiting when the signal aborts; the work itself gets no interruption. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const leave = await this.enter(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Waits for a place. Call what it resolves to, once or more, to give the place back. */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw faultOf(signal);
    if (this.#inside < this.#capacity && this.#waiting.size === 0) {
      this.#inside++;
      this.#onAdmit(0);
    } else {
      await this.#wait(signal);
    }
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#leave();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    const since = performance.now();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(waiter);
        reject(faultOf(signal));
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener('abort', onAbort);
          this.#onAdmit(performance.now() - since);
          resolve();
        },
      };
      sharedSignal(signal).addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiter);
    });
  }

  /** The place goes to the longest waiting, without becoming free in between. */
  #leave(): void {
    const next = this.#waiting.values().next().value;
    if (next === undefined) {
      this.#inside--;
      return;
    }
    this.#waiting.delete(next);
    next.admit();
  }
}

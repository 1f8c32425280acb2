// How many bytes all requests together may hold. Who does not get them in time fails with `limit`, rather than the
// process with all its requests.

import { faultOf, throwIfAborted, withTimeout } from '../../async/deadline.ts';
import { Fault } from '../../errors/fault.ts';

interface Waiter {
  readonly bytes: number;
  readonly admit: () => void;
}

export class ByteBudget {
  readonly #capacity: number;
  readonly #waitMs: number;
  readonly #waiting = new Set<Waiter>();
  #used = 0;

  /** `waitMs` is how long a request may wait for others to finish with theirs. */
  constructor(capacityBytes: number, waitMs = 10_000) {
    this.#capacity = capacityBytes;
    this.#waitMs = waitMs;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Takes bytes, waiting for them in order of arrival. Give them back with `give`, the same number. */
  async take(signal: AbortSignal, bytes: number): Promise<void> {
    throwIfAborted(signal);
    if (bytes > this.#capacity) {
      throw new Fault('limit', `${bytes} bytes of chunks wanted at once, chunk-pool-size is ${this.#capacity}`);
    }
    if (this.#waiting.size === 0 && this.#used + bytes <= this.#capacity) {
      this.#used += bytes;
      return;
    }
    const limit = withTimeout(signal, this.#waitMs);
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiter = {
          bytes,
          admit: () => {
            limit.signal.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        const onAbort = () => {
          this.#waiting.delete(waiter);
          this.#admit();
          reject(
            signal.aborted
              ? faultOf(signal)
              : new Fault('limit', `chunk-pool-size of ${this.#capacity} bytes is used up by running requests`),
          );
        };
        limit.signal.addEventListener('abort', onAbort, { once: true });
        this.#waiting.add(waiter);
      });
    } finally {
      limit.release();
    }
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#admit();
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (this.#used + waiter.bytes > this.#capacity) return;
      this.#waiting.delete(waiter);
      this.#used += waiter.bytes;
      waiter.admit();
    }
  }
}

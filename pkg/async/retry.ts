// Tries again while the kind of the failure says that it may help.

import { type FaultKind, kindOf } from '../errors/fault.ts';
import { type Clock, systemClock } from './clock.ts';
import { throwIfAborted } from './deadline.ts';

export interface RetryOptions {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** The first pause; each next is twice as long, up to `maxDelayMs`. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Kinds worth another try; `unavailable` alone unless said otherwise. */
  readonly kinds?: readonly FaultKind[];
  readonly clock?: Clock;
  /** 0 to 1, for tests. */
  readonly random?: () => number;
  /** Told before each pause. */
  readonly onRetry?: (thrown: unknown, attempt: number, delayMs: number) => void;
}

/**
 * The first result of `work`, which gets the number of the try from 1. The last failure is thrown when tries run out, at
 * once when its kind is not worth a retry. Pauses are drawn evenly from the upper half of their length, so that many
 * clients do not come back together. Aborts in the pause as well.
 */
export async function retry<T>(
  signal: AbortSignal,
  options: RetryOptions,
  work: (attempt: number) => Promise<T>,
): Promise<T> {
  const kinds = options.kinds ?? ['unavailable'];
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal);
    try {
      return await work(attempt);
    } catch (thrown) {
      if (attempt >= options.attempts || signal.aborted || !kinds.includes(kindOf(thrown))) throw thrown;
      const fullMs = Math.min(options.maxDelayMs, options.minDelayMs * 2 ** (attempt - 1));
      const delayMs = fullMs * (0.5 + random() / 2);
      options.onRetry?.(thrown, attempt, delayMs);
      await clock.sleep(delayMs, signal);
    }
  }
}

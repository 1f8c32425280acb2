// Time, handed in wherever something waits, so that a test can drive it by hand.

import { faultOf, sharedSignal } from './deadline.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after that many milliseconds. Rejects with the signal's Fault as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** setTimeout takes 31 bits; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    for (let rest = ms; rest > LONGEST_TIMER_MS; rest -= LONGEST_TIMER_MS) await timer(LONGEST_TIMER_MS, signal);
    await timer(ms % LONGEST_TIMER_MS, signal);
  },
};

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(faultOf(signal));
      return;
    }
    const onAbort = () => {
      clearTimeout(timeout);
      reject(faultOf(signal));
    };
    const timeout = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    sharedSignal(signal).addEventListener('abort', onAbort, { once: true });
  });
}

// AbortSignal helpers. Whatever a signal aborts with, those who wait on it throw a Fault: `timeout` when a deadline
// passed, `canceled` otherwise.

import { Fault, kindOf, messageOf } from '../errors/fault.ts';

/** Not an import: this room also runs where there is no Node, and nobody counts listeners there. */
const setMaxListeners = globalThis.process?.getBuiltinModule?.('node:events').setMaxListeners;

/** The Fault to throw for an aborted signal. A Fault given as the reason comes back as it is. */
export function faultOf(signal: AbortSignal): Fault {
  const reason: unknown = signal.reason;
  if (reason instanceof Fault) return reason;
  const kind = kindOf(reason);
  if (kind === 'timeout') return new Fault('timeout', 'deadline exceeded', { cause: reason });
  // The reason of a plain `abort()` says only "This operation was aborted".
  const isPlain = reason === undefined || (reason instanceof Error && reason.name === 'AbortError');
  return new Fault('canceled', isPlain ? 'canceled' : messageOf(reason), { cause: reason });
}

/** Throws the signal's Fault when it has aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw faultOf(signal);
}

/** A signal with its own ending, so that nothing keeps listening once the work is done. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Aborts it by hand. The first reason wins. */
  abort(reason?: unknown): void;
  /** Stops the timer and lets go of the parent. Call it in `finally`. */
  release(): void;
}

/**
 * The same signal, on which any number of waiters may listen. Node takes more than ten for a leak and says so on stderr;
 * here a signal is one request, and its reads, calls and sleeps all listen to it.
 */
export function sharedSignal(signal: AbortSignal): AbortSignal {
  setMaxListeners?.(0, signal);
  return signal;
}

/** A signal that aborts when any parent does, or by hand. Any number may listen to it. */
export function linked(...parents: readonly AbortSignal[]): Deadline {
  const controller = new AbortController();
  const abort = (reason?: unknown): void => controller.abort(reason ?? new Fault('canceled', 'canceled'));
  const listeners: (() => void)[] = [];
  for (const parent of parents) {
    const onAbort = () => abort(faultOf(parent));
    if (parent.aborted) {
      onAbort();
      break;
    }
    sharedSignal(parent).addEventListener('abort', onAbort, { once: true });
    listeners.push(() => parent.removeEventListener('abort', onAbort));
  }
  return {
    signal: sharedSignal(controller.signal),
    abort,
    release() {
      for (const remove of listeners.splice(0)) remove();
    },
  };
}

/**
 * A signal that aborts with a `timeout` Fault after that many milliseconds, or when the parent does. `what` opens the
 * message: `query timed out in 2m`. An infinite or overlong time sets no timer.
 */
export function withTimeout(parent: AbortSignal, timeoutMs: number, what = 'deadline exceeded'): Deadline {
  const link = linked(parent);
  if (timeoutMs > 2 ** 31 - 1) return link;
  const timer = setTimeout(() => link.abort(new Fault('timeout', what)), timeoutMs);
  // A deadline alone must not keep the process alive.
  timer.unref();
  return {
    signal: link.signal,
    abort: link.abort,
    release() {
      clearTimeout(timer);
      link.release();
    },
  };
}

/** Runs work under a deadline and releases it whatever happens. */
export async function deadline<T>(
  parent: AbortSignal,
  timeoutMs: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = withTimeout(parent, timeoutMs, what);
  try {
    return await work(limit.signal);
  } finally {
    limit.release();
  }
}

/**
 * The promise, or a rejection with the signal's Fault as soon as it aborts: for work that takes no signal itself. The
 * abandoned promise goes on; its late failure is swallowed.
 */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(faultOf(signal));
    if (signal.aborted) onAbort();
    else sharedSignal(signal).addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

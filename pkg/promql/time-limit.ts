// The end of a query: its own deadline, or that of the caller. And the turns it takes, so that timers, sockets and other
// queries get theirs while columns are computed.

import { sharedSignal } from '../async/deadline.ts';
import { Fault, kindOf } from '../errors/fault.ts';

/** Other work in the process gets its turn after this much time in columns. */
const TURN_MS = 25;

export class TimeLimit {
  readonly #caller: AbortSignal;
  readonly #deadline: number;
  readonly #own: { readonly controller: AbortController; readonly timer: NodeJS.Timeout | undefined } | undefined;
  /** Aborts at the end of the query. */
  readonly signal: AbortSignal;
  #turnEnds = performance.now() + TURN_MS;

  /** With an infinite time the caller's signal is all there is: nothing is made. */
  constructor(caller: AbortSignal, timeoutMs: number) {
    this.#caller = caller;
    this.#deadline = performance.now() + timeoutMs;
    if (timeoutMs === Infinity) {
      this.signal = caller;
      return;
    }
    const controller = new AbortController();
    // Longer waits than a timer can count are left to the checks between batches.
    const timer =
      timeoutMs < 2 ** 31 ? setTimeout(() => controller.abort(timedOut()), Math.max(0, timeoutMs)) : undefined;
    this.#own = { controller, timer };
    this.signal = sharedSignal(AbortSignal.any([caller, controller.signal]));
  }

  /** Why the query has to stop; undefined while it may go on. */
  reason(): Fault | undefined {
    if (this.#caller.aborted) {
      const { reason } = this.#caller;
      const kind = kindOf(reason);
      if (kind === 'timeout') return timedOut();
      // One who ended it from outside has said why.
      if (reason instanceof Fault && (kind === 'limit' || reason.facts['endedBy'] !== undefined)) return reason;
      return new Fault('canceled', 'query was canceled in expression evaluation', { cause: reason });
    }
    if (performance.now() < this.#deadline) return undefined;
    this.#own?.controller.abort(timedOut());
    return timedOut();
  }

  check(): void {
    const reason = this.reason();
    if (reason !== undefined) throw reason;
  }

  /** Checks; and after a while in columns gives a promise to wait for, during which others get their turn. */
  pace(): Promise<void> | undefined {
    this.check();
    if (performance.now() < this.#turnEnds) return undefined;
    return new Promise<void>((resolve) => nextTurn(resolve)).then(() => {
      this.#turnEnds = performance.now() + TURN_MS;
      this.check();
    });
  }

  close(): void {
    clearTimeout(this.#own?.timer);
  }
}

function timedOut(): Fault {
  return new Fault('timeout', 'query timed out in expression evaluation');
}

/** Browsers have no setImmediate. */
const nextTurn: (then: () => void) => unknown =
  typeof setImmediate === 'function' ? setImmediate : (then) => setTimeout(then, 0);

// Work that is done in place, without a wait, in small pieces: a loop over thousands of them would let nothing else in.

import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long one turn of the event loop may go to such work, ms. */
const TURN_MS = 20;

export class LoopTurn {
  #isBegun = false;
  #endMs = 0;

  /** Called before each piece: waits for the next turn of the event loop when this one has lasted long enough. */
  share(): Promise<void> | undefined {
    if (this.#isBegun) return performance.now() < this.#endMs ? undefined : this.#next();
    this.#isBegun = true;
    this.#endMs = performance.now() + TURN_MS;
    setImmediate(() => {
      this.#isBegun = false;
    });
    return undefined;
  }

  async #next(): Promise<void> {
    while (this.#isBegun && performance.now() >= this.#endMs) await nextTurn();
  }
}

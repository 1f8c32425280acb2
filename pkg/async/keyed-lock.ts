// Mutual exclusion per key, in order of arrival. A key nobody uses takes no memory.

import { Gate } from './gate.ts';

export class KeyedLock<K> {
  readonly #gates = new Map<K, { readonly gate: Gate; users: number }>();

  /** How many keys are held or waited for. */
  get size(): number {
    return this.#gates.size;
  }

  /** Runs work while holding the key. Gives up waiting when the signal aborts. */
  async run<T>(key: K, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let entry = this.#gates.get(key);
    if (entry === undefined) {
      entry = { gate: new Gate(1), users: 0 };
      this.#gates.set(key, entry);
    }
    entry.users++;
    try {
      return await entry.gate.run(signal, work);
    } finally {
      entry.users--;
      if (entry.users === 0) this.#gates.delete(key);
    }
  }
}

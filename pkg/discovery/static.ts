// A fixed list of addresses.

import type { FoundAddress, Provider } from './provider.ts';

export class StaticProvider implements Provider {
  readonly #addresses: readonly FoundAddress[];

  /** `host:port` texts, taken literally; one given twice is one. */
  constructor(addresses: readonly string[]) {
    this.#addresses = [...new Set(addresses)].map((address) => ({ address, configured: address }));
  }

  addresses(): readonly FoundAddress[] {
    return this.#addresses;
  }

  async refresh(): Promise<void> {
    // Nothing to look up.
  }
}

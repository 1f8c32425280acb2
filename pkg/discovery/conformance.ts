// What every Provider promises. Each implementation runs it in its test.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import type { Provider } from './provider.ts';

/** `make` gives a provider whose first round finds exactly `addresses`, in this order. */
export function providerConformance(what: string, make: () => Provider, addresses: readonly string[]): void {
  describe(`${what} keeps the promises of a provider`, () => {
    test('a round finds the whole set, each address once, in a stable order', async () => {
      const provider = make();
      for (let round = 0; round < 3; round++) {
        await provider.refresh(new AbortController().signal);
        assert.deepEqual(
          provider.addresses().map(({ address }) => address),
          addresses,
        );
      }
    });

    test('a round that is called off keeps what was known and does not throw', async () => {
      const provider = make();
      await provider.refresh(new AbortController().signal);
      await provider.refresh(AbortSignal.abort());
      assert.deepEqual(
        provider.addresses().map(({ address }) => address),
        addresses,
      );
    });
  });
}

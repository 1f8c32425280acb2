// A cache in memory, bounded by bytes, with the least recently used entries going first.

import { LRUCache } from 'lru-cache';
import type { Cache } from './cache.ts';

export interface MemoryCacheConfig {
  readonly name: string;
  readonly maxBytes: number;
  /** Larger values are not kept. */
  readonly maxItemBytes: number;
  readonly onEvict?: (key: string) => void;
  readonly onTooLarge?: (key: string) => void;
}

/** What an entry costs besides its value and the bytes of its key. */
const ENTRY_BYTES = 160;

export class MemoryCache implements Cache {
  readonly name: string;
  readonly #entries: LRUCache<string, Uint8Array> | undefined;
  readonly #config: MemoryCacheConfig;

  /** A cache of zero bytes keeps nothing. */
  constructor(config: MemoryCacheConfig) {
    this.name = config.name;
    this.#config = config;
    if (config.maxBytes < 1) return;
    this.#entries = new LRUCache<string, Uint8Array>({
      maxSize: config.maxBytes,
      sizeCalculation: (value, key) => sizeOf(key, value),
      dispose: (_value, key, reason) => {
        if (reason === 'evict') config.onEvict?.(key);
      },
    });
  }

  /** Bytes of keys, values and bookkeeping. */
  get sizeBytes(): number {
    return this.#entries?.calculatedSize ?? 0;
  }

  get itemCount(): number {
    return this.#entries?.size ?? 0;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries?.get(key);
  }

  set(key: string, value: Uint8Array): void {
    if (
      this.#entries === undefined ||
      sizeOf(key, value) > Math.min(this.#config.maxItemBytes, this.#config.maxBytes)
    ) {
      this.#config.onTooLarge?.(key);
      return;
    }
    this.#entries.set(key, value);
  }

  clear(): void {
    this.#entries?.clear();
  }
}

function sizeOf(key: string, value: Uint8Array): number {
  // What a view keeps alive is its whole buffer.
  return value.buffer.byteLength + key.length * 2 + ENTRY_BYTES;
}

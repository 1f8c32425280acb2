// A cache of bytes by key: what every cache, in memory or over a network, does for us. An entry may vanish at any time.

export interface Cache {
  readonly name: string;
  /** The value stored under a key, shared: do not change it. */
  get(key: string): Uint8Array | undefined;
  /** Stores a value, which must not change afterwards. Values that are too large are left out. */
  set(key: string, value: Uint8Array): void;
  clear(): void;
}

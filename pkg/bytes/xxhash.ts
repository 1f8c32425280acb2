// xxHash64, seed 0. The library compiles its module once when this file is first imported; hashing is synchronous.

import xxhash from 'xxhash-wasm';

const api = await xxhash();

/** The hash of the bytes as an unsigned 64-bit number. */
export function xxhash64(bytes: Uint8Array): bigint {
  return api.h64Raw(bytes);
}

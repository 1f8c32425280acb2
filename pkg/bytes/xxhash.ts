// xxHash64, seed 0, by a kernel that is compiled with this file: synchronously, so that no file that hashes has to be waited
// for before it can be used.

import { instantiate } from './instantiate.ts';
import { wasmBase64 } from './kernels/xxhash.generated.ts';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputAt(): number;
  inputBytes(): number;
  begin(): void;
  stripes(length: number): void;
  hash(from: number, to: number, total: number): bigint;
}

const kernel = instantiate<Exports>(wasmBase64);
const input = new Uint8Array(kernel.memory.buffer, kernel.inputAt(), kernel.inputBytes());
const STRIPE_BYTES = 32;

/** The hash of the bytes as an unsigned 64-bit number. */
export function xxhash64(bytes: Uint8Array): bigint {
  const total = bytes.length;
  kernel.begin();
  let from = 0;
  for (; total - from > input.length; from += input.length) {
    input.set(bytes.subarray(from, from + input.length));
    kernel.stripes(input.length);
  }
  const rest = total - from;
  input.set(from === 0 ? bytes : bytes.subarray(from));
  const tailAt = rest - (rest % STRIPE_BYTES);
  kernel.stripes(tailAt);
  return BigInt.asUintN(64, kernel.hash(tailAt, rest, total));
}

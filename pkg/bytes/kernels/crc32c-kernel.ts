// Loads the compiled checksum and lends its memory: one instance a thread, used synchronously.

import { instantiate } from '../instantiate.ts';
import { wasmBase64 } from './crc32c.generated.ts';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputAt(): number;
  inputBytes(): number;
  makeTables(): void;
  sum(from: number, to: number, previous: number): number;
}

const exports = instantiate<Exports>(wasmBase64);
exports.makeTables();

/** Where the bytes are put. */
export const checksumInput = new Uint8Array(exports.memory.buffer, exports.inputAt(), exports.inputBytes());

/** The sum of bytes [from, to) of the input as a signed number, going on from `previous`. */
export const kernelCrc32c: (from: number, to: number, previous: number) => number = exports.sum;

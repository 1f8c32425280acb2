// Loads the compiled float chunk encoder and lends its memory: one instance a thread, used synchronously.

import { instantiate } from '../../../bytes/instantiate.ts';
import { wasmBase64 } from './xor-encode.generated.ts';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  timesAt(): number;
  valuesAt(): number;
  outputAt(): number;
  outputSize(): number;
  encode(count: number): number;
}

const exports = instantiate<Exports>(wasmBase64);
const { buffer } = exports.memory;

/** Where the columns of a chunk are put. */
export const encodeTimes = new Float64Array(buffer, exports.timesAt(), 65536);
export const encodeValues = new Float64Array(buffer, exports.valuesAt(), 65536);
/** The chunk, good until the next call. */
export const encodeOutput = new Uint8Array(buffer, exports.outputAt(), exports.outputSize());

/** Encodes the first `count` samples of the columns, 1 to 65535; the size of the chunk in bytes. */
export const kernelEncode: (count: number) => number = exports.encode;

// Loads the compiled float chunk decoder and lends its memory: one instance a thread, used synchronously.

import { instantiate } from '../../../bytes/instantiate.ts';
import { wasmBase64 } from './wasm.generated.ts';

/** Results of the kernel that are not sample counts. */
export const KERNEL_TOO_SHORT = -1;
export const KERNEL_BAD_WINDOW = -2;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  stateAt(): number;
  inputAt(): number;
  inputSize(): number;
  timesAt(): number;
  valuesAt(): number;
  decode(from: number, length: number, out: number): number;
  decodeCounter(from: number, length: number, out: number): number;
  isPlain(count: number): number;
}

const exports = instantiate<Exports>(wasmBase64);
const { buffer } = exports.memory;

/** Samples one chunk can have at most, and the output columns hold at least. */
export const KERNEL_SAMPLES = 65536;

/** Where chunks are put; one that is longer cannot be decoded, and cannot be right either. */
export const kernelInput = new Uint8Array(buffer, exports.inputAt(), exports.inputSize());
/** Started (0 or 1), last time, last value and total of `kernelDecodeCounter`. */
export const kernelState = new Float64Array(buffer, exports.stateAt(), 4);
/** The decoded columns, good until the next call that writes there. */
export const kernelTimes = new Float64Array(buffer, exports.timesAt(), KERNEL_SAMPLES);
export const kernelValues = new Float64Array(buffer, exports.valuesAt(), KERNEL_SAMPLES);

/**
 * Decodes `length` bytes at `from` of the input into the columns from `out` on, where there must be room for the samples
 * the chunk says it has; the sample count, or a negative result.
 */
export const kernelDecode: (from: number, length: number, out: number) => number = exports.decode;
/** The same with counter resets added up; see applyCounterResets in ../counter-resets.ts. */
export const kernelDecodeCounter: (from: number, length: number, out: number) => number = exports.decodeCounter;
/** 1 when the first `count` samples of the columns are numbers at ascending times, else 0. */
export const kernelIsPlain: (count: number) => number = exports.isPlain;

// Loads the compiled posting list decoder and lends its memory: one instance a thread, used synchronously.

import { instantiate } from '../../../bytes/instantiate.ts';
import { wasmBase64 } from './index.generated.ts';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputAt(): number;
  idsAt(): number;
  maxIds(): number;
  decodeIds(count: number, last: number): number;
}

const exports = instantiate<Exports>(wasmBase64);
const { buffer } = exports.memory;

/** Most ids of one call. */
export const MOST_IDS = exports.maxIds();
/** Where the bytes of big-endian ids are put. */
export const postingInput = new Uint8Array(buffer, exports.inputAt(), MOST_IDS * 4);
/** The ids, good until the next call. */
export const postingIds = new Uint32Array(buffer, exports.idsAt(), MOST_IDS);

/** Decodes `count` ids of the input; how many are above their predecessors, `last` before the first, -1 for none. */
export const kernelDecodeIds: (count: number, last: number) => number = exports.decodeIds;

// Snappy's block format:
//
//   ┌──────────────────────────┬──────────────────────────────┐
//   │ uncompressed size uvarint│ literals and copies          │
//   └──────────────────────────┴──────────────────────────────┘

import snappy from 'snappyjs';
import { Fault } from '../errors/fault.ts';
import { readUvarint, varintEnd } from './varint.ts';

/** Compresses; the result is a new array. */
export function encodeSnappy(bytes: Uint8Array): Uint8Array {
  return snappy.compress(plain(bytes));
}

/**
 * Uncompresses into a new array. A size header above `maxBytes` is refused with `limit` before anything is allocated;
 * bytes that are not a block, or whose size is not what the header says, are `corrupt`.
 */
export function decodeSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const size = readUvarint(bytes, 0, bytes.length);
  const body = varintEnd;
  if (size > maxBytes) throw new Fault('limit', `snappy block of ${size} bytes, at most ${maxBytes} are allowed`);
  // Whoever claims a large size must have the bytes for it: a copy yields at most 64 bytes for every 2 of input.
  if (size > (bytes.length - body) * 64) throw new Fault('corrupt', 'snappy block is shorter than its size says');
  if (size !== producedSize(bytes, body)) throw new Fault('corrupt', 'snappy block does not have the size it says');
  try {
    return snappy.uncompress(plain(bytes));
  } catch (thrown) {
    throw new Fault('corrupt', 'snappy block is damaged', { cause: thrown });
  }
}

/** How many bytes the elements yield. The library neither checks this nor stops at the end of its output. */
function producedSize(bytes: Uint8Array, from: number): number {
  let produced = 0;
  let i = from;
  while (i < bytes.length) {
    const tag = bytes[i++];
    const kind = tag & 3;
    if (kind === 0) {
      let length = (tag >>> 2) + 1;
      if (length > 60) {
        const extra = length - 60;
        length = 1;
        for (let k = 0; k < extra; k++) length += (bytes[i + k] ?? 0) * 256 ** k;
        i += extra;
      }
      produced += length;
      i += length;
    } else {
      produced += kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
      i += kind === 3 ? 4 : kind;
    }
  }
  return i === bytes.length ? produced : -1;
}

/** A Buffer would make the library answer with one. */
function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

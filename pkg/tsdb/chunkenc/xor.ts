// Gorilla float chunks, encoding 1, in plain TypeScript on 32-bit halves: the oracle for the compiled kernel (decode.ts
// picks). The writer is in xor-encoder.ts.
//
//   ┌───────────┬─────────────────────────────────────────────────────────────────┐
//   │ count u16 │ t0 varint, v0 64 bits, Δ1 uvarint, v1 xor, then {ΔΔ code, xor}… │  one bit stream, high bits first
//   └───────────┴─────────────────────────────────────────────────────────────────┘
//
//   ΔΔ   0 → 0 │ 10 + 14 bits │ 110 + 17 │ 1110 + 20 │ 1111 + 64; a payload above half its range is negative
//   xor  0 → same │ 10 + bits of the current window │ 11 + 5 bits lead + 6 bits size (0 is 64) + that many bits

import { Fault } from '../../errors/fault.ts';
import type { SampleBuffer } from '../../storage/sample-columns.ts';
import { chunkSampleCount } from './encoding.ts';
import { decodeXorWide } from './xor-wide.ts';

/** A sample takes 19 bytes at most, and reads peek a few bytes further. */
const SLACK = 32;
/** Within these, 65535 samples of the longest short code stay exact in a double. */
const MAX_EXACT_TIME = 2 ** 51;
const MAX_EXACT_DELTA = 2 ** 35;

let padded: Uint8Array = new Uint8Array(2048);
let view: DataView = new DataView(padded.buffer);

/**
 * Decodes one chunk (count and stream, without encoding byte and checksum) and appends its samples to `into`, values by
 * bits. A chunk whose stream ends before its samples do is `corrupt`, and `into` is as long as before.
 */
export function decodeXor(bytes: Uint8Array, offset: number, length: number, into: SampleBuffer): void {
  const count = chunkSampleCount(bytes, offset, length);
  if (count === 0) return;
  checkXorCount(count, length);
  if (bytes.length - offset - length < SLACK) {
    if (padded.length < length + SLACK) padded = new Uint8Array((length + SLACK) * 2);
    padded.set(bytes.subarray(offset, offset + length));
    padded.fill(0, length, length + SLACK);
    bytes = padded;
    offset = 0;
  }
  if (view.buffer !== bytes.buffer || view.byteOffset !== bytes.byteOffset || view.byteLength !== bytes.byteLength) {
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  into.reserve(count);
  if (decodeNarrow(bytes, view, offset, length, count, into)) into.length += count;
  else decodeXorWide(bytes, offset, length, into);
}

/** Refuses a count that the bytes cannot hold (a sample takes two bits at least), before anything is allocated. */
export function checkXorCount(count: number, length: number): void {
  // The first sample takes nine bytes at least.
  const bits = (length - 2) * 8;
  if (bits < 72 + (count > 1 ? 9 : 0) + Math.max(0, count - 2) * 2) throw tooShort(count, length);
}

/** The failure of a chunk whose bytes end before its samples. */
export function tooShort(count: number, length: number): Fault {
  return new Fault('corrupt', `chunk says ${count} samples in ${length} bytes`);
}

/** False when times leave the range where doubles are exact; nothing counts then. */
function decodeNarrow(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  count: number,
  into: SampleBuffer,
): boolean {
  const { times, words } = into;
  const base = into.length;
  const endBit = length * 8;
  // Positions are bits from `offset`.
  let bit = 16;

  // Sample 0: a varint on byte borders.
  let time = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[offset + (bit >>> 3)];
    bit += 8;
    time += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) break;
    if (bit >= 96 || bit >= endBit) {
      if (bit >= endBit) throw tooShort(count, length);
      return false;
    }
  }
  if (time > MAX_EXACT_TIME * 2) return false;
  time = time % 2 === 0 ? time / 2 : -(time + 1) / 2;
  let high = view.getUint32(offset + (bit >>> 3)) | 0;
  let low = view.getUint32(offset + (bit >>> 3) + 4) | 0;
  bit += 64;
  if (bit > endBit) throw tooShort(count, length);
  times[base] = time;
  words[2 * base] = low;
  words[2 * base + 1] = high;
  if (count === 1) return true;

  let delta = 0;
  let lead = 0;
  let size = 64;
  for (let i = 1; i < count; i++) {
    let at = offset + (bit >>> 3);
    let shift = bit & 7;
    let word = (view.getUint32(at) << shift) | (bytes[at + 4] >>> (8 - shift));
    if (i === 1) {
      // Sample 1: a varint that is byte aligned too, since only whole bytes came before.
      let step = 0;
      scale = 1;
      for (let n = 0; ; n++) {
        const byte = bytes[at + n];
        bit += 8;
        step += (byte & 0x7f) * scale;
        scale *= 128;
        if (byte < 0x80) break;
        if (n === 9 || bit >= endBit) {
          if (bit >= endBit) throw tooShort(count, length);
          return false;
        }
      }
      if (step > MAX_EXACT_DELTA) return false;
      delta = step;
    } else if (word >= 0) {
      bit += 1;
    } else if ((word & 0x40000000) === 0) {
      const payload = (word >>> 16) & 0x3fff;
      delta += payload > 0x2000 ? payload - 0x4000 : payload;
      bit += 16;
    } else if ((word & 0x20000000) === 0) {
      const payload = (word >>> 12) & 0x1ffff;
      delta += payload > 0x10000 ? payload - 0x20000 : payload;
      bit += 20;
    } else if ((word & 0x10000000) === 0) {
      const payload = (word >>> 8) & 0xfffff;
      delta += payload > 0x80000 ? payload - 0x100000 : payload;
      bit += 24;
    } else {
      bit += 4;
      at = offset + (bit >>> 3);
      shift = bit & 7;
      const upper = (view.getUint32(at) << shift) | (bytes[at + 4] >>> (8 - shift));
      const lower = (view.getUint32(at + 4) << shift) | (bytes[at + 8] >>> (8 - shift));
      delta += upper * 2 ** 32 + (lower >>> 0);
      bit += 64;
      if (!(delta <= MAX_EXACT_DELTA && delta >= -MAX_EXACT_DELTA)) return false;
    }
    time += delta;

    at = offset + (bit >>> 3);
    shift = bit & 7;
    word = (view.getUint32(at) << shift) | (bytes[at + 4] >>> (8 - shift));
    if (word >= 0) {
      bit += 1;
    } else {
      if ((word & 0x40000000) === 0) {
        bit += 2;
      } else {
        lead = (word >>> 25) & 31;
        size = (word >>> 19) & 63;
        if (size === 0) size = 64;
        if (lead + size > 64) throw new Fault('corrupt', `chunk has a window of ${size} bits after ${lead}`);
        bit += 13;
      }
      at = offset + (bit >>> 3);
      shift = bit & 7;
      const upper = (view.getUint32(at) << shift) | (bytes[at + 4] >>> (8 - shift));
      const trail = 64 - lead - size;
      if (size <= 32) {
        // Shifting right by 32 - size and left by trail moves the payload to its place in the 64-bit word.
        const payload = upper >>> (32 - size);
        if (trail >= 32) high ^= payload << (trail - 32);
        else {
          low ^= payload << trail;
          if (trail > 0) high ^= payload >>> (32 - trail);
        }
      } else {
        const lower = (view.getUint32(at + 4) << shift) | (bytes[at + 8] >>> (8 - shift));
        // More than 32 bits leave trail below 32: the payload's high part is size - 32 bits long.
        const up = size === 64 ? upper : upper >>> (64 - size);
        const down = size === 64 ? lower : (upper << (size - 32)) | (lower >>> (64 - size));
        high ^= trail === 0 ? up : (up << trail) | (down >>> (32 - trail));
        low ^= down << trail;
      }
      bit += size;
    }
    if (bit > endBit) throw tooShort(count, length);
    const to = base + i;
    times[to] = time;
    words[2 * to] = low;
    words[2 * to + 1] = high;
  }
  return true;
}

export { encodeXor, XorEncoder } from './xor-encoder.ts';

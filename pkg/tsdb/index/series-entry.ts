// One series in the index: its labels as symbol references and where its chunks are.
//
//   ┌─────────────┬────────────────┬───────────────────────┬────────────────┬──────────────────────┬────────────┐
//   │ size uvarint│ labels uvarint │ name, value uvarint … │ chunks uvarint │ chunk 0, chunk 1, …  │ crc32c u32 │
//   └─────────────┴────────────────┴───────────────────────┴────────────────┴──────────────────────┴────────────┘
//
//   chunk 0   mint varint        │ maxt - mint uvarint │ reference uvarint
//   chunk i   mint - last maxt u │ maxt - mint uvarint │ reference - last reference varint
//
// `size` and the checksum cover what lies between them. Series are many: this decodes into columns that are reused, with
// no object for a label or a chunk, and every read of a number stands in this file.

import { crc32c } from '../../bytes/crc32c.ts';
import { MAX_VARINT_BYTES, readUvarint, setVarintEnd, unzigzag, varintEnd } from '../../bytes/varint.ts';
import { Fault } from '../../errors/fault.ts';

/** A decoded entry. Only the first `labelCount` and `chunkCount` places count; the next decode overwrites them. */
export class SeriesEntry {
  /** Symbol references in turn: name 0, value 0, name 1… `2 * labelCount` of them. */
  labelRefs = new Uint32Array(64);
  labelCount = 0;
  /** Both inclusive, ms. */
  minTimes = new Float64Array(64);
  maxTimes = new Float64Array(64);
  /** A chunk's reference taken apart: segment number from 0 and offset in it. */
  segments = new Uint32Array(64);
  offsets = new Uint32Array(64);
  chunkCount = 0;
  /** Where the entry ends, checksum included, in the bytes it was read from. */
  end = 0;

  reserveLabels(count: number): void {
    if (2 * count > this.labelRefs.length) this.labelRefs = new Uint32Array(4 * count);
  }

  reserveChunks(count: number): void {
    if (count <= this.minTimes.length) return;
    this.minTimes = new Float64Array(2 * count);
    this.maxTimes = new Float64Array(2 * count);
    this.segments = new Uint32Array(2 * count);
    this.offsets = new Uint32Array(2 * count);
  }
}

/** Most bytes that must be read to know an entry's size. */
export const MAX_SERIES_SIZE_BYTES = 5;

/** Bytes of the entry that starts at `offset`, size field and checksum included, or `corrupt`. */
export function seriesEntrySize(bytes: Uint8Array, offset: number, end = bytes.length): number {
  const size = readUvarint(bytes, offset, end);
  return varintEnd - offset + size + 4;
}

/**
 * Decodes the entry at `offset` of `bytes` into `into`. `corrupt` when it does not fit its size, times fall, the checksum
 * differs, or it reaches past `end`. The checksum is skipped with `verify: false`, for bytes that were checked before;
 * with `allowsDisorder` times may fall from chunk to chunk: for those who look for damage.
 */
export function decodeSeriesEntry(
  bytes: Uint8Array,
  offset: number,
  into: SeriesEntry,
  end = bytes.length,
  verify = true,
  allowsDisorder = false,
): void {
  const size = readUvarint(bytes, offset, end);
  let at = varintEnd;
  const stop = at + size;
  if (stop + 4 > end) throw new Fault('corrupt', `series entry of ${size} bytes reaches past the end of its range`);
  if (verify) {
    const stored = ((bytes[stop] << 24) | (bytes[stop + 1] << 16) | (bytes[stop + 2] << 8) | bytes[stop + 3]) >>> 0;
    const actual = crc32c(bytes, at, stop);
    if (stored !== actual) {
      throw new Fault('corrupt', `series entry: checksum is ${actual.toString(16)}, expected ${stored.toString(16)}`);
    }
  }
  into.end = stop + 4;

  const labelCount = readUvarint(bytes, at, stop);
  at = varintEnd;
  // Every label takes two bytes at least: the count is checked before it allocates.
  if (labelCount * 2 > stop - at) throw new Fault('corrupt', `series entry says ${labelCount} labels in ${size} bytes`);
  into.reserveLabels(labelCount);
  const refs = into.labelRefs;
  for (let i = 0; i < 2 * labelCount; i++) {
    // One and two byte references, nearly all there are, are read in place.
    const first = bytes[at];
    const second = bytes[at + 1];
    if (first < 0x80 && at < stop) {
      refs[i] = first;
      at += 1;
    } else if (second < 0x80 && at + 1 < stop) {
      refs[i] = (first & 0x7f) | (second << 7);
      at += 2;
    } else {
      const ref = readUvarint(bytes, at, stop);
      if (ref > 0xffffffff) throw new Fault('corrupt', `series entry has symbol reference ${ref}`);
      refs[i] = ref;
      at = varintEnd;
    }
  }
  into.labelCount = labelCount;
  decodeChunks(bytes, at, stop, into, allowsDisorder);
}

function decodeChunks(bytes: Uint8Array, from: number, stop: number, into: SeriesEntry, allowsDisorder: boolean): void {
  const chunkCount = readUvarint(bytes, from, stop);
  let at = varintEnd;
  if (chunkCount * 3 > stop - at) {
    throw new Fault('corrupt', `series entry says ${chunkCount} chunks in ${stop - from} bytes`);
  }
  into.reserveChunks(chunkCount);
  const { minTimes, maxTimes, segments, offsets } = into;
  let time = 0;
  let segment = 0;
  let offset = 0;
  for (let i = 0; i < chunkCount; i++) {
    // Nearly all chunks after the first: three short numbers, and the place is a little after the one before.
    if (i > 0 && at + 3 * SHORT_BYTES <= stop) {
      const a = shortNumber(bytes, at);
      const b = shortNumber(bytes, at + (a >>> SHORT_BITS));
      const c = shortNumber(bytes, at + (a >>> SHORT_BITS) + (b >>> SHORT_BITS));
      const step = c & SHORT_MASK;
      const next = offset + ((step >>> 1) ^ -(step & 1));
      if (a > 0 && b > 0 && c > 0 && next >= 0 && next < 2 ** 32) {
        at += (a >>> SHORT_BITS) + (b >>> SHORT_BITS) + (c >>> SHORT_BITS);
        offset = next;
        time += a & SHORT_MASK;
        minTimes[i] = time;
        time += b & SHORT_MASK;
        maxTimes[i] = time;
        segments[i] = segment;
        offsets[i] = next;
        continue;
      }
    }
    const start = i > 0 && isLong(bytes, at) ? readGap(bytes, at, stop, allowsDisorder) : readUvarint(bytes, at, stop);
    const span = readUvarint(bytes, varintEnd, stop);
    const step = readUvarint(bytes, varintEnd, stop);
    at = varintEnd;
    time = i === 0 ? unzigzag(start) : time + start;
    minTimes[i] = time;
    time += span;
    maxTimes[i] = time;
    if (i === 0) {
      segment = Math.floor(step / 2 ** 32);
      offset = step % 2 ** 32;
    } else {
      // References stay within 2^53 as long as there are less than two million segments of half a gigabyte.
      const next = offset + unzigzag(step);
      if (next >= 0 && next < 2 ** 32) offset = next;
      else {
        const reference = segment * 2 ** 32 + next;
        if (reference < 0 || reference > Number.MAX_SAFE_INTEGER) {
          throw new Fault('corrupt', `series entry has chunk reference ${reference}`);
        }
        segment = Math.floor(reference / 2 ** 32);
        offset = reference % 2 ** 32;
      }
    }
    segments[i] = segment;
    offsets[i] = offset;
  }
  if (at !== stop) throw new Fault('corrupt', `series entry has ${stop - at} bytes left over`);
  if (!Number.isSafeInteger(time)) throw new Fault('corrupt', 'series entry has times that are too large');
  into.chunkCount = chunkCount;
}

/** Nearly all numbers of chunks after the first take up to so many bytes, of seven bits each. */
const SHORT_BYTES = 4;
const SHORT_BITS = 7 * SHORT_BYTES;
const SHORT_MASK = 2 ** SHORT_BITS - 1;

/** A short number, with how many bytes it takes above its bits; 0 when it is longer. The bytes must be there. */
function shortNumber(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return first | (1 << SHORT_BITS);
  const second = bytes[at + 1];
  if (second < 0x80) return (first & 0x7f) | (second << 7) | (2 << SHORT_BITS);
  const third = bytes[at + 2];
  if (third < 0x80) return (first & 0x7f) | ((second & 0x7f) << 7) | (third << 14) | (3 << SHORT_BITS);
  const fourth = bytes[at + 3];
  if (fourth >= 0x80) return 0;
  return (first & 0x7f) | ((second & 0x7f) << 7) | ((third & 0x7f) << 14) | (fourth << 21) | (4 << SHORT_BITS);
}

/** Whether a number of nine bytes or more begins here: what takes longer to read, and seldom comes. */
function isLong(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + MAX_VARINT_BYTES - 1; i++) if (!(bytes[i] >= 0x80)) return false;
  return true;
}

/** The time from the end of a chunk to the start of the next: below zero it is written as what 64 bits make of it. */
function readGap(bytes: Uint8Array, at: number, stop: number, allowsDisorder: boolean): number {
  let gap = 0n;
  let size = 0;
  while (size < MAX_VARINT_BYTES && at + size < stop) {
    gap |= BigInt(bytes[at + size] & 0x7f) << BigInt(7 * size);
    if (bytes[at + size++] < 0x80) break;
  }
  const signed = BigInt.asIntN(64, gap);
  // Short numbers and numbers cut off come here too, when what follows looks long.
  if (size < MAX_VARINT_BYTES || signed >= 0n) return readUvarint(bytes, at, stop);
  if (!allowsDisorder) throw new Fault('corrupt', 'chunks of a series entry are out of order');
  setVarintEnd(at + size);
  return Number(signed);
}

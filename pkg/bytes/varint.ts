// LEB128 and zig-zag on plain arrays, for loops too hot for a reader. Seven bits a byte, low group first.
//
// No bounds are checked here beyond the array's own end: whoever calls keeps `end` and compares `varintEnd` with it.

import { Fault } from '../errors/fault.ts';

/** Most bytes a 64-bit varint takes. */
export const MAX_VARINT_BYTES = 10;

/** Where the last `readUvarint` ended: the offset after the number. Read it right after the call. */
export let varintEnd = 0;

/** For those who read a number of a kind of their own. */
export function setVarintEnd(offset: number): void {
  varintEnd = offset;
}

/** Reads an unsigned varint that must be a safe integer and end before `end`; otherwise `corrupt`. Sets `varintEnd`. */
export function readUvarint(bytes: Uint8Array, offset: number, end: number): number {
  if (offset >= end) throw cutOff(offset);
  let byte = bytes[offset++];
  if (byte < 0x80) {
    varintEnd = offset;
    return byte;
  }
  let value = byte & 0x7f;
  for (let shift = 7; shift <= 21; shift += 7) {
    if (offset >= end) throw cutOff(offset);
    byte = bytes[offset++];
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      varintEnd = offset;
      return value;
    }
  }
  // Past 28 bits the operators would wrap, so the rest is multiplied in.
  let scale = 2 ** 28;
  for (let i = 4; i < MAX_VARINT_BYTES; i++) {
    if (offset >= end) throw cutOff(offset);
    byte = bytes[offset++];
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte < 0x80) {
      if (value > Number.MAX_SAFE_INTEGER) break;
      varintEnd = offset;
      return value;
    }
  }
  throw new Fault('corrupt', `number before byte ${offset} is too large`);
}

/** Undoes zig-zag: 0, 1, 2, 3 mean 0, -1, 1, -2. */
export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** The bytes an unsigned varint takes. `value` is a safe integer, not negative. */
export function uvarintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes an unsigned varint of a safe integer and returns the offset after it. The array must have room. */
export function writeUvarint(into: Uint8Array, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest > 0x7fffffff) {
    into[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 0x80) {
    into[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[at++] = rest;
  return at;
}

function cutOff(offset: number): Fault {
  return new Fault('corrupt', `bytes end inside a number at ${offset}`);
}

// The protobuf wire format, for the messages that are read and written by hand.
//
//   field     tag varint (number << 3 | type), then by type:
//             0 varint │ 1 eight bytes │ 2 length varint and bytes │ 5 four bytes
//   varint    seven bits a byte, low bits first, the high bit says that more follow; negative numbers take ten bytes

import { Fault } from '../errors/fault.ts';
import { int64Of } from './int64.ts';

export const VARINT = 0;
export const LENGTH_DELIMITED = 2;

/** Walks over bytes that may be anything: whatever does not fit is `corrupt`. */
export class WireReader {
  bytes: Uint8Array;
  position: number;
  /** End of all bytes; callers keep the ends of inner messages themselves. */
  end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.position = 0;
    this.end = bytes.length;
  }

  /** A tag or another number of up to 32 bits; higher bits are dropped, as everywhere in protobuf. */
  uint32(): number {
    const { bytes } = this;
    let position = this.position;
    if (position < this.end && bytes[position] < 0x80) {
      this.position = position + 1;
      return bytes[position];
    }
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= this.end) throw truncated();
      const byte = bytes[position++];
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = position;
        return value >>> 0;
      }
    }
    throw new Fault('corrupt', 'varint longer than ten bytes');
  }

  /** The end of the length-delimited field that begins here, which must lie within `limit`. */
  fieldEnd(limit: number): number {
    const length = this.uint32();
    const end = this.position + length;
    if (end > limit) throw truncated();
    return end;
  }

  /** A signed 64-bit number, the nearest double beyond 2^53; the limits become MIN_TIME and MAX_TIME. */
  int64(): number {
    const { bytes, end } = this;
    let position = this.position;
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (position >= end) throw truncated();
      if (shift >= 70) throw new Fault('corrupt', 'varint longer than ten bytes');
      const byte = bytes[position++];
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift < 56) middle |= bits << (shift - 28);
      else high |= bits << (shift - 56);
      if (byte < 0x80) break;
    }
    this.position = position;
    if (high === 0) return middle * 0x10000000 + low;
    return ((middle >>> 4) | (high << 24)) * 0x100000000 + ((low | (middle << 28)) >>> 0);
  }

  /** Steps over a field of a type, which must end within `limit`. */
  skip(type: number, limit: number): void {
    switch (type) {
      case VARINT:
        this.uint32();
        break;
      case 1:
        this.position += 8;
        break;
      case LENGTH_DELIMITED:
        this.position = this.fieldEnd(limit);
        break;
      case 5:
        this.position += 4;
        break;
      default:
        throw new Fault('corrupt', `wire type ${type}`);
    }
    if (this.position > limit) throw truncated();
  }
}

function truncated(): Fault {
  return new Fault('corrupt', 'message ends within a field');
}

/** Bytes of an unsigned number below 2^32 as a varint. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Writes an unsigned number below 2^32 and returns the position after it. */
export function writeVarint(into: Uint8Array, position: number, value: number): number {
  let rest = value;
  while (rest >= 0x80) {
    into[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[position++] = rest;
  return position;
}

/** Bytes of a signed 64-bit number as a varint. */
export function int64Size(value: number): number {
  if (value < 0) return 10;
  if (value < 0x10000000) return varintSize(value);
  for (let size = 5, limit = 2 ** 35; size < 9; size++, limit *= 128) if (value < limit) return size;
  return 9;
}

/** Writes a signed 64-bit number (MIN_TIME and MAX_TIME as the int64 limits) and returns the position after it. */
export function writeInt64(into: Uint8Array, position: number, value: number): number {
  if (value >= 0 && value < 0x10000000) return writeVarint(into, position, value);
  if (value > 0 && value < 2 ** 53) {
    // Four bytes from the low 28 bits, the rest is an integer again.
    const rest = Math.floor(value / 0x10000000);
    const low = value - rest * 0x10000000;
    into[position] = (low & 0x7f) | 0x80;
    into[position + 1] = ((low >>> 7) & 0x7f) | 0x80;
    into[position + 2] = ((low >>> 14) & 0x7f) | 0x80;
    into[position + 3] = (low >>> 21) | 0x80;
    return writeVarint(into, position + 4, rest);
  }
  let { low, high } = int64Of(value);
  while (high !== 0 || low >>> 0 >= 0x80) {
    into[position++] = (low & 0x7f) | 0x80;
    low = (low >>> 7) | (high << 25);
    high >>>= 7;
  }
  into[position++] = low;
  return position;
}

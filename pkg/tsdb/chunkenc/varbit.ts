// Integers of histogram chunks: a prefix of ones, a zero, and as many bits as the prefix says.
//
//   0 → 0 │ 10 + 3 bits │ 110 + 6 │ 1110 + 9 │ 11110 + 12 │ 111110 + 18 │ 1111110 + 25 │ 11111110 + 56 │ 11111111 + 64
//
// A signed payload is negative when it is above half its range (exactly half is positive); with 64 bits it is two's
// complement. Numbers past 2^53 are rounded to the nearest double.

import type { BitReader, BitWriter } from './bit-stream.ts';

const payloadBits = [0, 3, 6, 9, 12, 18, 25, 56, 64] as const;

/** The next unsigned number. Beyond 2^53 it is the nearest double. */
export function readVarbitUint(reader: BitReader): number {
  const size = payloadBits[prefix(reader)];
  if (size <= 25) return reader.bits(size);
  return reader.bits(size - 32) * 2 ** 32 + reader.bits(32);
}

/** The next signed number. Beyond 2^53 it is the nearest double. */
export function readVarbitInt(reader: BitReader): number {
  const size = payloadBits[prefix(reader)];
  if (size <= 25) {
    const payload = reader.bits(size);
    return size > 0 && payload > 2 ** (size - 1) ? payload - 2 ** size : payload;
  }
  // Taken apart, so that a small negative number does not pass through a large inexact one.
  const high = reader.bits(size - 32);
  const low = reader.bits(32);
  const half = 2 ** (size - 33);
  const isNegative = high > half || (high === half && (low > 0 || size === 64));
  return (isNegative ? high - 2 ** (size - 32) : high) * 2 ** 32 + low;
}

function prefix(reader: BitReader): number {
  let ones = 0;
  while (ones < 8 && reader.bit() === 1) ones++;
  return ones;
}

/** Writes an integer from 0 on. Beyond 2^53 the number must be exact, as every double of that size is. */
export function writeVarbitUint(bits: BitWriter, value: number): void {
  if (value === 0) bits.bits(0, 1);
  else if (value < 2 ** 3) bits.bits((0b10 << 3) | value, 5);
  else if (value < 2 ** 6) bits.bits((0b110 << 6) | value, 9);
  else if (value < 2 ** 9) bits.bits((0b1110 << 9) | value, 13);
  else if (value < 2 ** 12) bits.bits((0b11110 << 12) | value, 17);
  else if (value < 2 ** 18) bits.bits((0b111110 << 18) | value, 24);
  else writeLong(bits, value, value < 2 ** 25, value < 2 ** 56);
}

/** Writes an integer of either sign. */
export function writeVarbitInt(bits: BitWriter, value: number): void {
  if (value === 0) bits.bits(0, 1);
  else if (fits(value, 3)) bits.bits((0b10 << 3) | (value & 0x7), 5);
  else if (fits(value, 6)) bits.bits((0b110 << 6) | (value & 0x3f), 9);
  else if (fits(value, 9)) bits.bits((0b1110 << 9) | (value & 0x1ff), 13);
  else if (fits(value, 12)) bits.bits((0b11110 << 12) | (value & 0xfff), 17);
  else if (fits(value, 18)) bits.bits((0b111110 << 18) | (value & 0x3ffff), 24);
  else writeLong(bits, value, fits(value, 25), fits(value, 56));
}

/** Exactly half of the range is positive. */
function fits(value: number, size: number): boolean {
  return value > -(2 ** (size - 1)) && value <= 2 ** (size - 1);
}

function writeLong(bits: BitWriter, value: number, fits25: boolean, fits56: boolean): void {
  if (fits25) {
    bits.bits(0b1111110, 7);
    bits.bits(value, 25);
    return;
  }
  bits.bits(fits56 ? 0xfe : 0xff, 8);
  bits.bits(Math.floor(value / 2 ** 32), fits56 ? 24 : 32);
  bits.bits(value, 32);
}

// 64-bit integers of the wire, and the one place that turns them into numbers. A double holds 53 bits, and the extremes
// of int64 are routine here ("since ever", "for ever"), so messages keep both halves and callers ask for what they need.

import { MAX_TIME, MIN_TIME } from '../model/time.ts';

/** Two's complement halves, each an int32. What protobufjs decodes and accepts. */
export interface Int64 {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

const two32 = 2 ** 32;

/**
 * A signed value as milliseconds (or any other count). The int64 limits become MIN_TIME and MAX_TIME; what lies beyond
 * 2^53 becomes the nearest double.
 */
export function numberOf(value: Int64): number {
  return value.high * two32 + (value.low >>> 0);
}

/** An unsigned value as a number, the nearest double beyond 2^53. */
export function unsignedOf(value: Int64): number {
  return (value.high >>> 0) * two32 + (value.low >>> 0);
}

/** Every bit, as an unsigned 64-bit integer: for hashes. */
export function bitsOf(value: Int64): bigint {
  return (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
}

/** A whole number as a signed value. MIN_TIME, MAX_TIME and everything beyond them become the int64 limits. */
export function int64Of(value: number): Int64 {
  if (value >= MAX_TIME) return MAX_INT64;
  if (value <= MIN_TIME) return MIN_INT64;
  const whole = Math.trunc(value);
  const high = Math.floor(whole / two32);
  return { low: (whole - high * two32) | 0, high: high | 0, unsigned: false };
}

/** A signed value ready for a field: absent when it is 0, as proto3 leaves zeros out. */
export function int64Field(value: number): Int64 | undefined {
  return value === 0 ? undefined : int64Of(value);
}

export const MIN_INT64: Int64 = { low: 0, high: 0x80000000 | 0, unsigned: false };
export const MAX_INT64: Int64 = { low: -1, high: 0x7fffffff, unsigned: false };

// Float chunks (the format is drawn in ../../xor.ts) into columns, in 64-bit arithmetic. AssemblyScript; who includes this
// says where everything lies.
//
// Back to front, eight bytes of the big-endian stream are one plain little-endian load: a peek costs a load and a shift.
// One peek has 57 bits at least and serves the time code, the control bits, and most payloads. The input may be
// anything: positions are compared with its end after every sample, and the slack around it covers one sample.

import { peek64At, peekAt, reverseTo } from './bits';

/** The bytes end before the samples do. */
const TOO_SHORT: i32 = -1;
/** A value's window does not fit 64 bits. */
const BAD_WINDOW: i32 = -2;
/** A varint is longer than 64 bits. */
const BAD_VARINT: i32 = -3;

/**
 * Decodes all samples of the `length` bytes at `input` to where `times` and `values` are; the number of samples or a negative
 * code. Below `top` there is room for the bytes, and 64 on either side. With `counter`, resets are added up: NaNs vanish, each
 * fall adds the new value whole, and a sample at the last time only replaces the value compared against; at `state` are
 * started (0 or 1), last time, last value and total, and are kept up to date, but not by what ends in a code.
 */
// @ts-ignore: decorator
@inline
export function decodeXor(
  input: usize,
  length: usize,
  top: usize,
  times: usize,
  values: usize,
  counter: bool,
  state: usize,
): i32 {
  const count: i32 = (<i32>load<u8>(input) << 8) | <i32>load<u8>(input + 1);
  if (count == 0) return 0;
  reverseTo(top, input, length);
  const endBit: u32 = <u32>length << 3;
  let bit: u32 = 16;

  let raw: u64 = 0;
  let shift: u64 = 0;
  while (true) {
    const byte: u64 = load<u8>(input + (bit >>> 3));
    bit += 8;
    if (bit > endBit) return TOO_SHORT;
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7;
    if (shift >= 70) return BAD_VARINT;
  }
  let time: i64 = <i64>(raw >> 1) ^ -<i64>(raw & 1);
  let value: u64 = peek64At(top, bit);
  bit += 64;
  if (bit > endBit) return TOO_SHORT;

  let started: bool = false;
  let lastTime: f64 = 0;
  let lastValue: f64 = 0;
  let total: f64 = 0;
  let out: usize = 0;
  if (counter) {
    started = load<f64>(state) != 0;
    lastTime = load<f64>(state + 8);
    lastValue = load<f64>(state + 16);
    total = load<f64>(state + 24);
  }

  let delta: i64 = 0;
  let lead: u64 = 0;
  let size: u64 = 64;
  let i: i32 = 0;
  while (true) {
    if (counter) {
      const number = reinterpret<f64>(value);
      if (number == number) {
        const at = <f64>time;
        let emit = true;
        if (!started) {
          started = true;
          total = number;
        } else if (at > lastTime) {
          total += number >= lastValue ? number - lastValue : number;
        } else {
          emit = false;
          if (at == lastTime) lastValue = number;
        }
        if (emit) {
          lastTime = at;
          lastValue = number;
          store<f64>(times + out, at);
          store<f64>(values + out, total);
          out += 8;
        }
      }
    } else {
      store<f64>(times + out, <f64>time);
      store<u64>(values + out, value);
      out += 8;
    }
    if (++i == count) break;

    let word: u64;
    if (i == 1) {
      raw = 0;
      shift = 0;
      while (true) {
        const byte: u64 = load<u8>(input + (bit >>> 3));
        bit += 8;
        if (bit > endBit) return TOO_SHORT;
        raw |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
        shift += 7;
        if (shift >= 70) return BAD_VARINT;
      }
      delta = <i64>raw;
      word = peekAt(top, bit);
    } else {
      word = peekAt(top, bit);
      if (<i64>word >= 0) {
        word <<= 1;
        bit += 1;
      } else if ((word & 0x4000000000000000) == 0) {
        const payload: i64 = <i64>((word >> 48) & 0x3fff);
        delta += payload > 0x2000 ? payload - 0x4000 : payload;
        word <<= 16;
        bit += 16;
      } else if ((word & 0x2000000000000000) == 0) {
        const payload: i64 = <i64>((word >> 44) & 0x1ffff);
        delta += payload > 0x10000 ? payload - 0x20000 : payload;
        word <<= 20;
        bit += 20;
      } else if ((word & 0x1000000000000000) == 0) {
        const payload: i64 = <i64>((word >> 40) & 0xfffff);
        delta += payload > 0x80000 ? payload - 0x100000 : payload;
        word <<= 24;
        bit += 24;
      } else {
        delta += <i64>peek64At(top, bit + 4);
        bit += 68;
        word = peekAt(top, bit);
      }
    }
    time += delta;

    // Whatever the time took, 33 bits of the peek are left: enough for the control bits and a new window.
    if (<i64>word >= 0) {
      bit += 1;
    } else {
      if ((word & 0x4000000000000000) == 0) {
        bit += 2;
      } else {
        lead = (word >> 57) & 31;
        size = (word >> 51) & 63;
        if (size == 0) size = 64;
        if (lead + size > 64) return BAD_WINDOW;
        bit += 13;
      }
      const payload: u64 = size <= 57 ? peekAt(top, bit) : peek64At(top, bit);
      value ^= (payload >> (64 - size)) << (64 - lead - size);
      bit += <u32>size;
    }
    if (bit > endBit) return TOO_SHORT;
  }

  if (counter) {
    store<f64>(state, started ? 1 : 0);
    store<f64>(state + 8, lastTime);
    store<f64>(state + 16, lastValue);
    store<f64>(state + 24, total);
  }
  return <i32>(out >> 3);
}

// Decodes float chunks (the format is drawn in ../../xor.ts) in 64-bit arithmetic. AssemblyScript, compiled by
// dev/generate-kernels.mjs; decode.ts owns the memory from outside.
//
//   memory   STATE 4 f64 │ INPUT the chunk as it is │ REVERSED the chunk back to front │ TIMES f64… │ VALUES 64 bit…
//
// Back to front, eight bytes of the big-endian stream are one plain little-endian load: a peek costs a load and a shift.
// One peek has 57 bits at least and serves the time code, the control bits, and most payloads. The input may be
// anything: positions are compared with its end after every sample, and the slack around it covers one sample.

/** 65535 samples of 19 bytes, and slack. */
const INPUT_BYTES: usize = 1245184;
const SLACK: usize = 64;
const STATE: usize = 1024;
const INPUT: usize = STATE + SLACK;
const REVERSED: usize = INPUT + INPUT_BYTES + 2 * SLACK;
const REVERSED_TOP: usize = REVERSED + INPUT_BYTES + 2 * SLACK;
const TIMES: usize = REVERSED_TOP + SLACK;
const VALUES: usize = TIMES + 65536 * 8;
const END: usize = VALUES + 65536 * 8;

export function stateAt(): usize { return STATE; }
export function inputAt(): usize { return INPUT; }
export function inputSize(): usize { return INPUT_BYTES; }
export function timesAt(): usize { return TIMES; }
export function valuesAt(): usize { return VALUES; }
export function memoryEnd(): usize { return END; }

/** The bytes end before the samples do. */
const TOO_SHORT: i32 = -1;
/** A value's window does not fit 64 bits. */
const BAD_WINDOW: i32 = -2;
/** A varint is longer than 64 bits. */
const BAD_VARINT: i32 = -3;

/**
 * Decodes all samples of the `length` bytes at `from` of INPUT into the columns, from sample `out` on; the number of
 * samples or a negative code.
 */
export function decode(from: usize, length: usize, out: usize): i32 {
  return run(INPUT + from, length, out, false);
}

/**
 * The same with counter resets added up: NaNs vanish, each fall adds the new value whole, and a sample at the last time
 * only replaces the value compared against. STATE holds started (0 or 1), last time, last value and total, and is kept
 * up to date. The number of samples written or a negative code; then STATE is as before.
 */
export function decodeCounter(from: usize, length: usize, out: usize): i32 {
  return run(INPUT + from, length, out, true);
}

/** Whether the first `count` samples in the columns are numbers at ascending times. */
export function isPlain(count: usize): bool {
  let last: f64 = -Infinity;
  let isOdd: i32 = 0;
  for (let at: usize = 0; at < count << 3; at += 8) {
    const time = load<f64>(TIMES + at);
    const value = load<f64>(VALUES + at);
    isOdd |= i32(!(time > last)) | i32(value != value);
    last = time;
  }
  return isOdd == 0;
}

// @ts-ignore: decorator
@inline
function peek(bit: u32): u64 {
  return load<u64>(REVERSED_TOP - 8 - (bit >>> 3)) << (bit & 7);
}

/** All 64 bits at a position. */
// @ts-ignore: decorator
@inline
function peek64(bit: u32): u64 {
  const at: usize = REVERSED_TOP - 8 - (bit >>> 3);
  return (load<u64>(at) << (bit & 7)) | (<u64>load<u8>(at - 1) >> (8 - (bit & 7)));
}

function reverse(input: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 16) {
    const part = v128.load(input + i);
    v128.store(
      REVERSED_TOP - 16 - i,
      v128.shuffle<u8>(part, part, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
    );
  }
}

// @ts-ignore: decorator
@inline
function run(input: usize, length: usize, first: usize, counter: bool): i32 {
  const count: i32 = (<i32>load<u8>(input) << 8) | <i32>load<u8>(input + 1);
  if (count == 0) return 0;
  reverse(input, length);
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
  let value: u64 = peek64(bit);
  bit += 64;
  if (bit > endBit) return TOO_SHORT;

  let started: bool = false;
  let lastTime: f64 = 0;
  let lastValue: f64 = 0;
  let total: f64 = 0;
  let out: usize = first << 3;
  if (counter) {
    started = load<f64>(STATE) != 0;
    lastTime = load<f64>(STATE + 8);
    lastValue = load<f64>(STATE + 16);
    total = load<f64>(STATE + 24);
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
          store<f64>(TIMES + out, at);
          store<f64>(VALUES + out, total);
          out += 8;
        }
      }
    } else {
      store<f64>(TIMES + out, <f64>time);
      store<u64>(VALUES + out, value);
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
      word = peek(bit);
    } else {
      word = peek(bit);
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
        delta += <i64>peek64(bit + 4);
        bit += 68;
        word = peek(bit);
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
      const payload: u64 = size <= 57 ? peek(bit) : peek64(bit);
      value ^= (payload >> (64 - size)) << (64 - lead - size);
      bit += <u32>size;
    }
    if (bit > endBit) return TOO_SHORT;
  }

  if (counter) {
    store<f64>(STATE, started ? 1 : 0);
    store<f64>(STATE + 8, lastTime);
    store<f64>(STATE + 16, lastValue);
    store<f64>(STATE + 24, total);
  }
  return <i32>((out >> 3) - first);
}

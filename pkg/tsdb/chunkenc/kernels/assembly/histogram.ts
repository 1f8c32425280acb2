// Decodes the samples of histogram chunks (drawn in ../../histogram.ts and ../../float-histogram.ts) into columns, in 64-bit
// arithmetic. The layout in front of them is read outside, which says where the samples begin and how many buckets each has.
//
//   memory   INPUT the chunk as it is │ REVERSED the chunk back to front │ STATE 16 bytes a bucket │ columns of 64 bits:
//            TIMES │ TOTALS │ ZEROS │ SUMS │ COUNTS, a row of absolute counts a sample, positive buckets first
//
// The input may be anything: positions are compared with its end after every number, and the slack covers one.

import { peekAt, peek64At, reverseTo } from './bits';

const INPUT_BYTES: usize = 262144;
const SLACK: usize = 64;
const MAX_SAMPLES: usize = 4096;
const MAX_BUCKETS: usize = 4096;
const MAX_COUNTS: usize = 262144;
const INPUT: usize = 1024 + SLACK;
const REVERSED_TOP: usize = INPUT + INPUT_BYTES + 2 * SLACK + INPUT_BYTES + 2 * SLACK;
const STATE: usize = REVERSED_TOP + SLACK;
const TIMES: usize = STATE + MAX_BUCKETS * 16;
const TOTALS: usize = TIMES + MAX_SAMPLES * 8;
const ZEROS: usize = TOTALS + MAX_SAMPLES * 8;
const SUMS: usize = ZEROS + MAX_SAMPLES * 8;
const COUNTS: usize = SUMS + MAX_SAMPLES * 8;
const END: usize = COUNTS + MAX_COUNTS * 8;

export function inputAt(): usize { return INPUT; }
export function inputSize(): usize { return INPUT_BYTES; }
export function maxSamples(): usize { return MAX_SAMPLES; }
export function maxBuckets(): usize { return MAX_BUCKETS; }
export function maxCounts(): usize { return MAX_COUNTS; }
export function timesAt(): usize { return TIMES; }
export function totalsAt(): usize { return TOTALS; }
export function zerosAt(): usize { return ZEROS; }
export function sumsAt(): usize { return SUMS; }
export function countsAt(): usize { return COUNTS; }
export function memoryEnd(): usize { return END; }

/** The bytes end before the samples do. */
const TOO_SHORT: i32 = -1;
/** A value's window does not fit 64 bits. */
const BAD_WINDOW: i32 = -2;
/** A number is past those that doubles hold exactly: the plain decoder rounds it. */
const TOO_LARGE: i32 = -3;

const STALE: u64 = 0x7ff0000000000002;
const MAX_EXACT: i64 = 9007199254740991;

/** Where the stream is, where it ends, and the first thing that was wrong with it. */
let position: u32 = 0;
let endBit: u32 = 0;
let fault: i32 = 0;

/** Payload sizes by the number of ones in front, a byte each: 0, 3, 6, 9, 12, 18, 25, 56. */
const SIZES: u64 = 0x3819120c09060300;

// @ts-ignore: decorator
@inline
function isExact(value: i64): bool {
  return value <= MAX_EXACT && value >= -MAX_EXACT;
}

// @ts-ignore: decorator
@inline
function signed(): i64 {
  const word = peekAt(REVERSED_TOP, position);
  if (<i64>word >= 0) {
    position += 1;
    return 0;
  }
  const ones: u32 = <u32>clz(~word);
  if (ones >= 8) {
    const whole = <i64>peek64At(REVERSED_TOP, position + 8);
    position += 72;
    if (!isExact(whole)) fault = TOO_LARGE;
    return whole;
  }
  const size: u32 = <u32>(SIZES >> (<u64>ones << 3)) & 0xff;
  const payload: u64 =
    size <= 25 ? (word << (ones + 1)) >> (64 - size) : peek64At(REVERSED_TOP, position + ones + 1) >> (64 - size);
  position += ones + 1 + size;
  const value: i64 = payload > <u64>1 << (size - 1) ? <i64>payload - (<i64>1 << size) : <i64>payload;
  if (size > 25 && !isExact(value)) fault = TOO_LARGE;
  return value;
}

// @ts-ignore: decorator
@inline
function unsigned(): i64 {
  const word = peekAt(REVERSED_TOP, position);
  if (<i64>word >= 0) {
    position += 1;
    return 0;
  }
  const ones: u32 = <u32>clz(~word);
  if (ones >= 8) {
    const whole = <i64>peek64At(REVERSED_TOP, position + 8);
    position += 72;
    // Past the range of a signed number it is too large in any case.
    return whole < 0 ? i64.MAX_VALUE : whole;
  }
  const size: u32 = <u32>(SIZES >> (<u64>ones << 3)) & 0xff;
  const payload: u64 =
    size <= 25 ? (word << (ones + 1)) >> (64 - size) : peek64At(REVERSED_TOP, position + ones + 1) >> (64 - size);
  position += ones + 1 + size;
  return <i64>payload;
}

/** One chain of XOR-coded values, at `at`: value u64, lead u32, size u32. */
// @ts-ignore: decorator
@inline
function nextXor(at: usize): u64 {
  let value = load<u64>(at);
  const word = peekAt(REVERSED_TOP, position);
  if (<i64>word >= 0) {
    position += 1;
    return value;
  }
  let lead: u64 = load<u32>(at + 8);
  let size: u64 = load<u32>(at + 12);
  if ((word & 0x4000000000000000) == 0) {
    position += 2;
  } else {
    lead = (word >> 57) & 31;
    size = (word >> 51) & 63;
    if (size == 0) size = 64;
    if (lead + size > 64) {
      fault = BAD_WINDOW;
      return value;
    }
    store<u32>(at + 8, <u32>lead);
    store<u32>(at + 12, <u32>size);
    position += 13;
  }
  // A chain starts with a window of all 64 bits, so a size is never 0.
  const payload: u64 = size <= 57 ? peekAt(REVERSED_TOP, position) : peek64At(REVERSED_TOP, position);
  value ^= (payload >> (64 - size)) << (64 - lead - size);
  position += <u32>size;
  store<u64>(at, value);
  return value;
}

/** The first value of a chain, in full. */
// @ts-ignore: decorator
@inline
function firstXor(at: usize): u64 {
  const value = peek64At(REVERSED_TOP, position);
  position += 64;
  store<u64>(at, value);
  store<u32>(at + 8, 0);
  store<u32>(at + 12, 64);
  return value;
}

/** The chain of sums, and in float chunks those of totals and zero counts, lie in front of the columns of input. */
const SUM_STATE: usize = 1024 - 48;
const TOTAL_STATE: usize = 1024 - 32;
const ZERO_STATE: usize = 1024 - 16;

function begin(length: usize, from: u32): void {
  reverseTo(REVERSED_TOP, INPUT, length);
  position = from;
  endBit = <u32>length << 3;
  fault = 0;
}

/**
 * Decodes the samples of an integer chunk of `length` bytes whose samples begin at bit `from`; 0 or a negative code. A stale
 * sample, told by its sum, has no row of counts: what is there means nothing.
 */
export function decodeIntegers(length: usize, from: u32, count: i32, positive: i32, negative: i32): i32 {
  begin(length, from);
  const buckets: i32 = positive + negative;
  let time: i64 = 0;
  let timeChange: i64 = 0;
  let total: i64 = 0;
  let totalChange: i64 = 0;
  let zero: i64 = 0;
  let zeroChange: i64 = 0;
  let hasBuckets = false;
  let row: usize = COUNTS;
  for (let i = 0; i < count; i++) {
    const at: usize = <usize>i << 3;
    let sum: u64;
    if (i == 0) {
      time = signed();
      total = unsigned();
      zero = unsigned();
      if (position > endBit) return TOO_SHORT;
      sum = firstXor(SUM_STATE);
    } else {
      timeChange += signed();
      if (position > endBit) return TOO_SHORT;
      totalChange += signed();
      if (position > endBit) return TOO_SHORT;
      zeroChange += signed();
      if (position > endBit) return TOO_SHORT;
      if (!isExact(timeChange) || !isExact(totalChange) || !isExact(zeroChange)) return TOO_LARGE;
      time += timeChange;
      total += totalChange;
      zero += zeroChange;
      sum = nextXor(SUM_STATE);
    }
    if (fault != 0) return fault;
    if (position > endBit) return TOO_SHORT;
    if (!isExact(time) || !isExact(total) || !isExact(zero)) return TOO_LARGE;
    store<f64>(TIMES + at, <f64>time);
    store<f64>(TOTALS + at, <f64>total);
    store<f64>(ZEROS + at, <f64>zero);
    store<u64>(SUMS + at, sum);
    if (sum != STALE) {
      let absolute: i64 = 0;
      for (let b = 0; b < buckets; b++) {
        if (b == positive) absolute = 0;
        const state: usize = STATE + (<usize>b << 4);
        let value: i64;
        if (hasBuckets) {
          const change = load<i64>(state + 8) + signed();
          value = load<i64>(state) + change;
          store<i64>(state + 8, change);
          if (!isExact(change)) return TOO_LARGE;
        } else {
          value = signed();
          store<i64>(state + 8, 0);
        }
        if (fault != 0) return fault;
        if (position > endBit) return TOO_SHORT;
        store<i64>(state, value);
        absolute += value;
        if (!isExact(value) || !isExact(absolute)) return TOO_LARGE;
        store<f64>(row + (<usize>b << 3), <f64>absolute);
      }
      hasBuckets = true;
    }
    row += <usize>buckets << 3;
  }
  return 0;
}

/** The same of a float chunk, whose counts are absolute and come out by their bits. */
export function decodeFloats(length: usize, from: u32, count: i32, positive: i32, negative: i32): i32 {
  begin(length, from);
  const buckets: i32 = positive + negative;
  let time: i64 = 0;
  let timeChange: i64 = 0;
  let hasBuckets = false;
  let row: usize = COUNTS;
  for (let i = 0; i < count; i++) {
    const at: usize = <usize>i << 3;
    let total: u64;
    let zero: u64;
    let sum: u64;
    if (i == 0) {
      time = signed();
      if (position + 192 > endBit) return TOO_SHORT;
      total = firstXor(TOTAL_STATE);
      zero = firstXor(ZERO_STATE);
      sum = firstXor(SUM_STATE);
    } else {
      timeChange += signed();
      if (position > endBit) return TOO_SHORT;
      if (!isExact(timeChange)) return TOO_LARGE;
      time += timeChange;
      total = nextXor(TOTAL_STATE);
      if (position > endBit) return TOO_SHORT;
      zero = nextXor(ZERO_STATE);
      if (position > endBit) return TOO_SHORT;
      sum = nextXor(SUM_STATE);
    }
    if (fault != 0) return fault;
    if (position > endBit) return TOO_SHORT;
    if (!isExact(time)) return TOO_LARGE;
    store<f64>(TIMES + at, <f64>time);
    store<u64>(TOTALS + at, total);
    store<u64>(ZEROS + at, zero);
    store<u64>(SUMS + at, sum);
    if (sum != STALE) {
      for (let b = 0; b < buckets; b++) {
        const state: usize = STATE + (<usize>b << 4);
        const value = hasBuckets ? nextXor(state) : firstXor(state);
        if (fault != 0) return fault;
        if (position > endBit) return TOO_SHORT;
        store<u64>(row + (<usize>b << 3), value);
      }
      hasBuckets = true;
    }
    row += <usize>buckets << 3;
  }
  return 0;
}

// Decodes float chunks that are put into its memory. AssemblyScript, compiled by dev/generate-kernels.mjs; decode.ts owns
// the memory from outside.
//
//   memory   STATE 4 f64 │ INPUT the chunk as it is │ REVERSED the chunk back to front │ TIMES f64… │ VALUES 64 bit…

import { decodeXor } from './xor-decode';

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

/**
 * Decodes all samples of the `length` bytes at `from` of INPUT into the columns, from sample `out` on; the number of
 * samples or a negative code.
 */
export function decode(from: usize, length: usize, out: usize): i32 {
  return decodeXor(INPUT + from, length, REVERSED_TOP, TIMES + (out << 3), VALUES + (out << 3), false, STATE);
}

/**
 * The same with counter resets added up: NaNs vanish, each fall adds the new value whole, and a sample at the last time
 * only replaces the value compared against. STATE holds started (0 or 1), last time, last value and total, and is kept
 * up to date. The number of samples written or a negative code; then STATE is as before.
 */
export function decodeCounter(from: usize, length: usize, out: usize): i32 {
  return decodeXor(INPUT + from, length, REVERSED_TOP, TIMES + (out << 3), VALUES + (out << 3), true, STATE);
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

// Sums of what is put into an input. AssemblyScript, compiled by dev/generate-kernels.mjs.
//
//   memory   TABLES │ INPUT

import { makeTables, sumBetween, TABLES_END } from './crc32c-sum';

const INPUT: usize = TABLES_END;
const INPUT_BYTES: usize = 128 * 1024;

export { makeTables };
export function inputAt(): usize { return INPUT; }
export function inputBytes(): usize { return INPUT_BYTES; }
export function memoryEnd(): usize { return INPUT + INPUT_BYTES; }

/** The sum of bytes [from, to) of the input, going on from `previous`. */
export function sum(from: u32, to: u32, previous: u32): u32 {
  return sumBetween(INPUT + from, INPUT + to, previous);
}

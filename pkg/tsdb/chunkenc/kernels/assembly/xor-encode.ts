// Encodes columns that are put into its memory as float chunks. AssemblyScript, compiled by dev/generate-kernels.mjs.
//
//   memory   TIMES f64… │ VALUES 64 bit… │ OUTPUT the chunk

import { encodeXor } from './xor-encoder';

const MAX_SAMPLES: usize = 65536;
const TIMES: usize = 1024;
const VALUES: usize = TIMES + MAX_SAMPLES * 8;
const OUTPUT: usize = VALUES + MAX_SAMPLES * 8;
/** 65535 samples of 19 bytes, and slack. */
const OUTPUT_BYTES: usize = 1245184;

export function timesAt(): usize { return TIMES; }
export function valuesAt(): usize { return VALUES; }
export function outputAt(): usize { return OUTPUT; }
export function outputSize(): usize { return OUTPUT_BYTES; }
export function memoryEnd(): usize { return OUTPUT + OUTPUT_BYTES; }

/** Encodes the first `count` samples of the columns, 1 to 65535; the size of the chunk. Times are safe integers. */
export function encode(count: i32): i32 {
  return encodeXor(count, TIMES, VALUES, OUTPUT);
}

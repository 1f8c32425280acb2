// Windows of raw floats that are put into its memory. AssemblyScript, compiled by dev/generate-kernels.mjs.
//
//   memory   STATE │ TIMES f64… │ VALUES f64… │ WINDOWS f64… │ COUNTS │ SUMS │ MINS │ MAXS │ COUNTER TIMES │ COUNTERS
//
// The counter has two samples more than there are windows: a raw one before them and one behind.

import { aggregateRaw, numberCount, WindowColumns } from './windows';

const MAX_SAMPLES: usize = 32768;
const COLUMN: usize = (MAX_SAMPLES + 2) * 8;
const STATE: usize = 1024;
const PLACES: usize = STATE + 8;
const TIMES: usize = STATE + 64;
const VALUES: usize = TIMES + COLUMN;
const WINDOWS: usize = VALUES + COLUMN;
const COUNTS: usize = WINDOWS + COLUMN;
const SUMS: usize = COUNTS + COLUMN;
const MINS: usize = SUMS + COLUMN;
const MAXS: usize = MINS + COLUMN;
const COUNTER_TIMES: usize = MAXS + COLUMN;
const COUNTERS: usize = COUNTER_TIMES + COLUMN;

export function stateAt(): usize { return STATE; }
export function timesAt(): usize { return TIMES; }
export function columnSize(): usize { return COLUMN; }
export function memoryEnd(): usize { return COUNTERS + COLUMN; }

/**
 * The first `count` samples, at least one, in order of time; how many windows they make. The state is then how many samples
 * are numbers.
 */
export function aggregate(count: i32, resolution: f64): i32 {
  const into = changetype<WindowColumns>(PLACES);
  into.times = WINDOWS;
  into.counts = COUNTS;
  into.sums = SUMS;
  into.mins = MINS;
  into.maxs = MAXS;
  into.counterTimes = COUNTER_TIMES;
  into.counters = COUNTERS;
  const windows = aggregateRaw(TIMES, VALUES, count, resolution, into, count);
  store<f64>(STATE, numberCount);
  return windows;
}

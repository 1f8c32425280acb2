// Raw floats into windows, to the last bit as ../../aggregate-floats.ts does. AssemblyScript.
//
//   memory   STATE │ TIMES f64… │ VALUES f64… │ WINDOWS f64… │ COUNTS │ SUMS │ MINS │ MAXS │ COUNTER TIMES │ COUNTERS
//
// The counter has two samples more than there are windows: a raw one before them and one behind.

const MAX_SAMPLES: usize = 32768;
const COLUMN: usize = (MAX_SAMPLES + 2) * 8;
const STATE: usize = 1024;
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
  let at: usize = 0;
  let past: usize = <usize>count << 3;
  store<f64>(STATE, 0);
  while (at < past && isNaN(load<f64>(VALUES + at))) at += 8;
  if (at == past) return 0;
  while (isNaN(load<f64>(VALUES + past - 8))) past -= 8;
  const lastTime = load<f64>(TIMES + past - 8);
  store<f64>(COUNTER_TIMES, load<f64>(TIMES + at));
  store<f64>(COUNTERS, load<f64>(VALUES + at));
  let total: f64 = -0.0;
  let last: f64 = NaN;
  let numbers: f64 = 0;
  let out: usize = 0;
  while (at < past) {
    const time = load<f64>(TIMES + at);
    const end = Math.max(time, Math.floor(time / resolution) * resolution + resolution - 1);
    let samples: f64 = 0;
    let sum: f64 = 0;
    let min: f64 = Infinity;
    let max: f64 = -Infinity;
    do {
      const value = load<f64>(VALUES + at);
      at += 8;
      // In the order of what is most often so: a NaN is neither, and neither is the first value.
      if (value >= last) total += value - last;
      else if (value == value) total += value;
      else continue;
      last = value;
      samples += 1;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    } while (at < past && load<f64>(TIMES + at) <= end);
    if (samples == 0) continue;
    numbers += samples;
    const written = end < lastTime ? end : lastTime;
    store<f64>(WINDOWS + out, written);
    store<f64>(COUNTS + out, samples);
    store<f64>(SUMS + out, sum);
    store<f64>(MINS + out, min);
    store<f64>(MAXS + out, max);
    out += 8;
    store<f64>(COUNTER_TIMES + out, written);
    store<f64>(COUNTERS + out, total);
  }
  store<f64>(COUNTER_TIMES + out + 8, load<f64>(WINDOWS + out - 8));
  store<f64>(COUNTERS + out + 8, last);
  store<f64>(STATE, numbers);
  return <i32>(out >>> 3);
}

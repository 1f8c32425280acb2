// Samples into windows, to the last bit as ../../aggregate-floats.ts does. AssemblyScript; who includes this says where
// everything lies. Columns are of doubles.

/** How many of the samples that `aggregateRaw` saw are numbers. */
export let numberCount: f64 = 0;

/** Where the windows of raw samples go. */
@unmanaged
export class WindowColumns {
  times: usize;
  counts: usize;
  sums: usize;
  mins: usize;
  maxs: usize;
  counterTimes: usize;
  counters: usize;
}

/** The last millisecond of the window that a time lies in. */
// @ts-ignore: decorator
@inline
export function windowEnd(time: f64, resolution: f64): f64 {
  return Math.max(time, Math.floor(time / resolution) * resolution + resolution - 1);
}

/**
 * `count` raw samples, at least one, in order of time and without stale markers; how many windows they make, of which the
 * counter has two samples more: a raw one before them and one behind. Below 0 when there are more than `most`.
 */
export function aggregateRaw(
  times: usize,
  values: usize,
  count: i32,
  resolution: f64,
  into: WindowColumns,
  most: i32,
): i32 {
  let at: usize = 0;
  let past: usize = <usize>count << 3;
  numberCount = 0;
  while (at < past && isNaN(load<f64>(values + at))) at += 8;
  if (at == past) return 0;
  while (isNaN(load<f64>(values + past - 8))) past -= 8;
  const lastTime = load<f64>(times + past - 8);
  const windows = into.times;
  const counts = into.counts;
  const sums = into.sums;
  const mins = into.mins;
  const maxs = into.maxs;
  const counterTimes = into.counterTimes;
  const counters = into.counters;
  store<f64>(counterTimes, load<f64>(times + at));
  store<f64>(counters, load<f64>(values + at));
  let total: f64 = -0.0;
  let last: f64 = NaN;
  let numbers: f64 = 0;
  let out: usize = 0;
  const mostBytes = <usize>most << 3;
  while (at < past) {
    const time = load<f64>(times + at);
    const end = windowEnd(time, resolution);
    let samples: f64 = 0;
    let sum: f64 = 0;
    let min: f64 = Infinity;
    let max: f64 = -Infinity;
    do {
      const value = load<f64>(values + at);
      at += 8;
      if (value != value) continue;
      // Which of them it is nobody can guess: no branches. The first value is neither above nor below.
      total += select<f64>(value - last, value, value >= last);
      last = value;
      samples += 1;
      sum += value;
      min = select<f64>(value, min, value < min);
      max = select<f64>(value, max, value > max);
    } while (at < past && load<f64>(times + at) <= end);
    if (samples == 0) continue;
    if (out == mostBytes) return -1;
    numbers += samples;
    const written = end < lastTime ? end : lastTime;
    store<f64>(windows + out, written);
    store<f64>(counts + out, samples);
    store<f64>(sums + out, sum);
    store<f64>(mins + out, min);
    store<f64>(maxs + out, max);
    out += 8;
    store<f64>(counterTimes + out, written);
    store<f64>(counters + out, total);
  }
  store<f64>(counterTimes + out + 8, load<f64>(windows + out - 8));
  store<f64>(counters + out + 8, last);
  numberCount = numbers;
  return <i32>(out >>> 3);
}

export const SUM: i32 = 0;
export const MIN: i32 = 1;
export const MAX: i32 = 2;

/** `count` samples, at least one, that are aggregates already; how many windows, below 0 when there are more than `most`. */
export function reduceFloats(
  times: usize,
  values: usize,
  count: i32,
  kind: i32,
  resolution: f64,
  intoTimes: usize,
  intoValues: usize,
  most: i32,
): i32 {
  const past: usize = <usize>count << 3;
  const lastTime = load<f64>(times + past - 8);
  const mostBytes = <usize>most << 3;
  let out: usize = 0;
  for (let at: usize = 0; at < past; ) {
    const end = windowEnd(load<f64>(times + at), resolution);
    // A sum of nothing but -0 is 0.
    let value = kind == SUM ? 0 + load<f64>(values + at) : load<f64>(values + at);
    for (at += 8; at < past && load<f64>(times + at) <= end; at += 8) {
      const next = load<f64>(values + at);
      if (kind == SUM) value += next;
      else if (kind == MIN) value = select<f64>(next, value, next < value);
      else value = select<f64>(next, value, next > value);
    }
    if (out == mostBytes) return -1;
    store<f64>(intoTimes + out, end < lastTime ? end : lastTime);
    store<f64>(intoValues + out, value);
    out += 8;
  }
  return <i32>(out >>> 3);
}

/**
 * The counter of `count` accumulated samples, at least one; `lastRaw` is the last raw value behind them. How many samples it
 * has, at least two, below 0 when there are more than `most` windows.
 */
export function reduceCounter(
  times: usize,
  values: usize,
  count: i32,
  lastRaw: f64,
  resolution: f64,
  intoTimes: usize,
  intoValues: usize,
  most: i32,
): i32 {
  const past: usize = <usize>count << 3;
  const lastTime = load<f64>(times + past - 8);
  const mostBytes = <usize>most << 3;
  store<f64>(intoTimes, load<f64>(times));
  store<f64>(intoValues, load<f64>(values));
  let total: f64 = -0.0;
  let last: f64 = NaN;
  let out: usize = 8;
  for (let at: usize = 0; at < past; ) {
    const end = windowEnd(load<f64>(times + at), resolution);
    for (; at < past && load<f64>(times + at) <= end; at += 8) {
      const value = load<f64>(values + at);
      // Not the value itself: what rounding does to the total is part of it.
      total += select<f64>(value - last, value, value >= last);
      last = value;
    }
    if (out > mostBytes) return -1;
    store<f64>(intoTimes + out, end < lastTime ? end : lastTime);
    store<f64>(intoValues + out, total);
    out += 8;
  }
  store<f64>(intoTimes + out, load<f64>(intoTimes + out - 8));
  store<f64>(intoValues + out, lastRaw);
  return <i32>(out >>> 3) + 1;
}

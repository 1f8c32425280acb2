// Makes a counter's columns monotone, by the rule of Thanos' reader of counters: each fall adds the new value whole.
// NaNs (stale markers too) vanish, and a sample at the last time only replaces the value compared against: that is how a
// counter aggregate hands its last raw value to the chunk after it.

import type { SampleBuffer, SampleColumns } from '../../storage/sample-columns.ts';

/** What must be kept between consecutive chunks of one column. */
export interface CounterState {
  /** False before the first sample that is not NaN; the other fields mean nothing then. */
  isStarted: boolean;
  lastTime: number;
  lastValue: number;
  total: number;
}

export function newCounterState(): CounterState {
  return { isStarted: false, lastTime: 0, lastValue: 0, total: 0 };
}

/** Appends the accumulated samples to `into`, which must be other columns, and advances `state`. */
export function applyCounterResets(columns: SampleColumns, state: CounterState, into: SampleBuffer): void {
  into.reserve(columns.length);
  const { times, values, length } = columns;
  const outTimes = into.times;
  const outValues = into.values;
  let at = into.length;
  let { isStarted, lastTime, lastValue, total } = state;
  for (let i = 0; i < length; i++) {
    const time = times[i];
    const value = values[i];
    if (Number.isNaN(value)) continue;
    if (!isStarted) {
      isStarted = true;
      total = value;
    } else if (time > lastTime) {
      total += value >= lastValue ? value - lastValue : value;
    } else {
      if (time === lastTime) lastValue = value;
      continue;
    }
    lastTime = time;
    lastValue = value;
    outTimes[at] = time;
    outValues[at++] = total;
  }
  into.length = at;
  state.isStarted = isStarted;
  state.lastTime = lastTime;
  state.lastValue = lastValue;
  state.total = total;
}

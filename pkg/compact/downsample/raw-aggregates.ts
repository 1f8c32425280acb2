// The door to the aggregation of raw floats: the compiled one, which raw-aggregates.bench.ts shows to be worth its copies, or
// the plain one for what does not fit its memory.

import type { SampleColumns } from '../../storage/sample-columns.ts';
import { aggregateFloats, FloatAggregates, type FloatColumns } from './aggregate-floats.ts';
import {
  AGGREGATE_SAMPLES,
  aggregateState,
  counterTimes,
  counterValues,
  kernelAggregate,
  rawTimes,
  rawValues,
  windowCounts,
  windowMaxs,
  windowMins,
  windowSums,
  windowTimes,
} from './kernels/aggregate-kernel.ts';

/** A column that lies in the kernel's memory. */
class KernelColumn implements SampleColumns {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly words: Uint32Array;
  readonly histograms = undefined;
  length = 0;

  constructor(times: Float64Array, values: Float64Array) {
    this.times = times;
    this.values = values;
    this.words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  }
}

const count = new KernelColumn(windowTimes, windowCounts);
const sum = new KernelColumn(windowTimes, windowSums);
const min = new KernelColumn(windowTimes, windowMins);
const max = new KernelColumn(windowTimes, windowMaxs);
const counter = new KernelColumn(counterTimes, counterValues);
const compiled = { count, sum, min, max, counter };
const plain = new FloatAggregates();

export interface RawAggregates {
  /** As aggregateFloats fills them; good until the next call. */
  readonly columns: FloatColumns;
  /** Samples that are numbers: what the counts add up to. */
  readonly numberCount: number;
}

/** Aggregates raw samples [from, to), at least one, in order of time and without stale markers. */
export function aggregateRaw(samples: SampleColumns, from: number, to: number, resolutionMs: number): RawAggregates {
  if (to - from > AGGREGATE_SAMPLES) return aggregatePlainly(samples, from, to, resolutionMs);
  rawTimes.set(samples.times.subarray(from, to));
  rawValues.set(samples.values.subarray(from, to));
  const windows = kernelAggregate(to - from, resolutionMs);
  for (const column of [count, sum, min, max]) column.length = windows;
  counter.length = windows === 0 ? 0 : windows + 2;
  return { columns: compiled, numberCount: aggregateState[0] };
}

/** The same without the kernel: its oracle. */
export function aggregatePlainly(
  samples: SampleColumns,
  from: number,
  to: number,
  resolutionMs: number,
): RawAggregates {
  aggregateFloats(samples, from, to, resolutionMs, plain);
  const { values, length } = plain.count;
  let numberCount = 0;
  for (let i = 0; i < length; i++) numberCount += values[i];
  return { columns: plain, numberCount };
}

// Loads the compiled aggregation of raw floats and lends its memory: one instance a thread, used synchronously.

import { instantiate } from '../../../bytes/instantiate.ts';
import { wasmBase64 } from './aggregate.generated.ts';

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  stateAt(): number;
  timesAt(): number;
  columnSize(): number;
  aggregate(count: number, resolutionMs: number): number;
}

const exports = instantiate<Exports>(wasmBase64);
const { buffer } = exports.memory;
const bytes = exports.columnSize();

/** The columns, all of one size: times and values of what goes in, then what comes out. */
function column(number: number): Float64Array {
  return new Float64Array(buffer, exports.timesAt() + number * bytes, bytes / 8);
}

/** Samples that fit at once. */
export const AGGREGATE_SAMPLES = bytes / 8 - 2;

/** How many of the samples are numbers. */
export const aggregateState = new Float64Array(buffer, exports.stateAt(), 1);
export const rawTimes = column(0);
export const rawValues = column(1);
/** Good until the next call. */
export const windowTimes = column(2);
export const windowCounts = column(3);
export const windowSums = column(4);
export const windowMins = column(5);
export const windowMaxs = column(6);
/** Of the counter, which has a sample more before the windows and one behind them. */
export const counterTimes = column(7);
export const counterValues = column(8);

/** Aggregates the first `count` raw samples, 1 to AGGREGATE_SAMPLES; the number of windows. */
export const kernelAggregate: (count: number, resolutionMs: number) => number = exports.aggregate;

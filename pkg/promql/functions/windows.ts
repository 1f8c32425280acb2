// The windows of a range function: for every step, which samples of one series fall into its range.

import type { SampleColumns } from '../../storage/sample-columns.ts';
import type { StepColumn } from './step-column.ts';

/**
 * Window k is samples [from[k], to[k]) of a series, those with rangeStart(k) < time <= rangeEnd(k), where
 * rangeEnd(k) = firstEndMs + k * stepMs (offset and `@` already applied) and rangeStart(k) = rangeEnd(k) - rangeMs.
 */
export interface Windows {
  readonly stepCount: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly firstEndMs: number;
  readonly stepMs: number;
  readonly rangeMs: number;
}

/** Where kernels report what is odd but no failure. Texts carry no prefix and no position. */
export interface Notes {
  warn(text: string): void;
  info(text: string): void;
}

/** What a range function needs besides the samples. */
export interface RangeArgs {
  /** The scalar arguments in the order of the call (the range vector left out), each with one value a step. */
  readonly scalars: readonly Float64Array[];
  /** Evaluation time of step k is evalStartMs + k * evalStepMs: without offset and `@`. */
  readonly evalStartMs: number;
  readonly evalStepMs: number;
  readonly notes: Notes;
}

/**
 * Computes one series over all steps. Samples are ascending, stale markers are gone. Writes `values` and `present` for
 * every step of `out`, whatever they held.
 */
export type RangeFunction = (samples: SampleColumns, windows: Windows, out: StepColumn, args: RangeArgs) => void;

/**
 * Computes one series from one series, step by step. `scalars` are the call's scalar arguments in order, each with one
 * value a step. `out` may be `input`.
 */
export type PointwiseFunction = (
  input: StepColumn,
  out: StepColumn,
  scalars: readonly Float64Array[],
  notes: Notes,
) => void;

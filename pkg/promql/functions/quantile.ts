// Quantiles of plain values, and what follows from them.

import { printG } from './go-format.ts';
import { eachWindow } from './picked-over-time.ts';
import type { Notes, RangeFunction } from './windows.ts';

/** Scratch for sorting; reused from call to call. */
let scratch = new Float64Array(256);

/** The q-quantile of the first `count` values, which get sorted, NaN taken as the smallest. */
export function quantileOf(q: number, values: Float64Array, count: number): number {
  if (count === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  values.subarray(0, count).sort();
  let nans = 0;
  while (nans < count && Number.isNaN(values[count - 1 - nans])) nans++;
  const rank = q * (count - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(count - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  const low = lower < nans ? Number.NaN : values[lower - nans];
  const high = upper < nans ? Number.NaN : values[upper - nans];
  return low * (1 - weight) + high * weight;
}

/** Warns when q is no quantile. */
export function checkQuantile(q: number, notes: Notes): void {
  if (!(q >= 0 && q <= 1)) notes.warn(`quantile value should be between 0 and 1, got ${printG(q)}`);
}

export const quantileOverTime: RangeFunction = ({ values }, windows, out, args) => {
  const q = args.scalars[0];
  eachWindow(windows, out, (from, to, k) => {
    checkQuantile(q[k], args.notes);
    copy(values, from, to);
    return quantileOf(q[k], scratch, to - from);
  });
};

export const madOverTime: RangeFunction = ({ values }, windows, out) =>
  eachWindow(windows, out, (from, to) => {
    // One NaN makes the answer NaN, unlike in quantiles.
    for (let i = from; i < to; i++) if (Number.isNaN(values[i])) return Number.NaN;
    copy(values, from, to);
    const median = quantileOf(0.5, scratch, to - from);
    for (let i = from; i < to; i++) scratch[i - from] = Math.abs(values[i] - median);
    return quantileOf(0.5, scratch, to - from);
  });

function copy(values: Float64Array, from: number, to: number): void {
  if (scratch.length < to - from) scratch = new Float64Array(2 * (to - from));
  scratch.set(values.subarray(from, to));
}

// Sums, averages and spreads over each window.

import { KahanSum } from './kahan.ts';
import type { RangeFunction } from './windows.ts';

export const sumOverTime: RangeFunction = ({ values }, windows, out) => {
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    const end = to[k];
    if ((out.present[k] = end > from[k] ? 1 : 0) === 0) continue;
    let sum = 0;
    let compensation = 0;
    for (let i = from[k]; i < end; i++) {
      const value = values[i];
      const total = sum + value;
      if (total - total !== 0) {
        // Infinite or NaN: from here on only the plain sum counts.
        compensation = Number.isNaN(total) ? Number.NaN : 0;
      } else if (Math.abs(sum) >= Math.abs(value)) compensation += sum - total + value;
      else compensation += value - total + sum;
      sum = total;
    }
    out.values[k] = sum === Number.POSITIVE_INFINITY || sum === Number.NEGATIVE_INFINITY ? sum : sum + compensation;
  }
};

export const avgOverTime: RangeFunction = ({ values }, windows, out) => {
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    const begin = from[k];
    const end = to[k];
    if ((out.present[k] = end > begin ? 1 : 0) === 0) continue;
    let sum = values[begin];
    let compensation = 0;
    let i = begin + 1;
    for (; i < end; i++) {
      const value = values[i];
      const total = sum + value;
      if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) break;
      if (Math.abs(sum) >= Math.abs(value)) compensation += sum - total + value;
      else compensation += value - total + sum;
      sum = total;
    }
    const count = i - begin;
    out.values[k] =
      i === end ? sum / count + compensation / count : incrementalMean(values, begin, i, end, sum, compensation);
  }
};

/** Goes on at sample `i`, which would take the sum beyond what a float holds. */
function incrementalMean(
  values: Float64Array,
  begin: number,
  i: number,
  end: number,
  sum: number,
  compensation: number,
): number {
  const mean = new KahanSum(sum / (i - begin), compensation / (i - begin));
  for (; i < end; i++) {
    const count = i - begin + 1;
    const q = (count - 1) / count;
    mean.sum *= q;
    mean.compensation *= q;
    mean.add(values[i] / count);
  }
  return mean.total;
}

export const stddevOverTime: RangeFunction = ({ values }, windows, out) => {
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    out.present[k] = to[k] > from[k] ? 1 : 0;
    if (out.present[k] === 1) out.values[k] = Math.sqrt(variance(values, from[k], to[k]));
  }
};

export const stdvarOverTime: RangeFunction = ({ values }, windows, out) => {
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    out.present[k] = to[k] > from[k] ? 1 : 0;
    if (out.present[k] === 1) out.values[k] = variance(values, from[k], to[k]);
  }
};

/** Welford's recurrence with compensated sums. */
function variance(values: Float64Array, from: number, to: number): number {
  const mean = new KahanSum();
  const squares = new KahanSum();
  for (let i = from; i < to; i++) {
    const difference = values[i] - mean.total;
    mean.add(difference / (i - from + 1));
    squares.add(difference * (values[i] - mean.total));
  }
  return squares.total / (to - from);
}

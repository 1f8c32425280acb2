// Which kernel computes a function, by name.

import * as changes from './changes.ts';
import * as dates from './dates.ts';
import * as overTime from './over-time.ts';
import * as picked from './picked-over-time.ts';
import * as pointwise from './pointwise.ts';
import * as quantile from './quantile.ts';
import * as rate from './rate.ts';
import * as regression from './regression.ts';
import type { PointwiseFunction, RangeFunction } from './windows.ts';

export type { PointwiseFunction } from './windows.ts';

export type FunctionKernel =
  | { readonly kind: 'range'; readonly run: RangeFunction; readonly keepsName: boolean }
  | { readonly kind: 'pointwise'; readonly run: PointwiseFunction; readonly keepsName: boolean };

/**
 * The kernel of a function; undefined for those the engine computes itself, because they need labels, several series
 * or no series: absent, absent_over_time, histogram_*, info, label_join, label_replace, pi, scalar, sort*, time,
 * timestamp, vector.
 */
export function kernelOf(name: string): FunctionKernel | undefined {
  return kernels.get(name);
}

const { each } = pointwise;

const rangeFunctions: Readonly<Record<string, RangeFunction>> = {
  rate: rate.rate,
  increase: rate.increase,
  delta: rate.delta,
  irate: rate.irate,
  idelta: rate.idelta,
  resets: changes.resets,
  changes: changes.changes,
  deriv: regression.deriv,
  predict_linear: regression.predictLinear,
  double_exponential_smoothing: regression.doubleExponentialSmoothing,
  avg_over_time: overTime.avgOverTime,
  sum_over_time: overTime.sumOverTime,
  stddev_over_time: overTime.stddevOverTime,
  stdvar_over_time: overTime.stdvarOverTime,
  min_over_time: picked.minOverTime,
  max_over_time: picked.maxOverTime,
  count_over_time: picked.countOverTime,
  last_over_time: picked.lastOverTime,
  first_over_time: picked.firstOverTime,
  present_over_time: picked.presentOverTime,
  ts_of_first_over_time: picked.tsOfFirstOverTime,
  ts_of_last_over_time: picked.tsOfLastOverTime,
  ts_of_max_over_time: picked.tsOfMaxOverTime,
  ts_of_min_over_time: picked.tsOfMinOverTime,
  quantile_over_time: quantile.quantileOverTime,
  mad_over_time: quantile.madOverTime,
};

const pointwiseFunctions: Readonly<Record<string, PointwiseFunction>> = {
  abs: each(Math.abs),
  ceil: each(Math.ceil),
  floor: each(Math.floor),
  exp: each(Math.exp),
  sqrt: each(Math.sqrt),
  ln: each(Math.log),
  log2: pointwise.log2,
  log10: pointwise.log10,
  sgn: pointwise.sgn,
  round: pointwise.round,
  clamp: pointwise.clamp,
  clamp_min: pointwise.clampMin,
  clamp_max: pointwise.clampMax,
  sin: each(Math.sin),
  cos: each(Math.cos),
  tan: each(Math.tan),
  asin: each(Math.asin),
  acos: each(Math.acos),
  atan: each(Math.atan),
  sinh: each(pointwise.sinh),
  cosh: each(pointwise.cosh),
  tanh: each(Math.tanh),
  asinh: each(Math.asinh),
  acosh: each(Math.acosh),
  atanh: each(Math.atanh),
  deg: pointwise.degrees,
  rad: pointwise.radians,
  days_in_month: dates.daysInMonth,
  day_of_month: dates.dayOfMonth,
  day_of_week: dates.dayOfWeek,
  day_of_year: dates.dayOfYear,
  hour: dates.hour,
  minute: dates.minute,
  month: dates.month,
  year: dates.year,
};

/** These answer with samples of the series itself, so its name stays. */
const keepName: ReadonlySet<string> = new Set(['last_over_time', 'first_over_time']);

const kernels: ReadonlyMap<string, FunctionKernel> = new Map([
  ...Object.entries(rangeFunctions).map(([name, run]): [string, FunctionKernel] => [
    name,
    { kind: 'range', run, keepsName: keepName.has(name) },
  ]),
  ...Object.entries(pointwiseFunctions).map(([name, run]): [string, FunctionKernel] => [
    name,
    { kind: 'pointwise', run, keepsName: false },
  ]),
]);

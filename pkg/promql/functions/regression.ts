// deriv and predict_linear by simple linear regression; double exponential smoothing.

import { Fault } from '../../errors/fault.ts';
import type { SampleColumns } from '../../storage/sample-columns.ts';
import { isInfinite, KahanSum } from './kahan.ts';
import type { RangeFunction } from './windows.ts';

export const deriv: RangeFunction = (samples, windows, out) => {
  const { from, to } = windows;
  for (let k = 0; k < windows.stepCount; k++) {
    out.present[k] = to[k] - from[k] >= 2 ? 1 : 0;
    if (out.present[k] === 1) out.values[k] = lineThrough(samples, from[k], to[k], samples.times[from[k]]).slope;
  }
};

export const predictLinear: RangeFunction = (samples, windows, out, args) => {
  const { from, to } = windows;
  const ahead = args.scalars[0];
  for (let k = 0; k < windows.stepCount; k++) {
    out.present[k] = to[k] - from[k] >= 2 ? 1 : 0;
    if (out.present[k] === 0) continue;
    const { slope, intercept } = lineThrough(samples, from[k], to[k], args.evalStartMs + k * args.evalStepMs);
    out.values[k] = slope * ahead[k] + intercept;
  }
};

/** The line through samples [from, to); seconds count from `originMs`. */
function lineThrough(
  samples: SampleColumns,
  from: number,
  to: number,
  originMs: number,
): { slope: number; intercept: number } {
  const { times, values } = samples;
  const sumX = new KahanSum();
  const sumY = new KahanSum();
  const sumXY = new KahanSum();
  const sumXX = new KahanSum();
  const first = values[from];
  let constant = true;
  for (let i = from; i < to; i++) {
    const y = values[i];
    if (i > from && y !== first) constant = false;
    const x = (times[i] - originMs) / 1000;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumXX.add(x * x);
  }
  if (constant) {
    if (isInfinite(first)) return { slope: Number.NaN, intercept: Number.NaN };
    return { slope: 0, intercept: first };
  }
  const n = to - from;
  const x = sumX.total;
  const y = sumY.total;
  const covariance = sumXY.total - (x * y) / n;
  const variance = sumXX.total - (x * x) / n;
  const slope = covariance / variance;
  return { slope, intercept: y / n - (slope * x) / n };
}

export const doubleExponentialSmoothing: RangeFunction = ({ values }, windows, out, args) => {
  const { from, to } = windows;
  const [smoothing, trending] = args.scalars;
  for (let k = 0; k < windows.stepCount; k++) {
    const sf = smoothing[k];
    const tf = trending[k];
    if (sf <= 0 || sf >= 1) throw invalidFactor('smoothing factor', 'sf', sf);
    if (tf <= 0 || tf >= 1) throw invalidFactor('trend factor', 'tf', tf);
    out.present[k] = to[k] - from[k] >= 2 ? 1 : 0;
    if (out.present[k] === 0) continue;
    let before = 0;
    let smoothed = values[from[k]];
    let trend = values[from[k] + 1] - values[from[k]];
    for (let i = from[k] + 1; i < to[k]; i++) {
      if (i > from[k] + 1) trend = tf * (smoothed - before) + (1 - tf) * trend;
      const next = sf * values[i] + (1 - sf) * (smoothed + trend);
      before = smoothed;
      smoothed = next;
    }
    out.values[k] = smoothed;
  }
};

function invalidFactor(what: string, symbol: string, value: number): Fault {
  return new Fault('execution', `invalid ${what}. Expected: 0 < ${symbol} < 1, got: ${value.toFixed(6)}`);
}

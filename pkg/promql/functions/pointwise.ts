// Functions of one value: mathematics, rounding, clamping.

import type { PointwiseFunction } from './windows.ts';

/** Applies a function of one number to every value. */
export function each(compute: (value: number) => number): PointwiseFunction {
  return (input, out) => {
    for (let k = 0; k < input.values.length; k++) {
      out.present[k] = input.present[k];
      if (input.present[k] === 1) out.values[k] = compute(input.values[k]);
    }
  };
}

/** Halves go up (-0.5 becomes 0, 2.5 becomes 3), to multiples of the first scalar, of 1 when there is none. */
export const round: PointwiseFunction = (input, out, scalars) => {
  const to = scalars[0];
  for (let k = 0; k < input.values.length; k++) {
    out.present[k] = input.present[k];
    if (input.present[k] === 1) out.values[k] = roundTo(input.values[k], to === undefined ? 1 : to[k]);
  }
};

/** Nothing comes out where the least is above the greatest. */
export const clamp: PointwiseFunction = (input, out, [least, greatest]) => {
  for (let k = 0; k < input.values.length; k++) {
    out.present[k] = greatest[k] < least[k] ? 0 : input.present[k];
    if (out.present[k] === 1) out.values[k] = goMax(least[k], goMin(greatest[k], input.values[k]));
  }
};

export const clampMin: PointwiseFunction = (input, out, [least]) => {
  for (let k = 0; k < input.values.length; k++) {
    out.present[k] = input.present[k];
    if (input.present[k] === 1) out.values[k] = goMax(least[k], input.values[k]);
  }
};

export const clampMax: PointwiseFunction = (input, out, [greatest]) => {
  for (let k = 0; k < input.values.length; k++) {
    out.present[k] = input.present[k];
    if (input.present[k] === 1) out.values[k] = goMin(greatest[k], input.values[k]);
  }
};

export const sgn = each((value) => (value < 0 ? -1 : value > 0 ? 1 : value));
export const degrees = each((value) => (value * 180) / Math.PI);
export const radians = each((value) => (value * Math.PI) / 180);
export const log2 = each(goLog2);

/** By exponentials, as in the reference: where those overflow, so does this. */
export function cosh(value: number): number {
  const power = Math.exp(Math.abs(value));
  return Math.abs(value) > 21 ? power * 0.5 : (power + 1 / power) * 0.5;
}

export function sinh(value: number): number {
  return Math.abs(value) > 21 ? Math.sign(value) * Math.exp(Math.abs(value)) * 0.5 : Math.sinh(value);
}

export const log10 = each((value) => Math.log(value) * (1 / Math.LN10));

function roundTo(value: number, multiple: number): number {
  const inverse = 1 / multiple;
  return Math.floor(value * inverse + 0.5) / inverse;
}

/** In Go an infinity wins over NaN. */
function goMax(a: number, b: number): number {
  if (a === Number.POSITIVE_INFINITY || b === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  return Math.max(a, b);
}

function goMin(a: number, b: number): number {
  if (a === Number.NEGATIVE_INFINITY || b === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  return Math.min(a, b);
}

const bits = new DataView(new ArrayBuffer(8));

/** Go takes the exponent apart first, so powers of two come out exact. */
export function goLog2(value: number): number {
  if (!(value > 0) || value === Number.POSITIVE_INFINITY) return Math.log(value);
  bits.setFloat64(0, value < 2 ** -1022 ? value * 2 ** 52 : value);
  const exponent = (bits.getUint16(0) >> 4) - 1022 - (value < 2 ** -1022 ? 52 : 0);
  bits.setUint16(0, (bits.getUint16(0) & 0x800f) | (1022 << 4));
  const fraction = bits.getFloat64(0);
  return fraction === 0.5 ? exponent - 1 : exponent + Math.log(fraction) * (1 / Math.LN2);
}

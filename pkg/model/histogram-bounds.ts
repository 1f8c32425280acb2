// Where buckets begin and end, and all buckets of a histogram in ascending order.
//
// Bucket i of schema s ends at 2^(i * 2^-s) and begins where bucket i - 1 ends.

import { type HistogramValue, usesCustomBounds } from './histogram-value.ts';

/** The end of a positive bucket; of an index below all, its beginning. */
export function upperBound(index: number, { schema, customValues }: HistogramValue): number {
  if (schema >= -9) return exponentialBound(index, schema);
  if (index < 0) return Number.NEGATIVE_INFINITY;
  return index < customValues.length ? customValues[index] : Number.POSITIVE_INFINITY;
}

/** The last finite bucket ends at the largest float, where a power of two would be infinite. */
export function exponentialBound(index: number, schema: number): number {
  if (schema <= 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const size = 2 ** schema;
  const whole = Math.floor(index / size);
  const part = index - whole * size;
  if (part === 0) return whole === 1024 ? Number.MAX_VALUE : 2 ** whole;
  // Scaled in two steps, since 2^whole may be no normal number where the product is one.
  const fraction = fractions(schema)[part];
  return whole < -1000 ? fraction * 2 ** (whole + 100) * 2 ** -100 : fraction * 2 ** whole;
}

const fractionsOf: (Float64Array | undefined)[] = [];

/**
 * By how many units in the last place the reference's bounds of schema 8, 2^(i / 256), lie below the rounded ones: a is one
 * above, b none, c one below and so on. Measured. Bounds of coarser schemas are among them.
 */
const below =
  'bbbbbbcbbbcbbbbbbbcdbbccccccccccbbcbbbcbbcccbbccbbccbaccbbccbbcc' +
  'bbbbbbccccddcbdcbbcbbbcbbbbcbbbbbbbcbabbcbddbbccbcccbbcbcbddcccc' +
  'cbcbccddccdccbccccccccdcdcdddcddbbccbbcbccddcbddccddcbccdcddccdc' +
  'ccedccdcddedddedddddddeeeeffedfeccdccddddceeccdddcedccddddfeddee';

/** 2^(i / 2^schema) as the reference has it. */
function fractions(schema: number): Float64Array {
  const known = fractionsOf[schema];
  if (known !== undefined) return known;
  if (schema < 8) {
    const finer = fractions(8);
    return (fractionsOf[schema] = new Float64Array(2 ** schema).map((_, i) => finer[i * 2 ** (8 - schema)]));
  }
  const made = new Float64Array(256);
  // Integers with 160 bits behind the point.
  const point = 160n;
  let root = 2n << point;
  for (let i = 0; i < 8; i++) root = squareRoot(root << point);
  for (let i = 0, power = 1n << point; i < made.length; i++, power = (power * root) >> point) {
    // To 53 bits: 1 before the point and 52 behind it.
    const dropped = point - 52n;
    const rounded = (power + (1n << (dropped - 1n))) >> dropped;
    made[i] = (Number(rounded) - (below.charCodeAt(i) - 98)) / 2 ** 52;
  }
  return (fractionsOf[8] = made);
}

function squareRoot(square: bigint): bigint {
  let root = 1n << BigInt((square.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Buckets in ascending order, empty ones included. Columns are reused from call to call. */
export interface BucketList {
  length: number;
  lowers: Float64Array;
  uppers: Float64Array;
  counts: Float64Array;
}

const list: BucketList = {
  length: 0,
  lowers: new Float64Array(256),
  uppers: new Float64Array(256),
  counts: new Float64Array(256),
};

/**
 * All buckets of a histogram: negative, zero (when it has observations), positive. Those next to the zero bucket that reach
 * into it are cut at its threshold. The list is good until the next call.
 */
export function listBuckets(histogram: HistogramValue): BucketList {
  const { positive, negative, zeroThreshold, zeroCount } = histogram;
  const most = positive.indexes.length + negative.indexes.length + 1;
  if (most > list.lowers.length) {
    list.lowers = new Float64Array(most * 2);
    list.uppers = new Float64Array(most * 2);
    list.counts = new Float64Array(most * 2);
  }
  const { lowers, uppers, counts } = list;
  let at = 0;
  for (let i = negative.indexes.length - 1; i >= 0; i--) {
    lowers[at] = -upperBound(negative.indexes[i], histogram);
    uppers[at] = Math.min(-upperBound(negative.indexes[i] - 1, histogram), -zeroThreshold);
    counts[at++] = negative.counts[i];
  }
  if (zeroCount > 0) {
    lowers[at] = -zeroThreshold;
    uppers[at] = zeroThreshold;
    counts[at++] = zeroCount;
  }
  const isCustom = usesCustomBounds(histogram);
  for (let i = 0; i < positive.indexes.length; i++) {
    const lower = upperBound(positive.indexes[i] - 1, histogram);
    lowers[at] = isCustom ? lower : Math.max(lower, zeroThreshold);
    uppers[at] = upperBound(positive.indexes[i], histogram);
    counts[at++] = positive.counts[i];
  }
  list.length = at;
  return list;
}

/** Which ends of bucket i of a list belong to it. */
export function inclusiveEnds(
  { lowers, uppers }: BucketList,
  i: number,
  histogram: HistogramValue,
): { readonly lower: boolean; readonly upper: boolean } {
  if (usesCustomBounds(histogram)) return { lower: lowers[i] === Number.NEGATIVE_INFINITY, upper: true };
  const isZero =
    histogram.zeroCount > 0 && lowers[i] === -histogram.zeroThreshold && uppers[i] === histogram.zeroThreshold;
  return isZero ? { lower: true, upper: true } : { lower: lowers[i] < 0, upper: uppers[i] > 0 };
}

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { classicFraction } from './histogram-fraction.ts';

const buckets = (pairs: readonly (readonly [number, number])[]) => ({
  bounds: Float64Array.from(pairs, ([bound]) => bound),
  counts: Float64Array.from(pairs, ([, count]) => count),
  length: pairs.length,
});
const plain = [
  [1, 10],
  [2, 30],
  [Number.POSITIVE_INFINITY, 40],
] as const;

for (const [what, lower, upper, pairs, expected] of [
  ['whole buckets', 0, 2, plain, 0.75],
  ['half a bucket', 1, 1.5, plain, 0.25],
  ['the first bucket from zero', 0, 0.5, plain, 0.125],
  ['nothing below zero', -5, 0, plain, 0],
  ['beyond the last finite bound: that bucket does not count', 0, 99, plain, 0.75],
  ['everything', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, plain, 1],
  ['limits the wrong way round', 2, 1, plain, 0],
  ['a limit that is NaN', Number.NaN, 1, plain, Number.NaN],
  [
    'what begins within a first bucket of negative values',
    -3,
    2,
    [
      [-1, 10],
      [2, 20],
      [Number.POSITIVE_INFINITY, 40],
    ],
    0.25,
  ],
  ['no last bucket', 0, 1, [[1, 10]], Number.NaN],
  ['no observations', 0, 1, [[Number.POSITIVE_INFINITY, 0]], Number.NaN],
  ['no buckets', 0, 1, [], Number.NaN],
] as [string, number, number, readonly (readonly [number, number])[], number][]) {
  test(`the fraction of ${what} is ${expected}`, () => {
    assert.equal(classicFraction(lower, upper, buckets(pairs)), expected);
  });
}

test('equal bounds are one bucket', () => {
  const twice = buckets([
    [1, 10],
    [1, 5],
    [Number.POSITIVE_INFINITY, 30],
  ]);
  assert.equal(classicFraction(0, 1, twice), 0.5);
});

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { partition } from './partitioner.ts';

const split = (ranges: readonly (readonly [number, number])[], gap: number, part = 1000) =>
  partition(
    ranges.length,
    (i) => ranges[i][0],
    (i) => ranges[i][1],
    gap,
    part,
  ).map(({ start, end, first, last }) => [start, end, first, last]);

describe('partitioning', () => {
  for (const [what, ranges, gap, expected] of [
    ['no ranges need no request', [], 10, []],
    [
      'a gap of exactly the limit is read over',
      [
        [0, 10],
        [20, 30],
      ],
      10,
      [[0, 30, 0, 2]],
    ],
    [
      'a wider gap is not',
      [
        [0, 10],
        [21, 30],
      ],
      10,
      [
        [0, 10, 0, 1],
        [21, 30, 1, 2],
      ],
    ],
    [
      'ranges may overlap and lie in one another',
      [
        [0, 50],
        [10, 20],
        [40, 60],
      ],
      0,
      [[0, 60, 0, 3]],
    ],
    [
      'a part ends before it grows past its size',
      [
        [0, 400],
        [400, 800],
        [800, 1200],
      ],
      10,
      [
        [0, 800, 0, 2],
        [800, 1200, 2, 3],
      ],
    ],
    [
      'one range may be larger than a part',
      [
        [0, 5000],
        [5000, 5001],
      ],
      10,
      [
        [0, 5000, 0, 1],
        [5000, 5001, 1, 2],
      ],
    ],
  ] as const) {
    test(what, () => assert.deepEqual(split(ranges, gap), expected));
  }
});

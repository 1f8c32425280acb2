import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Labels } from '../../model/labels.ts';
import { RESOLUTION_1H, RESOLUTION_5M, RESOLUTION_RAW } from '../../model/resolution.ts';
import { BlockSet } from './block-set.ts';

interface Block {
  readonly name: string;
  readonly meta: { readonly minTime: number; readonly maxTime: number };
  readonly resolutionMs: number;
}

function setOf(
  ...blocks: readonly (readonly [name: string, resolutionMs: number, minTime: number, maxTime: number])[]
) {
  const set = new BlockSet<Block>(Labels.empty);
  for (const [name, resolutionMs, minTime, maxTime] of blocks)
    set.add({ name, resolutionMs, meta: { minTime, maxTime } });
  return set;
}

describe('choosing blocks', () => {
  const set = setOf(
    ['raw 0', RESOLUTION_RAW, 0, 100],
    ['raw 1', RESOLUTION_RAW, 100, 200],
    ['raw 2', RESOLUTION_RAW, 200, 300],
    ['raw 3', RESOLUTION_RAW, 300, 400],
    ['5m 0', RESOLUTION_5M, 0, 200],
    ['5m 2', RESOLUTION_5M, 200, 300],
    ['1h 1', RESOLUTION_1H, 100, 200],
  );
  for (const [what, from, to, resolution, expected] of [
    ['raw data only', 0, 400, 0, ['raw 0', 'raw 1', 'raw 2', 'raw 3']],
    [
      'a resolution between two levels takes the finer',
      0,
      400,
      RESOLUTION_5M - 1,
      ['raw 0', 'raw 1', 'raw 2', 'raw 3'],
    ],
    ['5m with raw where it ends', 0, 400, RESOLUTION_5M, ['5m 0', '5m 2', 'raw 3']],
    ['1h with 5m and raw around it', 0, 400, RESOLUTION_1H, ['5m 0', '1h 1', '5m 2', 'raw 3']],
    ['anything coarser is 1h', 0, 400, 10 * RESOLUTION_1H, ['5m 0', '1h 1', '5m 2', 'raw 3']],
    ['a block ends before its max time', 100, 199, 0, ['raw 1']],
    ['a request includes its end', 100, 200, 0, ['raw 1', 'raw 2']],
    ['a range that ends before it starts', 200, 100, 0, []],
    ['outside of everything', 400, 500, RESOLUTION_1H, []],
    ['a resolution below raw', 0, 400, -1, []],
  ] as const) {
    test(what, () => {
      assert.deepEqual(
        set.choose(from, to, resolution).map(({ name }) => name),
        expected,
      );
    });
  }

  const old = setOf(
    ['5m 0', RESOLUTION_5M, 0, 20_000_000],
    ['1h 0', RESOLUTION_1H, 0, 10_000_000],
    ['1h 1', RESOLUTION_1H, 10_000_000, 30_000_000],
    ['1h 2', RESOLUTION_1H, 30_000_000, 40_000_000],
    ['raw', RESOLUTION_RAW, 30_000_000, 50_000_000],
  );
  for (const [what, from, to, resolution, expected] of [
    ['what is gone in raw is there in 5m, and else in 1h', 0, 50_000_000, 0, ['5m 0', '1h 1', 'raw']],
    ['raw alone where there is raw', 40_000_000, 50_000_000, 0, ['raw']],
    ['two coarse samples before the time, and no raw ones', 31_000_000, 50_000_000, 0, ['1h 1', 'raw']],
    ['not more of them than two', 37_200_000, 50_000_000, 0, ['raw']],
    ['two samples of the finer level are less', 20_500_000, 21_000_000, 0, ['5m 0', '1h 1']],
    ['5m wanted, 1h where it is missing', 0, 50_000_000, RESOLUTION_5M, ['5m 0', 'raw', '1h 1']],
    ['1h wanted: nothing is coarser', 0, 50_000_000, RESOLUTION_1H, ['1h 0', '1h 1', '1h 2', 'raw']],
    ['a resolution below raw', 0, 50_000_000, -1, []],
  ] as const) {
    test(`filled with coarser data: ${what}`, () => {
      const names = old.choose(from, to, resolution, true).map(({ name }) => name);
      assert.deepEqual(names.sort(), [...expected].sort());
    });
  }

  test('a removed block is filled by a finer one', () => {
    const own = setOf(['raw', RESOLUTION_RAW, 0, 100], ['5m', RESOLUTION_5M, 0, 100]);
    const [coarse] = own.choose(0, 99, RESOLUTION_5M);
    assert.equal(coarse.name, '5m');
    own.remove(coarse);
    assert.deepEqual(
      own.choose(0, 99, RESOLUTION_5M).map(({ name }) => name),
      ['raw'],
    );
    own.remove(own.choose(0, 99, 0)[0]);
    assert.ok(own.isEmpty);
  });

  test('label calls look into every block that meets the time, whatever its resolution', () => {
    assert.deepEqual(
      set
        .overlapping(150, 199)
        .map(({ name }) => name)
        .sort(),
      ['1h 1', '5m 0', 'raw 1'],
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { RESOLUTION_1H, RESOLUTION_5M } from '../model/resolution.ts';
import { MAX_TIME } from '../model/time.ts';
import { OtherResolutions } from './other-resolutions.ts';

const HOUR_MS = 3_600_000;
const everything = { minTime: 0, maxTime: MAX_TIME };

/** Told stretches of 5m data, in hours. */
function told(
  maxResolutionMs: number,
  stretches: readonly (readonly [number, number])[],
  bounds = everything,
): string[] {
  const others = new OtherResolutions(maxResolutionMs, bounds);
  for (const [from, to] of stretches) {
    others.onOther({ minTime: from * HOUR_MS, maxTime: to * HOUR_MS, resolutionMs: RESOLUTION_5M });
  }
  return others.infos();
}

describe('remarks on other resolutions', () => {
  for (const [what, stretches, named] of [
    ['nothing was told', [], undefined],
    ['one stretch', [[1, 5]], '1970-01-01T01:00:00Z to 1970-01-01T05:00:00Z'],
    [
      'series that overlap',
      [
        [1, 5],
        [3, 8],
        [0, 2],
      ],
      '1970-01-01T00:00:00Z to 1970-01-01T08:00:00Z',
    ],
    [
      'a small hole between them',
      [
        [1, 5],
        [7, 8],
      ],
      '1970-01-01T01:00:00Z to 1970-01-01T08:00:00Z',
    ],
    [
      'what is far apart, in order',
      [
        [20, 21],
        [1, 5],
      ],
      '1970-01-01T01:00:00Z to 1970-01-01T05:00:00Z, 1970-01-01T20:00:00Z to 1970-01-01T21:00:00Z',
    ],
    [
      'one that joins two',
      [
        [20, 21],
        [1, 5],
        [4, 19],
      ],
      '1970-01-01T01:00:00Z to 1970-01-01T21:00:00Z',
    ],
    [
      'more than are named',
      [
        [0, 1],
        [4, 5],
        [8, 9],
        [12, 13],
        [16, 17],
      ],
      '1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z, 1970-01-01T04:00:00Z to 1970-01-01T05:00:00Z, ' +
        '1970-01-01T08:00:00Z to 1970-01-01T09:00:00Z, 2 stretches more',
    ],
  ] as const) {
    test(what, () => {
      const expected = named === undefined ? [] : [`5m data is used where raw data is missing: ${named}`];
      assert.deepEqual(told(0, stretches), expected);
    });
  }

  test('name the wanted level, and nothing outside of the asked time', () => {
    const bounds = { minTime: 2 * HOUR_MS, maxTime: 3 * HOUR_MS };
    assert.deepEqual(
      told(
        2 * RESOLUTION_1H,
        [
          [1, 5],
          [7, 9],
        ],
        bounds,
      ),
      ['5m data is used where 1h data is missing: 1970-01-01T02:00:00Z to 1970-01-01T03:00:00Z'],
    );
  });
});

import { assert, describe, test } from 'vitest';
import { type Bar, drawnBars } from './bars.ts';
import { assignLanes, clipped, gaps, type Interval, union } from './intervals.ts';

/** `0-5 7-9` */
function spans(text: string): Interval[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((span) => span.split('-').map(Number))
    .map(([from, to]) => ({ from, to }));
}

function text(intervals: readonly Interval[]): string {
  return intervals.map(({ from, to }) => `${from}-${to}`).join(' ');
}

describe('what intervals cover together', () => {
  for (const [given, wanted] of [
    ['', ''],
    ['5-5', ''],
    ['0-5 5-9', '0-9'],
    ['7-9 0-5', '0-5 7-9'],
    ['0-9 2-3 8-12', '0-12'],
  ]) {
    test(`of [${given}] is [${wanted}]`, () => assert.strictEqual(text(union(spans(given))), wanted));
  }
});

describe('the gaps', () => {
  for (const [within, covered, tolerance, wanted] of [
    ['0-10', '', 0, '0-10'],
    ['0-10', '0-10', 0, ''],
    ['0-10', '2-4 6-20', 0, '0-2 4-6'],
    ['0-10', '0-4 5-9', 1, ''],
    ['0-10', '-5-4 12-20', 0, '4-10'],
  ] as const) {
    test(`in ${within} beside [${covered}], ${tolerance} tolerated, are [${wanted}]`, () => {
      const list = covered.startsWith('-') ? [{ from: -5, to: 4 }, ...spans('12-20')] : spans(covered);
      assert.strictEqual(text(gaps(spans(within)[0], list, tolerance)), wanted);
    });
  }

  test('and what is covered make up the whole, whatever the intervals', () => {
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    for (let round = 0; round < 500; round++) {
      const list = Array.from({ length: next(8) }, () => {
        const from = next(60) - 10;
        return { from, to: from + next(20) };
      });
      const whole = { from: 0, to: 50 };
      const parts = [...gaps(whole, list), ...clipped(union(list), whole)];
      assert.strictEqual(text(union(parts)), '0-50');
      assert.strictEqual(
        parts.reduce((sum, { from, to }) => sum + to - from, 0),
        50,
      );
    }
  });
});

test('lanes keep bars apart and are reused once they are free', () => {
  const { lanes, laneCount } = assignLanes(spans('0-4 1-3 3-5 4-6 9-10'));
  assert.deepEqual([[...lanes], laneCount], [[0, 1, 1, 0, 0], 2]);
});

describe('the bars that are drawn', () => {
  const bar = (from: number, to: number, look = 'a', lane = 0): Bar => ({
    key: `${from}`,
    from,
    to,
    lane,
    look,
    text: '',
  });

  test('are those in sight, cut to it', () => {
    const drawn = drawnBars([bar(-10, 5), bar(20, 30), bar(200, 300)], { from: 0, to: 100 }, 1000);
    assert.deepEqual(
      drawn.map(({ left, width }) => [left, Number(width.toFixed(6))]),
      [
        [0, 0.05],
        [0.2, 0.1],
      ],
    );
  });

  test('are one for thousands that fall on a few pixels', () => {
    const many = Array.from({ length: 5000 }, (_, i) => bar(i, i + 1));
    const drawn = drawnBars([...many, bar(5000, 10_000)], { from: 0, to: 10_000 }, 100);
    assert.deepEqual(
      drawn.map(({ count }) => count),
      [5000, 1],
    );
    assert.strictEqual(Math.round(drawn[0].width * 1000), 500);
  });

  test('of another look or lane stay apart, however narrow', () => {
    const drawn = drawnBars([bar(0, 1), bar(1, 2, 'b'), bar(1, 2, 'a', 1)], { from: 0, to: 10_000 }, 100);
    assert.strictEqual(drawn.length, 3);
  });

  test('are none without a width', () => {
    assert.deepEqual(drawnBars([bar(0, 1)], { from: 0, to: 10 }, 0), []);
    assert.deepEqual(drawnBars([bar(0, 1)], { from: 5, to: 5 }, 100), []);
  });
});

import { assert, describe, test } from 'vitest';
import { agoText, spanText, ticksOf } from './time-axis.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 0, 31, 12);

describe('the marks of a time axis', () => {
  for (const [what, spanMs, count, wanted] of [
    ['minutes', 4 * 60_000, 4, '12:00 12:01 12:02 12:03 12:04'],
    ['hours, the day at midnight', DAY, 4, '12:00 18:00 02-01 06:00 12:00'],
    ['days', 6 * DAY, 3, '02-02 02-04 02-06'],
    ['months', 200 * DAY, 8, '2026-02 2026-03 2026-04 2026-05 2026-06 2026-07 2026-08'],
    ['years', 4000 * DAY, 6, '2028 2030 2032 2034 2036'],
  ] as const) {
    test(`fall on round ${what}`, () => {
      const ticks = ticksOf({ from: NOON, to: NOON + spanMs }, count, false);
      assert.strictEqual(ticks.map(({ text }) => text).join(' '), wanted);
      assert.ok(ticks.every(({ ms }) => ms >= NOON && ms <= NOON + spanMs));
    });
  }

  for (const [what, from, to] of [
    ['nothing', 5, 5],
    ['times no calendar has', -9.2e18, 9.2e18],
    ['no number', Number.NaN, 5],
  ]) {
    test(`are none for ${what}`, () => assert.deepEqual(ticksOf({ from: Number(from), to: Number(to) }, 5, false), []));
  }

  test('are never many more than asked for', () => {
    for (let span = 1000; span < 8e15; span *= 3) {
      assert.ok(ticksOf({ from: 0, to: span }, 7, false).length <= 8, String(span));
    }
  });
});

test('how long ago is told in one unit', () => {
  const texts = [-5000, 0, 90_000, 600_000, 5 * HOUR, 40 * HOUR, 90 * DAY].map(agoText);
  assert.deepEqual(texts, ['0 s', '0 s', '90 s', '10 min', '5 h', '40 h', '90 d']);
});

test('a length is told in at most two units', () => {
  const texts = [0, 1500, 2 * HOUR, 36 * HOUR, 14 * DAY, 400 * DAY, HOUR + 1000].map(spanText);
  assert.deepEqual(texts, ['0ms', '2s', '2h', '1d12h', '14d', '1y35d', '1h']);
});

import { describe, expect, test } from 'vitest';
import { byteText, durationText, parseDurationText, shortNumber, timeText, tookText } from './text.ts';

describe('numbers are short', () => {
  for (const [value, text] of [
    [0, '0'],
    [-0, '0'],
    [12.345, '12.3'],
    [999, '999'],
    [1234, '1.23k'],
    [-1_500_000, '-1.5M'],
    [2.5e9, '2.5G'],
    [3e12, '3T'],
    [4e15, '4P'],
    [0.00012, '1.2e-4'],
    [0.0000001, '1e-7'],
    [NaN, 'NaN'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
  ] as const) {
    test(String(value), () => expect(shortNumber(value)).toBe(text));
  }
});

test('sizes', () => {
  expect([0, 900, 1536, 5 * 2 ** 30, 2 ** 50].map(byteText)).toEqual(['0 B', '900 B', '1.5 KiB', '5 GiB', '1 PiB']);
});

test('how long something took', () => {
  expect([0.012, 7.846, 1500, 61_000, 7_500_000].map(tookText)).toEqual([
    '12 µs',
    '7.85 ms',
    '1.5 s',
    '1m 1s',
    '2h 5m',
  ]);
});

describe('durations', () => {
  for (const [ms, text] of [
    [0, '0s'],
    [1, '1ms'],
    [5_400_000, '1h30m'],
    [86_400_000, '1d'],
    [604_800_000, '1w'],
    [8 * 86_400_000, '8d'],
    [365 * 86_400_000, '1y'],
    [61_001, '1m1s1ms'],
  ] as const) {
    test(`${text}, there and back`, () => {
      expect(durationText(ms)).toBe(text);
      expect(parseDurationText(text)).toBe(ms);
    });
  }
  for (const [text, ms] of [
    ['90', 90_000],
    [' 2.5 ', 2500],
    ['', undefined],
    ['5 m', undefined],
    ['-5m', undefined],
    ['m5', undefined],
    ['1s1m', undefined],
  ] as const) {
    test(`"${text}" as typed`, () => expect(parseDurationText(text)).toBe(ms));
  }
});

test('times', () => {
  const ms = Date.UTC(2026, 0, 31, 17, 5, 9);
  expect(timeText(ms, false)).toBe('2026-01-31 17:05:09');
  expect(timeText(ms + 250, false)).toBe('2026-01-31 17:05:09.250');
  expect(timeText(9e15, false)).toBe('9000000000000000');
  const local = new Date(ms);
  expect(timeText(ms, true)).toContain(`${String(local.getHours()).padStart(2, '0')}:05:09`);
});

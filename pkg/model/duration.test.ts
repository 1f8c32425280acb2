import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { parseDuration, printDuration } from './duration.ts';

describe('durations', () => {
  for (const [text, ms, printed] of [
    ['0', 0, '0s'],
    ['0s', 0, '0s'],
    ['250ms', 250, '250ms'],
    ['90m', 5_400_000, '1h30m'],
    ['1h30m', 5_400_000, '1h30m'],
    ['7d', 604_800_000, '1w'],
    ['8d', 691_200_000, '8d'],
    ['1y1d', 31_622_400_000, '366d'],
    ['2y', 63_072_000_000, '2y'],
    ['1d1ms', 86_400_001, '1d1ms'],
    ['61s', 61_000, '1m1s'],
  ] as const)
    test(`${text} is ${ms} ms and prints as ${printed}`, () => {
      assert.equal(parseDuration(text), ms);
      assert.equal(printDuration(ms), printed);
      assert.equal(parseDuration(printed), ms);
    });

  test('negative ones print with a minus', () => assert.equal(printDuration(-5_400_000), '-1h30m'));

  for (const [text, message] of [
    ['', 'empty duration string'],
    ['5', 'not a valid duration string: "5"'],
    ['h', 'not a valid duration string: "h"'],
    ['1s1h', 'not a valid duration string: "1s1h"'],
    ['1h1h', 'not a valid duration string: "1h1h"'],
    ['1.5h', 'unknown unit "." in duration "1.5h"'],
    ['5x', 'unknown unit "x" in duration "5x"'],
    ['-5m', 'not a valid duration string: "-5m"'],
    ['1000000000y', 'duration out of range'],
    ['1234567890123456789035m', 'not a valid duration string: "1234567890123456789035m"'],
  ] as const)
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseDuration(text), { kind: 'invalid', message });
    });
});

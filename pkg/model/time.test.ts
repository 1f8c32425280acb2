import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { int64Text, MAX_TIME, MIN_TIME, parseRfc3339, printRfc3339 } from './time.ts';

describe('RFC 3339', () => {
  for (const [text, ms, printed] of [
    ['2024-06-18T01:00:00.5+02:00', 1_718_665_200_500, '2024-06-17T23:00:00.5Z'],
    ['2024-06-18T01:00:10Z', 1_718_672_410_000, '2024-06-18T01:00:10Z'],
    ['2024-06-18T00:00:00.123456Z', 1_718_668_800_123, '2024-06-18T00:00:00.123Z'],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000, '0001-01-01T00:00:00Z'],
    ['2024-02-29T23:59:59-00:30', 1_709_252_999_000, '2024-03-01T00:29:59Z'],
  ] as const)
    test(`${text} is ${ms}`, () => {
      assert.equal(parseRfc3339(text), ms);
      assert.equal(printRfc3339(ms), printed);
    });

  for (const text of [
    '',
    '2024-02-30T00:00:00Z',
    '2024-06-18 01:00:00Z',
    '2024-06-18T24:00:00Z',
    '2024-06-18T01:00:00',
    'x',
  ])
    test(`${JSON.stringify(text)} is no time`, () => assert.equal(parseRfc3339(text), undefined));
});

test('sentinels print as the int64 limits', () => {
  assert.equal(int64Text(MAX_TIME), '9223372036854775807');
  assert.equal(int64Text(MIN_TIME), '-9223372036854775808');
  assert.equal(int64Text(-5), '-5');
});

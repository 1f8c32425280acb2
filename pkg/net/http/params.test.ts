import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { kindOf, messageOf } from '../../errors/fault.ts';
import {
  boolParameter,
  countParameter,
  durationParameter,
  Parameters,
  parseDuration,
  parseTime,
  timeParameter,
} from './params.ts';

const of = (text: string): Parameters => new Parameters(new URLSearchParams(text));

function refuses(work: () => unknown, message: string): void {
  assert.throws(work, (thrown) => kindOf(thrown) === 'invalid' && messageOf(thrown) === message, message);
}

test('form values come before those of the URL, and the first wins', () => {
  const merged = new Parameters(new URLSearchParams('a=1&m=x'), new URLSearchParams('a=2&m=y&m=z'));
  expect(merged.text('a')).toBe('1');
  expect(merged.list('m')).toEqual(['x', 'y', 'z']);
  expect([merged.text('none'), merged.list('none'), merged.has('none')]).toEqual(['', [], false]);
});

describe('times', () => {
  for (const [text, expected] of [
    ['1435781430', 1_435_781_430_000],
    ['1435781430.781', 1_435_781_430_781],
    ['1435781430.7815', 1_435_781_430_782],
    ['-1.5', -1500],
    ['1e3', 1_000_000],
    ['2015-07-01T20:10:30.781Z', 1_435_781_430_781],
    ['2015-07-01T20:10:30.781123456Z', 1_435_781_430_781],
    ['2015-07-01T22:10:30+02:00', 1_435_781_430_000],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
  ] as const) {
    test(`${text} is ${expected}`, () => expect(parseTime(text)).toBe(expected));
  }
  for (const text of [
    'x',
    '',
    '2015-07-01',
    '2015-07-01 20:10:30Z',
    '2015-02-30T00:00:00Z',
    'NaN',
    'Infinity',
    '1e300',
  ]) {
    test(`${JSON.stringify(text)} is none`, () =>
      refuses(() => parseTime(text), `cannot parse ${JSON.stringify(text)} to a valid timestamp`));
  }
  test('a bad time of an instant query names its parameter', () => {
    expect(timeParameter(of(''), 'time', 7)).toBe(7);
    refuses(
      () => timeParameter(of('time=x'), 'time', 0),
      `Invalid time value for 'time': cannot parse "x" to a valid timestamp`,
    );
  });
});

describe('durations', () => {
  for (const [text, expected] of [
    ['15', 15_000],
    ['0.5', 500],
    ['-1', -1000],
    ['1h30m', 5_400_000],
    ['100ms', 100],
  ] as const) {
    test(`${text} is ${expected} ms`, () => expect(parseDuration(text)).toBe(expected));
  }
  for (const [text, why] of [
    ['x', ''],
    ['', ''],
    ['1m1h', ''],
    ['1e30', '. It overflows int64'],
  ] as const) {
    test(`${JSON.stringify(text)} is none`, () =>
      refuses(() => parseDuration(text), `cannot parse ${JSON.stringify(text)} to a valid duration${why}`));
  }
  test('a bad duration names its parameter', () =>
    refuses(
      () => durationParameter(of('step=x'), 'step', 0),
      `'step' parameter: cannot parse "x" to a valid duration`,
    ));
});

describe('switches and counts', () => {
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) {
    test(`${text} is true`, () => expect(boolParameter(of(`dedup=${text}`), 'dedup', false)).toBe(true));
  }
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False']) {
    test(`${text} is false`, () => expect(boolParameter(of(`dedup=${text}`), 'dedup', true)).toBe(false));
  }
  test('anything else is refused in the words of the reference', () => {
    refuses(
      () => boolParameter(of('dedup=zz'), 'dedup', true),
      `'dedup' parameter: strconv.ParseBool: parsing "zz": invalid syntax`,
    );
    expect(boolParameter(of('dedup='), 'dedup', true)).toBe(true);
  });
  test('counts are whole and not negative', () => {
    expect(countParameter(of('limit=12'), 'limit', 0)).toBe(12);
    expect(countParameter(of(''), 'limit', 5)).toBe(5);
    for (const text of ['a', '1.5', '-1', '99999999999999999999']) {
      assert.throws(
        () => countParameter(of(`limit=${text}`), 'limit', 0),
        (thrown) => kindOf(thrown) === 'invalid',
      );
    }
  });
});

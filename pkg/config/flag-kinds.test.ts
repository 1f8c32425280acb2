import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { kindOf, messageOf } from '../errors/fault.ts';
import type { Flag, FlagSources } from './flag.ts';
import * as kinds from './flag-kinds.ts';

const sources: FlagSources = {
  env: { KEY: 'secret', EMPTY: '' },
  readFile(path) {
    if (path === 'a.yaml') return 'key: $(KEY)';
    throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
  },
};
const day = 86_400_000;
const { bool, string, url, int, uint, float, choice, stringList, addressList, bytes } = kinds;
const { durationMs, goDurationMs, labelList, choiceList, floatList, optionalString } = kinds;

describe('a flag reads', () => {
  const cases: readonly (readonly [string, Flag<unknown>, readonly string[], unknown])[] = [
    ['its switch default', bool(true, ''), [], true],
    ['the no- form', bool(true, ''), ['false'], false],
    ['text', string('x', ''), ['y'], 'y'],
    ['empty text over a default', string('x', ''), [''], ''],
    ['the absence of text', optionalString(''), [], undefined],
    ['a URL', url('http://localhost:9090', ''), [], 'http://localhost:9090'],
    ['a URL with a path', url('', ''), ['https://u:p@h/x/'], 'https://u:p@h/x/'],
    ['an int', int(20, ''), ['-3'], -3],
    ['an int with an exponent', int(20, ''), ['1e3'], 1000],
    ['a uint', uint(0, ''), ['12'], 12],
    ['a float', float(100, ''), ['.5'], 0.5],
    ['floats', floatList([1, 2], ''), ['3', '4.5'], [3, 4.5]],
    ['default floats', floatList([1, 2], ''), [], [1, 2]],
    ['a choice', choice(['penalty', 'chain'], 'penalty', ''), ['chain'], 'chain'],
    ['choices', choiceList(['a', 'b'], ['a'], ''), ['b', 'a'], ['b', 'a']],
    ['a list', stringList(['d'], ''), ['a', 'a,b'], ['a', 'a,b']],
    ['a default list', stringList(['d'], ''), [], ['d']],
    [
      'addresses',
      addressList(''),
      ['a:1', '[::1]:2', 'dns+h', 'dnssrv+_x._tcp.y'],
      ['a:1', '[::1]:2', 'dns+h', 'dnssrv+_x._tcp.y'],
    ],
    ['megabytes', bytes('250MB', ''), [], 250 * 2 ** 20],
    ['mebibytes', bytes('1B', ''), ['1MiB'], 2 ** 20],
    ['broken gigabytes', bytes('1B', ''), ['1.5GB'], 1.5 * 2 ** 30],
    ['plain bytes', bytes('1KB', ''), ['7B'], 7],
    ['no bytes', bytes('0', ''), [], 0],
    ['a Prometheus duration', durationMs('2m', ''), ['1h30m'], 5_400_000],
    ['a year', durationMs('2m', ''), ['1y1w1d1h1m1s1ms'], 373 * day + 3_661_001],
    ['zero', durationMs('2m', ''), ['0'], 0],
    ['a Go duration', goDurationMs('15m', ''), ['1.5h'], 5_400_000],
    ['a signed Go duration', goDurationMs('15m', ''), ['-1d12h'], -1.5 * day],
    ['small Go units', goDurationMs('15m', ''), ['1ms500us'], 1.5],
    [
      'labels',
      labelList(''),
      ['a="b"', 'c="d\\"e\\u00e9"', 'f=`g`'],
      [
        ['a', 'b'],
        ['c', 'd"eé'],
        ['f', 'g'],
      ],
    ],
    ['content', kinds.pathOrContent('c', ''), ['text=a: $(KEY)$(EMPTY)!'], 'a: secret!'],
    ['content of a file', kinds.pathOrContent('c', ''), ['file=a.yaml'], 'key: secret'],
    ['content as it stands', kinds.pathOrContent('c', '', { expandsEnvironment: false }), ['text=$(X)'], '$(X)'],
    ['no content', kinds.pathOrContent('c', ''), [], ''],
  ];
  for (const [what, flag, given, value] of cases) {
    test(what, () => {
      expect(flag.parse(given, sources)).toEqual(value);
    });
  }
});

describe('a flag refuses', () => {
  const cases: readonly (readonly [Flag<unknown>, readonly string[], string])[] = [
    [url('', ''), [':::foo'], 'invalid URL: ":::foo" has no scheme'],
    [url('', ''), ['http://a b'], 'invalid URL: "http://a b"'],
    [int(1, ''), ['a'], '"a" is not a number'],
    [int(1, ''), ['1e300'], '"1e300" is not a whole number'],
    [uint(1, ''), ['-1'], '"-1" is not a whole number from 0'],
    [uint(1, ''), ['99999999999999999999'], '"99999999999999999999" is out of range'],
    [float(1, ''), [''], '"" is not a number'],
    [float(1, ''), ['0x10'], '"0x10" is not a number'],
    [choice(['penalty', 'chain'], 'penalty', ''), ['foo'], "enum value must be one of penalty,chain, got 'foo'"],
    [addressList(''), ['foo'], 'Address foo is not of <host>:<port> format or a valid DNS query.'],
    [addressList(''), ['::1:80'], 'Address ::1:80 is not of <host>:<port> format or a valid DNS query.'],
    [bytes('1B', ''), ['5'], 'units: missing unit in 5, a size is a number and a unit such as 250MB'],
    [bytes('1B', ''), ['5XB'], 'units: unknown unit XB in 5XB, a size'],
    [bytes('1B', ''), ['5iB'], 'units: unknown unit iB in 5iB, a size'],
    [durationMs('2m', ''), ['5'], 'not a valid duration string: "5"'],
    [durationMs('2m', ''), ['1m1h'], 'not a valid duration string: "1m1h"'],
    [durationMs('2m', ''), ['-1m'], 'not a valid duration string: "-1m"'],
    [durationMs('2m', ''), ['1.5h'], 'unknown unit ".'],
    [durationMs('2m', ''), [''], 'empty duration string'],
    [durationMs('2m', ''), ['300y'], 'duration out of range'],
    [goDurationMs('2m', ''), ['5'], 'time: missing unit in duration "5"'],
    [goDurationMs('2m', ''), ['xx'], 'time: invalid duration "xx"'],
    [goDurationMs('2m', ''), ['1toString'], 'time: unknown unit "toString" in duration "1toString"'],
    [goDurationMs('2m', ''), ['9999999w'], 'time: invalid duration "9999999w"'],
    [kinds.time('-6w', ''), ['zz'], 'not a valid duration string: "zz"'],
    [kinds.time('-6w', ''), ['2018-02-31T00:00:00Z'], 'not a valid time: "2018-02-31T00:00:00Z"'],
    [labelList(''), ['a'], 'unrecognized label "a"'],
    [labelList(''), ['a=b'], 'invalid syntax: unquote label value b'],
    [labelList(''), ['a="b'], 'invalid syntax: unquote label value "b'],
    [labelList(''), ['a="\\q"'], 'invalid syntax: unquote label value "\\q"'],
    [labelList(''), ['a-b="c"'], 'unsupported format for label "a-b=\\"c\\""'],
    [kinds.pathOrContent('c', ''), ['file=a.yaml', 'text=x'], 'both c-file and c flags set'],
    [kinds.pathOrContent('c', ''), ['file=no.yaml'], 'load file no.yaml for c-file: ENOENT'],
    [kinds.pathOrContent('c', ''), ['text=$(NOT_SET)'], 'found reference to unset environment variable "NOT_SET"'],
    [
      kinds.pathOrContent('c', '', { isRequired: true }),
      [],
      'flag c-file or c is required for running this command and content cannot be empty',
    ],
  ];
  for (const [flag, given, message] of cases) {
    test(`${JSON.stringify(given)}: ${message}`, () => {
      assert.throws(
        () => flag.parse(given, sources),
        (thrown) => ['invalid', 'not-found'].includes(kindOf(thrown)) && messageOf(thrown).startsWith(message),
      );
    });
  }
});

describe('a time', () => {
  const now = Date.UTC(2026, 0, 1);
  for (const [text, expected] of [
    ['0000-01-01T00:00:00Z', -62_167_219_200_000],
    ['9999-12-31T23:59:59Z', 253_402_300_799_000],
    ['2018-01-01T00:00:00Z', Date.UTC(2018, 0, 1)],
    ['2018-01-01T02:00:00.25+02:00', Date.UTC(2018, 0, 1) + 250],
    ['-6w', now - 42 * day],
    ['2h', now + 7_200_000],
    ['+2h', now + 7_200_000],
    ['0s', now],
  ] as const) {
    test(`${text} is ${expected}`, () => {
      expect(kinds.time('-1d', '').parse([text], sources)(now)).toBe(expected);
    });
  }
});

// The cases of testdata/ were answered by Prometheus: errors.json with its default switches, errors-everything-on.json and
// pretty.json with all that change the language, prints.json by its printer on one line.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { kindOf, messageOf } from '../../errors/fault.ts';
import type { Expression } from './ast.ts';
import { typeOf } from './check.ts';
import { type ParseOptions, parse, parseSelector } from './parse.ts';
import { prettify } from './pretty.ts';
import { print } from './print.ts';
import { treeJson } from './tree-json.ts';

function cases<T extends readonly unknown[] = [string, string]>(name: string): T[] {
  return JSON.parse(readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8'));
}

const everything = { experimental: true, extendedRangeSelectors: true, fillModifiers: true };

function failureOf(text: string, options: ParseOptions = {}): string {
  try {
    parse(text, options);
  } catch (thrown) {
    assert.equal(kindOf(thrown), 'invalid', text);
    return messageOf(thrown);
  }
  return 'no failure';
}

describe('parse', () => {
  test('mistakes have the position and text of the reference', () => {
    const found = cases('errors.json');
    assert.ok(found.length > 900);
    for (const [text, message] of found) assert.equal(failureOf(text), message, JSON.stringify(text));
  });

  test('they have them too with every switch on', () => {
    const found = cases('errors-everything-on.json');
    assert.ok(found.length >= 400);
    for (const [text, message] of found) assert.equal(failureOf(text, everything), message, JSON.stringify(text));
  });

  test('trees are laid out, and are as JSON, what they are for the reference', () => {
    const found = cases<[string, string, unknown]>('pretty.json');
    assert.ok(found.length >= 300);
    for (const [text, pretty, tree] of found) {
      const parsed = parse(text, everything);
      assert.equal(prettify(parsed), pretty, text);
      if (tree !== null) assert.deepEqual(JSON.parse(JSON.stringify(treeJson(parsed))), tree, text);
    }
  });

  test('what is laid out over lines parses to the same tree', () => {
    for (const [, pretty] of cases('pretty.json')) {
      assert.equal(prettify(parse(pretty, everything)), pretty);
    }
  });

  test('trees print as the reference prints them', () => {
    const found = cases('prints.json');
    assert.ok(found.length >= 400);
    for (const [text, printed] of found) assert.equal(print(parse(text)), printed, text);
  });

  test('what is printed parses to the same text again', () => {
    for (const [, printed] of cases('prints.json')) assert.equal(print(parse(printed)), printed);
  });

  for (const [text, message] of [
    ['up{', '1:4: parse error: unexpected end of input inside braces'],
    ['sum(', '1:5: parse error: unclosed left parenthesis'],
    ['up[5m', '1:6: parse error: unclosed left bracket'],
    ['rate(up[5m)', '1:11: parse error: unexpected ")" in subquery or range, expected ":" or "]"'],
    [
      'up offset',
      '1:10: parse error: unexpected end of input in offset, expected number, duration, step(), or range()',
    ],
    ['', 'unknown position: parse error: no expression found in input'],
    ['up{a="\\q"}', "1:6: parse error: unknown escape sequence U+0071 'q'"],
    ['up +\n  up + $', "2:8: parse error: unexpected character: '$'"],
    ['"é" + é', "1:8: parse error: unexpected character: 'é'"],
    ['up[5m] anchored', '1:1: parse error: anchored modifier is experimental and not enabled'],
    ['rate(up[5m] smoothed)', '1:6: parse error: smoothed modifier is experimental and not enabled'],
    ['up + fill (1) up', '1:1: parse error: binop fill modifiers are experimental and not enabled'],
    ['start()', '1:1: parse error: function "start" is not enabled'],
    ['up[1 / 0]', '1:6: parse error: division by zero'],
    ['mad_over_time(up[5m])', '1:1: parse error: function "mad_over_time" is not enabled'],
  ] as const)
    test(`${JSON.stringify(text)} is refused as the reference refuses it`, () =>
      assert.equal(failureOf(text), message));

  test('a mistake counts columns in bytes', () => {
    assert.equal(failureOf('{"日本"} + $'), "1:14: parse error: unexpected character: '$'");
  });

  test('experimental functions and aggregations need the option', () => {
    const flag = '--enable-feature=promql-experimental-functions';
    assert.equal(
      failureOf('limitk(2, up)'),
      `1:1: parse error: limitk() is experimental and must be enabled with ${flag}`,
    );
    for (const text of ['limitk(2, up)', 'limit_ratio(0.5, up)', 'sort_by_label(up, "a")', 'mad_over_time(up[1m])'])
      assert.equal(print(parse(text, { experimental: true })), text);
  });

  for (const [text, value] of [
    ['0x1F', 31],
    ['017', 15],
    ['089', 89],
    ['1_000', 1000],
    ['1e3', 1000],
    ['.5', 0.5],
    ['-Inf', Number.NEGATIVE_INFINITY],
    ['nan', Number.NaN],
    ['1h30m', 5400],
    ['5ms', 0.005],
    ['--1', 1],
  ] as const)
    test(`${text} is the number ${value}`, () => {
      const tree = parse(text);
      assert.equal(tree.kind === 'number' && Object.is(tree.value, value), true);
    });

  for (const [text, value] of [
    [`"a\\n\\x41\\u00e9\\101"`, 'a\nAéA'],
    [`'\\'"'`, `'"`],
    ['`a\\n`', 'a\\n'],
    ['"\\U0001F600"', '😀'],
  ] as const)
    test(`the string ${text} is read as Go reads it`, () => {
      const tree = parse(text);
      assert.equal(tree.kind === 'string' && tree.value, value);
    });

  test('operators bind by precedence and ^ from the right', () => {
    const shape = (node: Expression): string =>
      node.kind === 'binary'
        ? `(${shape(node.left)}${node.op}${shape(node.right)})`
        : node.kind === 'unary'
          ? `${node.op}${shape(node.operand)}`
          : print(node);
    assert.equal(shape(parse('a + b * c ^ d ^ e')), '(a+(b*(c^(d^e))))');
    assert.equal(shape(parse('a or b and c == d - e')), '(aor(band(c==(d-e))))');
    assert.equal(shape(parse('-a ^ b * c')), '(-(a^b)*c)');
    assert.equal(shape(parse('a - b - c')), '((a-b)-c)');
  });

  test('selectors hold their matchers, modifiers and bytes', () => {
    const tree = parse(' {"my.metric", "a b"=~"c|d"} @ 1.5 offset -5m');
    assert.ok(tree.kind === 'vector-selector');
    assert.deepEqual(
      tree.matchers.map(({ name, op, value }) => [name, op, value]),
      [
        ['__name__', '=', 'my.metric'],
        ['a b', '=~', 'c|d'],
      ],
    );
    assert.deepEqual([tree.name, tree.offsetMs, tree.at], ['', -300_000, { kind: 'time', timeMs: 1500 }]);
    assert.deepEqual(tree.span, { start: 1, end: 45 });
  });

  test('matching is there exactly when both sides are vectors', () => {
    const matchingOf = (text: string) => {
      const tree = parse(text);
      return tree.kind === 'binary' ? tree.matching : undefined;
    };
    assert.equal(matchingOf('a + 1'), undefined);
    assert.equal(matchingOf('1 + 1'), undefined);
    assert.deepEqual(matchingOf('a and on (x) b'), { card: 'many-to-many', on: true, labels: ['x'], include: [] });
    const joined = { card: 'many-to-one', on: false, labels: ['x'], include: ['y'] };
    assert.deepEqual(matchingOf('a * ignoring (x) group_left (y) b'), joined);
  });

  for (const [text, type] of [
    ['1 + 1', 'scalar'],
    ['(time())', 'scalar'],
    ['-up', 'vector'],
    ['1 == bool up', 'vector'],
    ['up[5m]', 'matrix'],
    ['sum(up)[5m:]', 'matrix'],
    ['("a")', 'string'],
  ] as const)
    test(`${text} is a ${type}`, () => assert.equal(typeOf(parse(text)), type));

  test('very deep nesting is refused, not a crash', () => {
    assert.match(failureOf(`${'('.repeat(100_000)}1${')'.repeat(100_000)}`), /nested too deeply/);
    assert.match(failureOf(`${'-'.repeat(100_000)}x`), /nested too deeply/);
    assert.match(failureOf(`x[${'('.repeat(100_000)}1${')'.repeat(100_000)}]`), /nested too deeply/);
    assert.match(failureOf(`x offset ${'-'.repeat(100_000)}1`), /nested too deeply/);
  });

  for (const [what, text] of [
    ['numbers', `1${'+1'.repeat(500_000)}`],
    ['series', `x${' or x'.repeat(200_000)}`],
    ['durations', `x[1s${'+1s'.repeat(300_000)}]`],
    ['powers', `2${'^2'.repeat(500_000)}`],
    ['calls', 'abs('.repeat(250_000)],
    ['signs', `${'-'.repeat(1_000_000)}x`],
  ] as const)
    test(`a megabyte of ${what} is refused, not a crash`, () => assert.match(failureOf(text), /nested too deeply/));

  test('what is long but not deep is read', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `label_${i}`);
    const long = [
      'x'.repeat(1_000_000),
      `x{a="${'y'.repeat(1_000_000)}"}`,
      `sum by (${names.join()}) (x)`,
      `x{${names.map((name) => `${name}!="1"`).join()}}`,
      `x{a=~"${names.join('|')}"}`,
      `1${'+1'.repeat(700)}`,
    ];
    for (const text of long) assert.equal(parse(text).span.end, text.length);
  });

  test('regular expressions that others go astray in are read or refused like any others', () => {
    for (const pattern of ['(a+)+$', '(((((a*)*)*)*)*)*b', `${'a?'.repeat(1000)}${'a'.repeat(1000)}`]) {
      const [matcher] = parseSelector(`{a=~"${pattern}"}`);
      assert.equal(matcher.matches(`${'a'.repeat(2000)}!`), false);
    }
    assert.match(failureOf('x{a=~"(a{1000}){1000}"}'), /^1:3: parse error: error parsing regexp: invalid repeat count/);
    const deep = `${'(a|'.repeat(50_000)}b${')'.repeat(50_000)}`;
    assert.match(failureOf(`x{a=~"${deep}"}`), /^1:3: parse error: error parsing regexp: expression nests too deeply/);
  });
});

describe('parseSelector', () => {
  test('gives the matchers of a selector', () => {
    assert.deepEqual(parseSelector('up{job!="a"}').map(String).sort(), ['__name__="up"', 'job!="a"']);
    assert.deepEqual(parseSelector('{}'), []);
  });

  for (const [text, message] of [
    ['(', '1:2: parse error: unclosed left parenthesis'],
    ['x{', '1:3: parse error: unexpected end of input inside braces'],
    ['{', '1:2: parse error: unexpected end of input inside braces'],
    ['up[5m]', 'expected an instant vector selector, got a range vector selector'],
    ['', 'unknown position: parse error: no expression found in input'],
    ['up{__name__="x"}', '1:1: parse error: metric name must not be set twice: "up" or "x"'],
  ] as const)
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseSelector(text), { kind: 'invalid', message });
    });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, test } from 'vitest';
import { kindOf, messageOf } from '../errors/fault.ts';
import { Matcher, type MatcherOp } from './matcher.ts';
import { compileAnchored } from './regexp.ts';
import { readShape } from './regexp-shape.ts';

describe('shapes that need no engine', () => {
  for (const [source, shape] of [
    ['', { kind: 'set', values: [''] }],
    ['foo', { kind: 'set', values: ['foo'] }],
    ['foo|bar|foo', { kind: 'set', values: ['foo', 'bar'] }],
    ['a||b', { kind: 'set', values: ['a', '', 'b'] }],
    ['pre(a|b)', { kind: 'set', values: ['prea', 'preb'] }],
    ['(?:x|y)-(1|2)', { kind: 'set', values: ['x-1', 'x-2', 'y-1', 'y-2'] }],
    ['10\\.0\\.0\\.1:9090', { kind: 'set', values: ['10.0.0.1:9090'] }],
    ['.*', { kind: 'any', minLength: 0 }],
    ['.+', { kind: 'any', minLength: 1 }],
    ['foo.*', { kind: 'affixes', prefix: 'foo', suffix: '', contained: '', minGap: 0 }],
    ['foo.+?', { kind: 'affixes', prefix: 'foo', suffix: '', contained: '', minGap: 1 }],
    ['.*foo', { kind: 'affixes', prefix: '', suffix: 'foo', contained: '', minGap: 0 }],
    ['a.*b', { kind: 'affixes', prefix: 'a', suffix: 'b', contained: '', minGap: 0 }],
    ['.*foo.*', { kind: 'affixes', prefix: '', suffix: '', contained: 'foo', minGap: 0 }],
    ['a.*b.*c', { kind: 'affixes', prefix: 'a', suffix: 'c', contained: 'b', minGap: 0 }],
    ['(?i)foo', { kind: 'engine', prefix: '' }],
    ['foo[0-9]', { kind: 'engine', prefix: 'foo' }],
    ['foob*', { kind: 'engine', prefix: 'foo' }],
    ['foo[0-9]|bar', { kind: 'engine', prefix: '' }],
    ['\\Qfoo\\E', { kind: 'engine', prefix: '' }],
    ['(foo', { kind: 'engine', prefix: '' }],
    ['🚀*', { kind: 'engine', prefix: '' }],
  ] as const) {
    test(`${JSON.stringify(source)} is read as ${shape.kind}`, () => {
      assert.deepEqual(readShape(source), shape);
    });
  }

  test('alternatives that are written out are a set, however many', () => {
    const many = compileAnchored(Array.from({ length: 20_000 }, (_, i) => `host-${i}\\.example`).join('|'));
    assert.equal(many.set?.length, 20_000);
    assert.equal(many.prefix, 'host-');
    assert.ok(many.test('host-19999.example'));
    assert.ok(!many.test('host-20000.example'));
  });

  test('groups in a row are a set of up to 256 strings, whose texts are not much longer than the expression', () => {
    const group = (length: number) => `(${Array.from({ length }, (_, i) => `v${i}`).join('|')})`;
    assert.equal(compileAnchored(group(16) + group(16)).set?.length, 256);
    assert.equal(compileAnchored(group(16) + group(17)).set, undefined);
    assert.ok(compileAnchored(group(16) + group(17)).test('v15v16'));
    assert.equal(compileAnchored(`${'a'.repeat(100)}${group(1000)}`).set?.length, 1000);
    assert.equal(compileAnchored(`${'a'.repeat(10_000)}${group(1000)}`).set, undefined);
  });

  test('a product of alternations is bounded before it is built', () => {
    assert.equal(readShape('(a|b)'.repeat(60)).kind, 'engine');
  });

  test('a shared prefix never ends inside a surrogate pair', () => {
    assert.equal(compileAnchored('x\u{1f680}|x\u{1f681}').prefix, 'x');
  });
});

test('shortcuts and engine agree on every string near the pattern', () => {
  const alphabet = [
    '',
    'a',
    'b',
    'ab',
    'ba',
    'aba',
    'abab',
    'a\nb',
    'bab',
    'aab',
    'abb',
    'A',
    '🚀',
    'a🚀b',
    'aXb',
    'bXa',
  ];
  const sources = [
    'a',
    'a|b',
    'a(b|)',
    'a.*',
    '.*b',
    'a.*b',
    'a.+b',
    '.+b',
    'a.+',
    '.*ab.*',
    'a.*b.*a',
    '.*',
    '.+',
    'a||b',
    '🚀',
    '.*🚀.*',
  ];
  for (const source of sources) {
    // A group with a flag that changes nothing is beyond the shape reader, so that the engine answers.
    const byEngine = compileAnchored(`(?-i:${source})`);
    assert.equal(byEngine.set, undefined);
    const byShape = compileAnchored(source);
    for (const value of alphabet) assert.equal(byShape.test(value), byEngine.test(value), `${source} on ${value}`);
  }
});

interface Vector {
  readonly op: MatcherOp;
  readonly value: string;
  readonly matches?: readonly string[];
  readonly notMatches?: readonly string[];
  readonly error?: string;
}

describe('what Prometheus itself answers', () => {
  const bytes = readFileSync(new URL('./testdata/matcher-strings.jsonl.gz', import.meta.url));
  const vectors = gunzipSync(bytes)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector);

  test('there are vectors of both kinds', () => {
    assert.ok(vectors.filter((vector) => vector.error === undefined).length > 100);
    assert.ok(vectors.filter((vector) => vector.error !== undefined).length > 5);
  });

  for (const { op, value, matches, notMatches, error } of vectors) {
    test(`x${op}${JSON.stringify(value).slice(0, 60)}`, () => {
      if (error !== undefined) {
        assert.throws(
          () => new Matcher(op, 'x', value),
          (thrown) => kindOf(thrown) === 'invalid' && messageOf(thrown).startsWith('error parsing regexp: '),
        );
        return;
      }
      const matcher = new Matcher(op, 'x', value);
      for (const text of matches ?? []) assert.ok(matcher.matches(text), `should match ${JSON.stringify(text)}`);
      for (const text of notMatches ?? [])
        assert.ok(!matcher.matches(text), `should not match ${JSON.stringify(text)}`);
      for (const text of matcher.regexp?.set ?? []) assert.equal(matcher.matches(text), op === '=~');
      if (op === '=~') for (const text of matches ?? []) assert.ok(text.startsWith(matcher.regexp!.prefix));
    });
  }
});

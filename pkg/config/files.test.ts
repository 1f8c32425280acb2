import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { kindOf, messageOf } from '../errors/fault.ts';
import { goDuration, loose, strict, z } from './shape.ts';
import { parseYaml, parseYamlAs } from './yaml.ts';

const bucket = strict({
  type: z.string(),
  prefix: z.string().default(''),
  config: strict({
    bucket: z.string(),
    insecure: z.boolean().default(false),
    http_config: loose({ idle_conn_timeout: goDuration().default(90_000) }).optional(),
  }),
});

describe('YAML', () => {
  test('only the first document counts, and an empty one is nothing', () => {
    expect(parseYaml('a: 1\n---\na: [')).toEqual({ a: 1 });
    expect(parseYaml('')).toBeUndefined();
    expect(parseYaml('# only a comment\n')).toBeUndefined();
  });

  for (const [what, text, message] of [
    ['a key twice', 'a: 1\nb: 2\na: 3\n', 'YAML line 3 column 1: Map keys must be unique'],
    ['an open list', 'a: [1, 2\n', 'YAML line 2 column 1: '],
    ['a tab for indentation', 'a:\n\tb: 1\n', 'YAML line 2 column 1: '],
    ['a flood of aliases', bomb(), 'YAML: Excessive alias count'],
  ] as const) {
    test(`${what} is refused, with its place`, () => {
      assert.throws(
        () => parseYaml(text),
        (thrown) => kindOf(thrown) === 'invalid' && messageOf(thrown).startsWith(message),
        message,
      );
    });
  }
});

describe('a shape', () => {
  test('gives typed values with defaults', () => {
    expect(
      parseYamlAs(bucket, 'type: S3\nconfig:\n  bucket: b\n  http_config: {idle_conn_timeout: 1m30s, other: 1}\n'),
    ).toEqual({
      type: 'S3',
      prefix: '',
      config: { bucket: 'b', insecure: false, http_config: { idle_conn_timeout: 90_000 } },
    });
  });

  for (const [what, text, message] of [
    ['a key nobody knows', 'type: S3\nconfg: {}\nconfig: {bucket: b}', 'unknown key "confg", did you mean "config"?'],
    ['one far from all', 'type: S3\nzzzzzz: 1\nconfig: {bucket: b}', 'unknown key "zzzzzz"'],
    [
      'one further in',
      'type: S3\nconfig: {bucket: b, insecur: true}',
      'config: unknown key "insecur", did you mean "insecure"?',
    ],
    ['a missing key', 'config: {bucket: b}', 'type: is required'],
    [
      'a bad duration',
      'type: S3\nconfig: {bucket: b, http_config: {idle_conn_timeout: soon}}',
      'config.http_config.idle_conn_timeout: not a duration: "soon"',
    ],
    [
      'a wrong type',
      'type: S3\nconfig: {bucket: 7}',
      'config.bucket: Invalid input: expected string, received number: 7',
    ],
    ['plain text', 'hello', 'Invalid input: expected object, received string: "hello"'],
  ] as const) {
    test(`${what} is named`, () => {
      assert.throws(
        () => parseYamlAs(bucket, text),
        (thrown) => kindOf(thrown) === 'invalid' && messageOf(thrown) === message,
        message,
      );
    });
  }
});

/** Nine levels of nine aliases each. */
function bomb(): string {
  let text = 'a0: &a0 [x]\n';
  for (let i = 1; i <= 9; i++)
    text += `a${i}: &a${i} [${Array(9)
      .fill(`*a${i - 1}`)
      .join(', ')}]\n`;
  return text;
}

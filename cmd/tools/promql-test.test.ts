import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { type Ran, ran } from '../main-fixture.ts';

const directory = mkdtempSync(join(tmpdir(), 'promql-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function script(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function run(...argv: readonly string[]): Promise<Ran> {
  return ran('tools', 'promql-test', ...argv);
}

const good = script(
  'good.test',
  `load 1m
  m{a="x"} 0+1x10
  c@st     _ -30s
  c        _ 5

eval instant at 2m limit_ratio(1, rate(m[2m] anchored))
  {a="x"} 0.016666666666666666

eval instant at 2m increase(c[2m])
  {} 5
`,
);
const bad = script(
  'bad.test',
  `load 1m
  m 0+1x10

eval instant at 2m m
  m 2

eval instant at 2m m + 1
  {} 4

eval instant at 2m m +
`,
);

describe('tools promql-test', () => {
  test('says what passes, and where and how the rest differs', async () => {
    const { code, out } = await run(good, bad);
    assert.equal(code, 1);
    assert.deepEqual(out.split('\n'), [
      `${good}: 2 passed, 0 failed`,
      `${bad}:7: m + 1`,
      '    {}: 3, expected 4',
      `${bad}:10: m +`,
      '    invalid: 1:4: parse error: unexpected end of input',
      `${bad}: 1 passed, 2 failed`,
      '',
    ]);
  });

  test('ends well when everything passes', async () => {
    assert.equal((await run(good)).code, 0);
  });

  test('tells machines the same as JSON', async () => {
    const { code, out } = await run('--json', bad);
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(out), {
      files: [
        {
          file: bad,
          passed: 1,
          failures: [
            { line: 7, expression: 'm + 1', difference: '{}: 3, expected 4' },
            { line: 10, expression: 'm +', difference: 'invalid: 1:4: parse error: unexpected end of input' },
          ],
        },
      ],
    });
  });

  for (const [what, path, message] of [
    ['is no script', script('none.test', 'clear\n\nevaluate up\n'), /line 3: .*not a statement: evaluate up/],
    ['is not there', join(directory, 'missing.test'), /ENOENT/],
  ] as const)
    test(`fails over a file that ${what}, in one line`, async () => {
      const { code, out } = await run(path);
      assert.equal(code, 1);
      assert.match(out, message);
      assert.equal(out.trimEnd().split('\n').length, 1);
    });

  test('wants a file', async () => {
    const { code, err } = await run();
    assert.equal(code, 2);
    assert.match(err, /usage: tributary tools promql-test \[<flags>\] <file> \.\.\./);
    assert.match(err, /required argument not provided/);
  });
});

// The reference's own scripts over our engine. Statements that need what we refuse are counted apart: every one of them
// must be refused, never answered.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { goldenDir } from '../../../dev/golden.ts';
import { backgroundRequest } from '../../async/request.ts';
import { Engine } from '../engine.ts';
import { type Evaluate, runScript } from './run.ts';
import { parseScript } from './script.ts';

const engine = new Engine({
  lookbackMs: 300_000,
  timeoutMs: 60_000,
  defaultEvaluationIntervalMs: 60_000,
  experimentalFunctions: true,
  delayedNameRemoval: true,
});

const evaluate: Evaluate = (queryable, expression, times) =>
  'timeMs' in times
    ? engine.instant(backgroundRequest(), queryable, { expression, timeMs: times.timeMs })
    : engine.range(backgroundRequest(), queryable, { expression, ...times });

describe('a script', () => {
  const script = `
load 1m
  m{a="x"} 0+1x10
  m{a="y"} 5 _ stale 7x2
  h {{schema:0 sum:1 count:1}}x3

eval instant at 2m m
  m{a="x"} 2

eval range from 0 to 2m step 1m sum(m)
  {} 5 6 2

eval instant at 2m m
  m{a="x"} 3

eval instant at 2m m +
  expect fail msg: 1:4: parse error: unexpected end of input

eval instant at 2m h
  h {{schema:0 sum:1 count:1}}

eval instant at 2m h
  h {{schema:0 sum:2 count:1}}

eval instant at 2m limit_ratio(0.5, m)

eval instant at 2m vector(1)
  expect fail

eval instant at 4m m{a="y"} * 1
  {a="y"} 7
  {a="z"} 7`;

  test('tells what passes, what fails and what is refused', async () => {
    const outcomes = await runScript(parseScript(script), evaluate);
    const verdicts = outcomes.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, [
      'passed',
      'passed',
      'failed',
      'passed',
      'passed',
      'failed',
      'refused',
      'failed',
      'failed',
    ]);
  });

  test('that is none is refused with its line', () => {
    assert.throws(() => parseScript('clear\n\nevaluate up'), /line 3/);
  });
});

const directory = goldenDir();
const scripts =
  directory === undefined ? [] : readdirSync(join(directory, 'promqltest')).filter((name) => name.endsWith('.test'));

describe('the conformance scripts', () => {
  for (const name of scripts)
    test(`${name} has no statement that is answered wrongly`, async () => {
      const text = readFileSync(join(directory!, 'promqltest', name), 'utf8');
      const outcomes = await runScript(parseScript(text), evaluate);
      const failed = outcomes.filter(({ verdict }) => verdict === 'failed');
      assert.deepEqual(
        failed.map(({ statement, detail }) => `${statement.line} ${statement.expression}: ${detail}`),
        [],
      );
    });
  test.skipIf(directory === undefined)('are there', () => assert.ok(scripts.length >= 15));
});

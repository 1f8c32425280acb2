// The reference's own scripts over our engine: every statement passes.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { goldenDir } from '../../../dev/golden.ts';
import { backgroundRequest } from '../../async/request.ts';
import type { Value } from '../../model/value.ts';
import { everythingOn } from './evaluate.ts';
import { type Evaluate, runScript } from './run.ts';
import { parseScript } from './script.ts';

const evaluate = everythingOn(backgroundRequest());

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

eval instant at 2m limit_ratio(0, m)

eval instant at 2m vector(1)
  expect fail

eval instant at 4m m{a="y"} * 1
  {a="y"} 7
  {a="z"} 7`;

  test('tells what passes and what fails', async () => {
    const outcomes = await runScript(parseScript(script), evaluate);
    const verdicts = outcomes.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, [
      'passed',
      'passed',
      'failed',
      'passed',
      'passed',
      'failed',
      'passed',
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
    test(`${name} passes`, async () => {
      const text = readFileSync(join(directory!, 'promqltest', name), 'utf8');
      const outcomes = await runScript(parseScript(text), evaluate);
      assert.ok(outcomes.length > 10);
      const failed = outcomes.filter(({ verdict }) => verdict === 'failed');
      assert.deepEqual(
        failed.map(({ statement, detail }) => `${statement.line} ${statement.expression}: ${detail}`),
        [],
      );
    });
  test.skipIf(directory === undefined)('answer an instant as a range query answers the same time', async () => {
    let compared = 0;
    const both: Evaluate = async (queryable, expression, times) => {
      const answer = await evaluate(queryable, expression, times);
      if (!('timeMs' in times) || answer.value.kind !== 'vector') return answer;
      // These say what the query's times are, or are of no use over several steps.
      if (/\b(?:range|step|start|end)\(|sort/.test(expression)) return answer;
      const { timeMs } = times;
      const around = { startMs: timeMs - 60_000, endMs: timeMs + 60_000, stepMs: 60_000 };
      assert.deepEqual(
        valuesAt((await evaluate(queryable, expression, around)).value, timeMs),
        valuesAt(answer.value, timeMs),
      );
      compared++;
      return answer;
    };
    for (const name of scripts) {
      await runScript(parseScript(readFileSync(join(directory!, 'promqltest', name), 'utf8')), both);
    }
    assert.ok(compared > 1_000, `${compared}`);
  });

  test.skipIf(directory === undefined)('are there', () => assert.ok(scripts.length >= 15));
});

/** The values of all series at a time, by labels. */
function valuesAt(value: Value, timeMs: number): Map<string, unknown> {
  if (value.kind === 'vector') {
    const found = value.samples.map((sample): [string, unknown] => [
      sample.labels.key,
      sample.histogram ?? sample.value,
    ]);
    return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  const values = new Map<string, unknown>();
  for (const { labels, times, values: floats, histograms } of value.kind === 'matrix' ? value.series : []) {
    const at = times.indexOf(timeMs);
    if (at >= 0) values.set(labels.key, floats[at]);
    const histogramAt = histograms?.times.indexOf(timeMs) ?? -1;
    if (histogramAt >= 0) values.set(labels.key, histograms?.values[histogramAt]);
  }
  return new Map([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
}

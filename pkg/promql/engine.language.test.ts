// The newer parts of the language against recorded answers of Prometheus, values to the last bit: edges of windows, cutting
// histograms off, filled matchings, info(), computed durations, functions behind switches.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import { printResult } from './result-json.ts';
import { everythingOn } from './testlang/evaluate.ts';
import { MemoryQueryable } from './testlang/memory-queryable.ts';
import { loadSeries, type Times } from './testlang/run.ts';
import { parseScript } from './testlang/script.ts';

interface Recorded {
  readonly data: 'data' | 'info';
  readonly kind: 'instant' | 'range';
  readonly expression: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

function file(name: string): Buffer {
  return readFileSync(new URL(`testdata/${name}`, import.meta.url));
}

function seriesOf(name: string): MemoryQueryable {
  const queryable = new MemoryQueryable();
  for (const statement of parseScript(file(name).toString())) {
    if (statement.kind === 'load') loadSeries(queryable, statement);
  }
  return queryable;
}

const held = { data: seriesOf('language-data.test'), info: seriesOf('language-info.test') };
const times: Readonly<Record<Recorded['kind'], Times>> = {
  instant: { timeMs: 305_500 },
  range: { startMs: 0, endMs: 900_000, stepMs: 77_000 },
};
const evaluate = everythingOn(backgroundRequest());

/** Series as texts in a fixed order: theirs is not always given. Numbers that went through powers of two are cut short. */
function comparable(result: unknown, isRounded: boolean): string[] | string {
  const text = (value: unknown): string => {
    const plain = JSON.stringify(value);
    return isRounded ? plain.replaceAll(/-?\d+\.\d{11,}/g, (digits) => Number(digits).toPrecision(12)) : plain;
  };
  const isList = Array.isArray(result) && result.every((entry) => typeof entry === 'object');
  return isList ? result.map((entry: Record<string, unknown>) => text(sorted(entry))).sort() : text(result);
}

function sorted(entry: Record<string, unknown>): Record<string, unknown> {
  const metric = Object.fromEntries(Object.entries(entry['metric'] as object).sort());
  return { ...entry, metric };
}

describe('the language', () => {
  const recorded = gunzipSync(file('language-answers.jsonl.gz'))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Recorded => JSON.parse(line));

  test('has hundreds of answers to compare with', () => assert.ok(recorded.length > 300));

  for (const { data, kind, expression, result, error, warnings = [], infos = [] } of recorded)
    test(`${kind} ${expression} over ${data}`, async () => {
      if (error !== undefined) {
        await assert.rejects(evaluate(held[data], expression, times[kind]), (thrown) => {
          assert.equal(messageOf(thrown), error);
          return true;
        });
        return;
      }
      const answer = await evaluate(held[data], expression, times[kind]);
      const got = JSON.parse([...printResult(answer.value)].join(''));
      const isRounded = expression.includes('histogram_quantile') || expression.includes('rate(h[1m] smoothed)');
      assert.deepEqual(comparable(got, isRounded), comparable(result, isRounded));
      assert.deepEqual([...answer.warnings].sort(), [...warnings].sort());
      assert.deepEqual([...answer.infos].sort(), [...infos].sort());
    });
});

// The engine against recorded answers of Prometheus over native histograms: the same series, values and remarks, to the last
// bit where only additions and multiplications are involved.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { Engine } from './engine.ts';
import { FakeQueryable } from './fake-queryable.ts';
import { type HistogramAnswer, readHistogramAnswers, readHistogramSeries } from './histogram-fixture.ts';
import { printResult } from './result-json.ts';

const engine = new Engine({
  lookbackMs: 300_000,
  timeoutMs: 60_000,
  defaultEvaluationIntervalMs: 60_000,
  experimentalFunctions: true,
});

/** Interpolation and spread take logarithms and roots, whose last bits depend on the mathematics library. */
const transcendental = /histogram_(quantile|fraction|stddev|stdvar)|std(dev|var)/;

/** The reference counts samples of earlier steps more than once. */
const countedSamples = /(?<=, over )\d+(?= samples from )/;

interface PrintedSeries {
  readonly metric: Record<string, string>;
}

describe('native histograms are evaluated like in Prometheus', () => {
  const queryable = new FakeQueryable(readHistogramSeries());
  const answers = readHistogramAnswers();

  test('there are enough recorded answers, many of them histograms, and remarks', () => {
    assert.ok(answers.length > 600, `${answers.length}`);
    assert.ok(answers.filter(({ result }) => JSON.stringify(result).includes('"histogram')).length > 100);
    assert.ok(answers.filter(({ warnings, infos }) => warnings !== undefined || infos !== undefined).length > 100);
  });

  for (let from = 0; from < answers.length; from += 100) {
    test(`answers ${from} to ${Math.min(from + 99, answers.length - 1)}`, async () => {
      for (const answer of answers.slice(from, from + 100)) await compare(answer);
    });
  }

  async function compare(answer: HistogramAnswer): Promise<void> {
    const { expression, time, type } = answer;
    const what = `${expression} ${time === undefined ? JSON.stringify([answer.start, answer.end, answer.step]) : time}`;
    const [timeMs, startMs, endMs, stepMs] = [time ?? 0, answer.start, answer.end, answer.step].map((seconds) =>
      Math.round(seconds * 1000),
    );
    const { value, warnings, infos } =
      time === undefined
        ? await engine.range(backgroundRequest(), queryable, { expression, startMs, endMs, stepMs })
        : await engine.instant(backgroundRequest(), queryable, { expression, timeMs });
    assert.equal(value.kind, type, what);
    const mine = sorted(JSON.parse([...printResult(value)].join('')));
    const theirs = sorted(answer.result);
    if (transcendental.test(expression)) assert.ok(isClose(mine, theirs), what);
    else assert.deepEqual(mine, theirs, what);
    assert.deepEqual([...warnings].sort(), [...(answer.warnings ?? [])].sort(), what);
    const plain = (answer.infos ?? []).map((text) => text.replace(countedSamples, ''));
    assert.deepEqual(infos.map((text) => text.replace(countedSamples, '')).sort(), plain.sort(), what);
  }
});

/** Vectors have no order of their own. */
function sorted(result: unknown): unknown {
  if (!Array.isArray(result) || typeof result[0] !== 'object') return result;
  const keyOf = ({ metric }: PrintedSeries): string => JSON.stringify(Object.entries(metric).sort());
  return [...(result as PrintedSeries[])].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function isClose(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string') {
    if (a === b) return true;
    const [x, y] = [Number(a), Number(b)];
    return Math.abs(x - y) <= 1e-12 * Math.max(Math.abs(x), Math.abs(y));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => isClose(a[key as never], b[key as never]));
}

// How many samples a second a range query evaluates, from decoded columns to the answer.

import { bench, describe } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { Labels } from '../model/labels.ts';
import { Engine } from './engine.ts';
import { FakeQueryable, samplesOf } from './fake-queryable.ts';
import { printResult } from './result-json.ts';

const series = Array.from({ length: 1000 }, (_, s) => ({
  labels: Labels.of({ __name__: 'requests_total', group: `${s % 20}`, pod: `pod-${s}` }),
  samples: samplesOf(Array.from({ length: 720 }, (_, i) => [i * 30_000 + s, (i * 7 + s) % 5000] as const)),
}));
const queryable = new FakeQueryable(series);
const engine = new Engine({ lookbackMs: 300_000, timeoutMs: 60_000, defaultEvaluationIntervalMs: 60_000 });
const times = { startMs: 10 * 60_000, endMs: 360 * 60_000, stepMs: 60_000 };

describe('1000 series x 720 samples x 351 steps', () => {
  for (const expression of [
    'sum by (group) (rate(requests_total[5m]))',
    'rate(requests_total[5m])',
    'sum(requests_total)',
    'max_over_time(requests_total[1h])',
    'requests_total / on (pod) requests_total',
    'topk(5, requests_total)',
  ]) {
    bench(expression, async () => {
      await engine.range(backgroundRequest(), queryable, { expression, ...times });
    });
  }
});

describe('351,000 points as JSON', async () => {
  const { value } = await engine.range(backgroundRequest(), queryable, { expression: 'requests_total', ...times });
  bench('printResult', () => {
    let length = 0;
    for (const chunk of printResult(value)) length += chunk.length;
    if (length < 1_000_000) throw new Error('too short');
  });
});

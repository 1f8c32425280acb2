import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import type { HistogramSample } from '../model/histogram.ts';
import { Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { Engine } from './engine.ts';
import { printResult } from './result-json.ts';
import { type ReadableSeries, SeriesQueryable } from './series-queryable.ts';

const request = backgroundRequest();
const engine = new Engine({ lookbackMs: 300_000, timeoutMs: 10_000, defaultEvaluationIntervalMs: 60_000 });

function histogramAt(time: number, count: number): HistogramSample {
  return {
    time,
    histogram: {
      kind: 'float',
      hint: 'unknown',
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 0,
      count,
      sum: count,
      sumHigh: 0,
      sumLow: 0,
      positiveSpans: [{ offset: 1, length: 1 }],
      negativeSpans: [],
      positiveCounts: Float64Array.of(count),
      negativeCounts: new Float64Array(0),
      customValues: [],
    },
  };
}

function series(job: string, times: readonly number[], histograms: readonly HistogramSample[] = []): ReadableSeries {
  const floats = new SampleBuffer();
  for (const time of times) floats.push(time, time / 1000);
  return { labels: Labels.of({ __name__: 'm', job }), floats, histograms };
}

function over(...all: readonly ReadableSeries[]): SeriesQueryable {
  return new SeriesQueryable({
    async *series(matchers: readonly Matcher[]) {
      for (const one of all) {
        if (matchers.every((matcher) => matcher.matches(one.labels.get(matcher.name)))) yield one;
      }
    },
  });
}

async function answer(queryable: SeriesQueryable, expression: string, timeMs: number): Promise<string> {
  return [...printResult((await engine.instant(request, queryable, { expression, timeMs })).value)].join('');
}

describe('a queryable over listed series', () => {
  const queryable = over(series('a', [0, 60_000, 120_000]), series('b', [60_000, 120_000]));

  test('answers queries', async () => {
    assert.equal(
      await answer(queryable, 'sum by (job) (increase(m[2m]))', 120_000),
      '[{"metric":{"job":"a"},"value":[120,"120"]},{"metric":{"job":"b"},"value":[120,"120"]}]',
    );
    assert.equal(
      await answer(queryable, 'm{job="b"}', 60_000),
      '[{"metric":{"__name__":"m","job":"b"},"value":[60,"60"]}]',
    );
  });

  test('has floats and histograms of a series in the order of time', async () => {
    const mixed = over(series('a', [0, 120_000], [histogramAt(60_000, 7)]));
    assert.equal(await answer(mixed, 'm', 0), '[{"metric":{"__name__":"m","job":"a"},"value":[0,"0"]}]');
    assert.match(await answer(mixed, 'm', 60_000), /"count":"7"/);
    assert.equal(await answer(mixed, 'm', 120_000), '[{"metric":{"__name__":"m","job":"a"},"value":[120,"120"]}]');
  });

  test('knows label names and values', async () => {
    const query = { matchers: [], minTime: 0, maxTime: 1, limit: 0 };
    assert.deepEqual((await queryable.labelNames(request, query)).values, ['__name__', 'job']);
    assert.deepEqual((await queryable.labelValues(request, 'job', query)).values, ['a', 'b']);
    assert.deepEqual((await queryable.labelValues(request, 'job', { ...query, limit: 1 })).values, ['a']);
  });

  test('does not answer from series that come out of order', () =>
    assert.rejects(answer(over(series('b', [0]), series('a', [0])), 'm', 0), { kind: 'corrupt' }));
});

// What the engine promises beyond values: hints, times, ends, warnings, memory of names.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import type { SelectHints } from '../storage/hints.ts';
import type { Queryable } from '../storage/querier.ts';
import { Engine } from './engine.ts';
import { FakeQueryable, samplesOf } from './fake-queryable.ts';

const config = { lookbackMs: 300_000, timeoutMs: 60_000, defaultEvaluationIntervalMs: 60_000 };
const engine = new Engine(config);

/** A series with value k at k minutes, for k in [from, to). */
function minutes(record: Record<string, string>, from: number, to: number) {
  const points = Array.from({ length: to - from }, (_, i) => [(from + i) * 60_000, from + i] as const);
  return { labels: Labels.of(record), samples: samplesOf(points) };
}

describe('hints', () => {
  const at = 3_600_000;
  for (const [expression, expected] of [
    ['m', { minTime: at - 299_999, maxTime: at, func: '', rangeMs: 0 }],
    ['rate(m[10m])', { minTime: at - 599_999, maxTime: at, func: 'rate', rangeMs: 600_000 }],
    ['m offset 1m', { minTime: at - 359_999, maxTime: at - 60_000 }],
    ['m offset -1m', { minTime: at - 239_999, maxTime: at + 60_000 }],
    ['rate(m[10m] @ 60 offset 30s)', { minTime: 60_000 - 30_000 - 599_999, maxTime: 30_000 }],
    ['sum by (a, b) (m)', { func: 'sum', grouping: ['a', 'b'], by: true }],
    ['sum without (a) (m)', { func: 'sum', grouping: ['a'], by: false }],
    ['sum by (a) (rate(m[10m]))', { func: 'rate', grouping: [], by: false }],
    ['sum(abs(m))', { func: 'abs' }],
    ['sum(m + 1)', { func: '' }],
    ['abs(-(m))', { func: 'abs' }],
    ['max_over_time(m[20m:1m])', { minTime: at - 1_200_000 - 299_999, maxTime: at, func: 'max_over_time', rangeMs: 0 }],
    ['max_over_time(rate(m[2m])[20m:1m] offset 5m)', { minTime: at - 1_500_000 - 119_999, maxTime: at - 300_000 }],
    ['max_over_time(m[20m:1m] @ 1200)', { minTime: 1_200_000 - 1_200_000 - 299_999, maxTime: 1_200_000 }],
  ] as [string, Partial<SelectHints>][]) {
    test(`${expression} asks for what it needs and no more`, async () => {
      const queryable = new FakeQueryable([]);
      await engine.instant(backgroundRequest(), queryable, { expression, timeMs: at });
      assert.equal(queryable.asked.length, 1);
      for (const [key, value] of Object.entries(expected)) {
        assert.deepEqual(queryable.asked[0][key as keyof SelectHints], value, key);
      }
    });
  }

  test('a range query is asked for once, from its first lookback to its end', async () => {
    const queryable = new FakeQueryable([]);
    const spec = { expression: 'm', startMs: 600_000, endMs: 1_230_000, stepMs: 60_000, lookbackMs: 60_000 };
    await engine.range(backgroundRequest(), queryable, spec);
    assert.equal(queryable.asked.length, 1);
    const { minTime, maxTime, stepMs } = queryable.asked[0];
    assert.deepEqual({ minTime, maxTime, stepMs }, { minTime: 540_001, maxTime: 1_230_000, stepMs: 60_000 });
  });
});

describe('steps and windows', () => {
  const queryable = new FakeQueryable([minutes({ __name__: 'm' }, 0, 60)]);

  test('a sample exactly as old as the lookback is out, one millisecond younger is in', async () => {
    const one = new FakeQueryable([{ labels: Labels.of({ __name__: 'm' }), samples: samplesOf([[0, 1]]) }]);
    for (const [timeMs, count] of [
      [299_999, 1],
      [300_000, 0],
    ]) {
      const { value } = await engine.instant(backgroundRequest(), one, { expression: 'm', timeMs });
      assert.equal(value.kind === 'vector' && value.samples.length, count);
    }
  });

  test('a stale marker ends a series at once and is in no window', async () => {
    const stale = samplesOf([
      [0, 1],
      [60_000, 'stale'],
      [120_000, 3],
    ]);
    const one = new FakeQueryable([{ labels: Labels.of({ __name__: 'm' }), samples: stale }]);
    const spec = { startMs: 0, endMs: 120_000, stepMs: 30_000 };
    const seen = await engine.range(backgroundRequest(), one, { expression: 'm', ...spec });
    assert.ok(seen.value.kind === 'matrix');
    assert.deepEqual([...seen.value.series[0].times], [0, 30_000, 120_000]);
    const counted = await engine.instant(backgroundRequest(), one, { expression: 'm[1h]', timeMs: 120_000 });
    assert.ok(counted.value.kind === 'matrix');
    assert.deepEqual([...counted.value.series[0].values], [1, 3]);
  });

  test('step() is 0 where there is one step', async () => {
    const experimental = new Engine({ ...config, experimentalFunctions: true });
    for (const [endMs, step] of [
      [600_000, 0],
      [600_001, 60],
      [660_000, 60],
    ]) {
      const spec = { expression: 'step()', startMs: 600_000, endMs, stepMs: 60_000 };
      const { value } = await experimental.range(backgroundRequest(), queryable, spec);
      assert.equal(value.kind === 'matrix' && value.series[0].values[0], step);
    }
  });

  test('timestamp with @ looks at that time without the offset, at samples that were read with it, as Prometheus does', async () => {
    for (const [offset, seconds] of [
      ['60s', 1140],
      ['200s', 960],
      ['299s', undefined],
      ['5m', undefined],
      ['-60s', 1200],
      ['-5m', undefined],
    ] as const) {
      const spec = { expression: `timestamp(m @ 1200 offset ${offset})`, timeMs: 3_600_000 };
      const { value } = await engine.instant(backgroundRequest(), queryable, spec);
      assert.deepEqual(
        value.kind === 'vector' && value.samples.map(({ value }) => value),
        seconds === undefined ? [] : [seconds],
      );
    }
  });

  test('end() is the end that was asked for, even when no step falls on it', async () => {
    const spec = { expression: 'm @ end()', startMs: 0, endMs: 170_000, stepMs: 120_000 };
    const { value } = await engine.range(backgroundRequest(), queryable, spec);
    assert.deepEqual(value.kind === 'matrix' && [...value.series[0].values], [2, 2]);
  });

  test('a subquery is evaluated at multiples of its own step', async () => {
    const spec = { expression: 'timestamp(m)[5m:2m]', timeMs: 610_000 };
    const { value } = await engine.instant(backgroundRequest(), queryable, spec);
    assert.deepEqual(value.kind === 'matrix' && [...value.series[0].times], [360_000, 480_000, 600_000]);
  });

  test('samples are counted once for every step that looks at them', async () => {
    const count = async (expression: string) => {
      const spec = { expression, startMs: 600_000, endMs: 660_000, stepMs: 60_000 };
      return (await engine.range(backgroundRequest(), queryable, spec)).stats.samples.totalQueryableSamples;
    };
    assert.equal(await count('m'), 2);
    assert.equal(await count('sum_over_time(m[5m])'), 10);
    assert.equal(await count('sum_over_time(m[5m:1m])'), 10);
  });

  test('full series share one column of times', async () => {
    const two = new FakeQueryable([
      minutes({ __name__: 'm', a: '1' }, 0, 60),
      minutes({ __name__: 'm', a: '2' }, 0, 60),
    ]);
    const spec = { expression: 'm', startMs: 0, endMs: 600_000, stepMs: 60_000 };
    const { value } = await engine.range(backgroundRequest(), two, spec);
    assert.ok(value.kind === 'matrix' && value.series.length === 2);
    assert.equal(value.series[0].times, value.series[1].times);
  });

  for (const batchSize of [1, 2, 1000]) {
    test(`the answer does not depend on batches of ${batchSize}`, async () => {
      const many = new FakeQueryable(
        Array.from({ length: 7 }, (_, i) => minutes({ __name__: 'm', i: `${i}`, half: `${i % 2}` }, i, 60)),
      );
      many.batchSize = batchSize;
      const spec = { expression: 'sum by (half) (rate(m[5m])) / on() group_left count(m)', timeMs: 1_200_000 };
      const { value } = await engine.instant(backgroundRequest(), many, spec);
      const third = value.kind === 'vector' && value.samples.map((sample) => [sample.labels.get('half'), sample.value]);
      const perSecond = 1 / 60;
      assert.deepEqual(third, [
        ['0', (4 * perSecond) / 7],
        ['1', (perSecond + perSecond + perSecond) / 7],
      ]);
    });
  }
});

describe('the end of a query', () => {
  const endless: Queryable = {
    select: (request) => ({
      warnings: [],
      batches: (async function* () {
        while (!request.signal.aborted) {
          yield [minutes({ __name__: 'm' }, 0, 1)].map(({ labels }) => ({ labels, readInto: () => {} }));
        }
      })(),
    }),
    labelNames: async () => ({ values: [], warnings: [] }),
    labelValues: async () => ({ values: [], warnings: [] }),
  };

  test('a query past its time is a timeout, even when the storage never waits', async () => {
    const failed = engine.instant(backgroundRequest(), endless, { expression: 'sum(m)', timeMs: 0, timeoutMs: 30 });
    await assert.rejects(failed, (thrown) => kindOf(thrown) === 'timeout' && /timed out/.test(messageOf(thrown)));
  });

  test('a query whose caller leaves is canceled, although the storage ends quietly', async () => {
    const caller = new AbortController();
    const running = engine.instant(backgroundRequest(caller.signal), endless, { expression: 'sum(m)', timeMs: 0 });
    setImmediate(() => caller.abort());
    await assert.rejects(running, (thrown) => kindOf(thrown) === 'canceled');
  });

  test('a failure of the storage comes through with its kind', async () => {
    const broken: Queryable = {
      ...endless,
      select: () => ({
        warnings: [],
        batches: (async function* () {
          yield [];
          throw new Fault('unsupported', 'native histograms are not supported');
        })(),
      }),
    };
    const failed = engine.instant(backgroundRequest(), broken, { expression: 'm + 1', timeMs: 0 });
    await assert.rejects(failed, (thrown) => kindOf(thrown) === 'unsupported');
  });

  test('a consumer that stops early closes the storage', async () => {
    let isClosed = false;
    const watched: Queryable = {
      ...endless,
      select: () => ({
        warnings: [],
        batches: (async function* () {
          try {
            for (;;) yield [{ ...minutes({ __name__: 'm' }, 0, 1), readInto: failToRead }];
          } finally {
            isClosed = true;
          }
        })(),
      }),
    };
    const failed = engine.instant(backgroundRequest(), watched, { expression: 'm', timeMs: 0 });
    await assert.rejects(failed, (thrown) => kindOf(thrown) === 'corrupt');
    assert.ok(isClosed);
  });
});

function failToRead(): void {
  throw new Fault('corrupt', 'bad chunk');
}

describe('remarks', () => {
  test('warnings of the storage come once, before those of the evaluation', async () => {
    const queryable = new FakeQueryable([minutes({ __name__: 'm' }, 0, 10)]);
    queryable.warnings = ['a store is missing'];
    const spec = { expression: 'quantile(2, m) + quantile(2, m)', timeMs: 60_000 };
    const { warnings } = await engine.instant(backgroundRequest(), queryable, spec);
    assert.deepEqual(warnings, [
      'a store is missing',
      'PromQL warning: quantile value should be between 0 and 1, got 2 (1:27)',
    ]);
  });

  test('the eleventh remark is only counted, and places are line and column', async () => {
    const names = Array.from({ length: 12 }, (_, i) =>
      minutes({ __name__: `m${String(i).padStart(2, '0')}`, i: `${i}` }, 0, 10),
    );
    const spec = { expression: '\n rate({__name__=~"m.*"}[5m])', timeMs: 300_000 };
    const { infos } = await engine.instant(backgroundRequest(), new FakeQueryable(names), spec);
    assert.equal(infos.length, 11);
    assert.match(infos[0], /: "m00" \(2:7\)$/);
    assert.equal(infos[10], '2 more info annotations omitted');
  });
});

describe('names', () => {
  const queryable = new FakeQueryable([
    minutes({ __name__: 'a', x: '1' }, 0, 5),
    minutes({ __name__: 'b', x: '1' }, 20, 25),
  ]);
  const range = { startMs: 0, endMs: 1_500_000, stepMs: 300_000 };

  test('series that differed by name only become one when no step has both', async () => {
    const spec = { expression: '{__name__=~"a|b"} + 1', ...range };
    const { value } = await engine.range(backgroundRequest(), queryable, spec);
    assert.ok(value.kind === 'matrix');
    assert.deepEqual(
      value.series.map(({ labels }) => `${labels}`),
      ['{x="1"}'],
    );
    assert.deepEqual([...value.series[0].values], [1, 5, 21, 25]);
  });

  test('a range function refuses them whatever their steps', async () => {
    const spec = { expression: 'rate({__name__=~"a|b"}[5m])', ...range };
    await assert.rejects(engine.range(backgroundRequest(), queryable, spec), /same labelset/);
  });

  test('with delayed removal an aggregation can still group by name', async () => {
    const delayed = new Engine({ ...config, delayedNameRemoval: true });
    const spec = {
      expression: 'label_replace(rate({__name__=~"a|b"}[5m]), "was", "$1", "__name__", "(.*)")',
      ...range,
    };
    const { value } = await delayed.range(backgroundRequest(), queryable, spec);
    assert.ok(value.kind === 'matrix');
    assert.deepEqual(
      value.series.map(({ labels }) => `${labels}`),
      ['{was="a", x="1"}', '{was="b", x="1"}'],
    );
  });
});

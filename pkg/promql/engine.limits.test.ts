// What a query may take, what it is told when it takes more, and what is known of it while it runs.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { ByteBudget } from '../async/byte-budget.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Engine } from './engine.ts';
import type { AnalyzedNode } from './explain.ts';
import { FakeQueryable, samplesOf } from './fake-queryable.ts';
import type { QueryProgress } from './query-stats.ts';

const config = { lookbackMs: 300_000, timeoutMs: 60_000, defaultEvaluationIntervalMs: 60_000 };
const engine = new Engine(config);
const HOUR = 3_600_000;

function queryableOf(seriesCount: number, extra: Readonly<Record<string, string>> = {}): FakeQueryable {
  const samples = samplesOf(Array.from({ length: 61 }, (_, i) => [i * 60_000, i] as const));
  return new FakeQueryable(
    Array.from({ length: seriesCount }, (_, i) => ({
      labels: Labels.of({ __name__: 'm_bucket', le: String(i % 10), i: String(i), ...extra }),
      samples,
    })),
  );
}

const range = { startMs: 0, endMs: HOUR, stepMs: 60_000 };

function accountOf(budget: ByteBudget): { request: RequestContext; account: ReturnType<ByteBudget['open']> } {
  const controller = new AbortController();
  const account = budget.open((why) => controller.abort(why));
  return { request: { ...backgroundRequest(controller.signal), bytes: account }, account };
}

async function failureOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, String(thrown));
    return thrown;
  }
  return assert.fail('it went well');
}

describe('a budget of bytes', () => {
  for (const expression of [
    'm_bucket',
    'm_bucket[1h:1m]',
    'sum by (i) (m_bucket)',
    'sum(quantile(0.5, m_bucket))',
    'sum(topk(100, m_bucket))',
    'sum(bottomk(100, m_bucket))',
    'sum(count_values by (i) ("v", m_bucket))',
    'sum(sort(m_bucket))',
    'sum(m_bucket + on (i) m_bucket)',
    'sum(m_bucket or on (i) m_bucket)',
    'sum(histogram_quantile(0.9, m_bucket))',
    'sum({__name__=~"m.*"} * 2)',
    'sum(label_replace(m_bucket, "a", "b", "c", "d"))',
    'max(sum_over_time(vector(1)[10h:1s]))',
  ]) {
    test(`ends ${expression} and names what it read`, async () => {
      const budget = new ByteBudget({ totalBytes: 0, shareBytes: 200_000 });
      const { request, account } = accountOf(budget);
      const spec = { ...range, expression, timeMs: HOUR };
      const run = expression.endsWith(']')
        ? engine.instant(request, queryableOf(1000), spec)
        : engine.range(request, queryableOf(1000), spec);
      const failure = await failureOf(run);
      assert.equal(failure.kind, 'limit', failure.message);
      assert.match(failure.message, /^query needs too much memory: it holds \d.* may hold 195\.3 KiB/);
      assert.match(failure.message, /To narrow it: add matchers/);
      if (!expression.includes('vector')) {
        assert.match(failure.message, /Most is read by \{__name__=~?"m[^}]*"\}: \d+ series, \d+ samples so far/);
      }
      account.close();
      assert.equal(budget.usedBytes, 0);
    });
  }

  test('an aggregation takes as much for many series as for few', async () => {
    const peak = async (seriesCount: number): Promise<number> => {
      const { request, account } = accountOf(new ByteBudget({ totalBytes: 0, shareBytes: 0 }));
      await engine.range(request, queryableOf(seriesCount), {
        ...range,
        expression: 'sum by (le) (rate(m_bucket[5m]))',
      });
      return account.peakBytes;
    };
    const few = await peak(100);
    assert.ok(few > 0);
    assert.equal(await peak(5000), few);
  });

  test('what operators kept is given back when they end: the answer is left', async () => {
    const { request, account } = accountOf(new ByteBudget({ totalBytes: 0, shareBytes: 0 }));
    const expression = 'count(m_bucket + on (i) m_bucket) + count(topk(5, m_bucket)) + count(sort(m_bucket))';
    const { value } = await engine.range(request, queryableOf(500), { ...range, expression });
    assert.ok(value.kind === 'matrix' && value.series.length === 1);
    assert.ok(account.peakBytes > 500 * 61 * 9);
    assert.ok(account.usedBytes < 5_000, `${account.usedBytes} bytes are still held`);
  });

  test('of all queries ends the one that holds most, which says so', async () => {
    const budget = new ByteBudget({ totalBytes: 1_000_000, shareBytes: 0 });
    const large = accountOf(budget);
    const other = accountOf(budget);
    const failing = failureOf(engine.range(large.request, queryableOf(10_000), { ...range, expression: 'm_bucket' }));
    const { value } = await engine.range(other.request, queryableOf(50), { ...range, expression: 'm_bucket' });
    assert.ok(value.kind === 'matrix' && value.series.length === 50);
    const failure = await failing;
    assert.equal(failure.kind, 'limit');
    assert.match(
      failure.message,
      /^query was ended for memory: all queries together may hold 976\.6 KiB, that is spent/,
    );
  });

  test('an account that is ended by another stops the query it belongs to with the same words', async () => {
    const budget = new ByteBudget({ totalBytes: 1_000_000, shareBytes: 0 });
    const { request, account } = accountOf(budget);
    const waiting = queryableOf(10);
    const hanging = {
      ...waiting,
      select: (context: RequestContext) => ({
        warnings: [],
        batches: (async function* () {
          account.take(900_000);
          budget.open(() => assert.fail('the small one was ended')).take(200_000);
          if (!context.signal.aborted) yield [];
        })(),
      }),
      labelNames: () => waiting.labelNames(),
      labelValues: () => waiting.labelValues(),
    };
    const failure = await failureOf(engine.range(request, hanging, { ...range, expression: 'm_bucket' }));
    assert.match(failure.message, /^query was ended for memory/);
  });
});

describe('a limit of samples', () => {
  test('ends a query in the words of the reference, and names what it read', async () => {
    const limited = new Engine({ ...config, maxSamples: 1000 });
    const failure = await failureOf(
      limited.range(backgroundRequest(), queryableOf(100), { ...range, expression: 'm_bucket' }),
    );
    assert.equal(failure.kind, 'limit');
    assert.match(
      failure.message,
      /^query processing would load too many samples into memory in query execution: it holds/,
    );
    assert.match(failure.message, /Most is read by \{__name__="m_bucket"\}/);
  });

  test('lets a query go on that holds as many', async () => {
    const limited = new Engine({ ...config, maxSamples: 6100 });
    const spec = { ...range, expression: 'm_bucket' };
    const { stats } = await limited.range(backgroundRequest(), queryableOf(100), spec);
    assert.equal(stats.samples.peakSamples, 6100);
  });

  for (const expression of ['sum_over_time(vector(1)[30y:1s])', 'sum(sum_over_time(m_bucket[100000d:1s]))']) {
    test(`${expression} is refused before anything is made of it`, async () => {
      const failure = await failureOf(
        engine.instant(backgroundRequest(), queryableOf(1), { expression, timeMs: HOUR }),
      );
      assert.match(failure.message, /too many samples into memory/);
    });
  }
});

describe('an expression that nobody means', () => {
  const asked = (expression: string): Promise<Fault> =>
    failureOf(engine.instant(backgroundRequest(), queryableOf(1), { expression, timeMs: HOUR }));

  for (const [expression, kind, text] of [
    ['rate(m[9999999999y])', 'invalid', /^1:8: parse error: duration out of range/],
    ['m offset 999999999y', 'invalid', /^1:10: parse error: duration out of range/],
    ['m offset -999999999999s', 'invalid', /^1:11: parse error: duration out of range/],
    ['max_over_time(m[1000y:1ms])', 'invalid', /^1:17: parse error: duration out of range/],
    ['rate(m[0s])', 'invalid', /^1:8: parse error: duration must be greater than 0/],
    ['rate(m[-5m])', 'invalid', /^1:8: parse error: duration must be greater than 0/],
    ['max_over_time(m[5m:0s])', 'invalid', /^1:20: parse error: duration must be greater than 0/],
    ['m @ NaN', 'invalid', /^1:1: parse error: timestamp out of bounds for @ modifier: NaN/],
    ['m @ 1e300', 'invalid', /^1:1: parse error: timestamp out of bounds for @ modifier: 1/],
    ['m @ -Inf', 'invalid', /^1:1: parse error: timestamp out of bounds for @ modifier: -Inf/],
    ['label_replace(m_bucket, "a", "b", "c", "(")', 'execution', /invalid regular expression in label_replace\(\): \(/],
    [`${'max_over_time('.repeat(400)}m${'[1h:1s])'.repeat(400)}`, 'invalid', /nested too deeply/],
  ] as const) {
    test(`${expression.slice(0, 60)} is refused by what is wrong`, async () => {
      const failure = await asked(expression);
      assert.match(failure.message, text);
      assert.equal(failure.kind, kind);
    });
  }

  for (const stepMs of [0, -1, NaN]) {
    test(`a range with a step of ${stepMs} is refused`, async () => {
      const spec = { ...range, stepMs, expression: 'm_bucket' };
      const failure = await failureOf((async () => engine.range(backgroundRequest(), queryableOf(1), spec))());
      assert.equal(failure.kind, 'invalid');
    });
  }

  for (const [what, expression] of [
    ['set operators', `m_bucket${' or m_bucket'.repeat(390)}`],
    ['sums', `m_bucket${' + m_bucket'.repeat(790)}`],
    ['functions', `${'label_replace('.repeat(390)}m_bucket${',"a","b","a","c")'.repeat(390)}`],
    ['subqueries', `${'max_over_time('.repeat(190)}m_bucket${'[1m:1m])'.repeat(190)}`],
    ['groups', `${'m_bucket or ('.repeat(260)}m_bucket${')'.repeat(260)}`],
  ] as const) {
    test(`as many ${what} as are allowed are also run and measured`, async () => {
      const spec = { expression, timeMs: HOUR, analyzes: true };
      const { value } = await engine.instant(backgroundRequest(), queryableOf(1), spec);
      assert.ok(value.kind === 'vector' && value.samples.length === 1);
    });
  }
});

describe('a query that is ended', () => {
  test('by an operator says so in the words it was given', async () => {
    const controller = new AbortController();
    controller.abort(new Fault('canceled', 'query was canceled through the API', { facts: { endedBy: 'api' } }));
    const run = engine.range(backgroundRequest(controller.signal), queryableOf(1), {
      ...range,
      expression: 'm_bucket',
    });
    await assert.rejects(run, (thrown) => kindOf(thrown) === 'canceled' && /through the API/.test(messageOf(thrown)));
  });

  test('with the time of its caller needs no clock of its own', async () => {
    const controller = new AbortController();
    const endless = new Engine({ ...config, timeoutMs: Infinity });
    let seen: AbortSignal | undefined;
    const queryable = queryableOf(1);
    const select = queryable.select.bind(queryable);
    queryable.select = (request, matchers, hints) => {
      seen = request.signal;
      return select(request, matchers, hints);
    };
    await endless.range(backgroundRequest(controller.signal), queryable, { ...range, expression: 'm_bucket' });
    assert.equal(seen, controller.signal);
  });
});

describe('while a query runs', () => {
  test('what it has read so far is known', async () => {
    let progress: QueryProgress | undefined;
    const expression = 'sum(m_bucket) + count(rate(m_bucket{le="1"}[5m]))';
    await engine.range(backgroundRequest(), queryableOf(100), { ...range, expression, onStart: (p) => (progress = p) });
    assert.deepEqual(
      progress?.selects
        .map(({ selector, seriesCount, sampleCount }) => ({ selector, seriesCount, sampleCount }))
        .sort((a, b) => a.seriesCount - b.seriesCount),
      [
        { selector: '{__name__="m_bucket", le="1"}', seriesCount: 10, sampleCount: 610 },
        { selector: '{__name__="m_bucket"}', seriesCount: 100, sampleCount: 6100 },
      ].map((one) => ({
        ...one,
        selector: one.selector.includes('le') ? '{le="1", __name__="m_bucket"}' : one.selector,
      })),
    );
  });
});

describe('the analysis of a query', () => {
  async function analysisOf(expression: string): Promise<AnalyzedNode> {
    const spec = { ...range, expression, analyzes: true };
    const { analysis } = await engine.range(backgroundRequest(), queryableOf(100), spec);
    assert.ok(analysis !== undefined);
    return analysis;
  }

  test('is made when it is asked for', async () => {
    const { analysis } = await engine.range(backgroundRequest(), queryableOf(1), { ...range, expression: 'm_bucket' });
    assert.equal(analysis, undefined);
  });

  test('has the shape of the plan, and counts what each operator handed on', async () => {
    const root = await analysisOf('sum by (le) (rate(m_bucket[5m])) / 2');
    assert.equal(root.name, '[vectorScalarBinary] /');
    assert.equal(root.series, 10);
    const [fold, literal] = root.children ?? [];
    assert.equal(fold.name, '[aggregate] sum by ([le])');
    assert.equal(literal.name, '[numberLiteral] 2');
    const [window] = fold.children ?? [];
    assert.equal(window.name, '[matrixSelector] rate({__name__="m_bucket"}[5m])');
    assert.equal(window.series, 100);
    assert.deepEqual(window.fetch, { series: 100, samples: 6100, bytes: 0 });
    assert.equal(window.totalSamples, fold.totalSamples);
    assert.equal(fold.totalSamples, root.totalSamples);
    assert.ok((fold.peakBytes ?? 0) > 10 * 61 * 9);
    assert.match(root.executionTime ?? '', /^[\d.]+(µs|ms|s)$/);
    assert.ok((root.totalTimeMs ?? 0) >= (fold.totalTimeMs ?? 0));
  });

  for (const [expression, names] of [
    [
      'max_over_time(rate(m_bucket[5m])[30m:1m])',
      ['[subquery] max_over_time([30m:1m])', '[matrixSelector] rate({__name__="m_bucket"}[5m])'],
    ],
    [
      'm_bucket @ 100 + m_bucket offset 5m',
      [
        '[vectorBinary] + - one-to-one, ignoring: [], group: []',
        '[stepInvariant]',
        '[vectorSelector] {__name__="m_bucket"} @ 100.000',
        '[vectorSelector] {__name__="m_bucket"} offset 5m',
      ],
    ],
    [
      'topk without (i) (2, abs(m_bucket))',
      [
        '[kaggregate] topk without ([i])',
        '[function] abs()',
        '[vectorSelector] {__name__="m_bucket"}',
        '[numberLiteral] 2',
      ],
    ],
    ['absent_over_time(m_bucket[5m])', ['[matrixSelector] absent_over_time({__name__="m_bucket"}[5m])']],
    [
      'vector(scalar(timestamp(m_bucket)))',
      ['[function] vector()', '[function] scalar()', '[vectorSelector] timestamp({__name__="m_bucket"})'],
    ],
    [
      'm_bucket unless on (le) (m_bucket > bool 3)',
      [
        '[vectorBinary] unless - many-to-many, on: [le], group: []',
        '[vectorSelector] {__name__="m_bucket"}',
        '[vectorScalarBinary] > bool',
        '[vectorSelector] {__name__="m_bucket"}',
        '[numberLiteral] 3',
      ],
    ],
    [
      'count_values("v", time() * m_bucket)',
      [
        '[countValues] by ([]) - param (v)',
        '[vectorScalarBinary] *',
        '[vectorSelector] {__name__="m_bucket"}',
        '[noArgFunction] time()',
      ],
    ],
  ] as const) {
    test(`names the operators of ${expression}, as its explanation does`, async () => {
      const flat = (node: { name: string; children?: readonly (typeof node)[] }): string[] => [
        node.name,
        ...(node.children ?? []).flatMap(flat),
      ];
      assert.deepEqual(flat(await analysisOf(expression)), names);
      assert.deepEqual(flat(engine.explainRange({ ...range, expression })), names);
    });
  }

  test('of the windows themselves has one node', async () => {
    const spec = { expression: 'm_bucket[5m]', timeMs: HOUR, analyzes: true };
    const { analysis } = await engine.instant(backgroundRequest(), queryableOf(3), spec);
    assert.equal(analysis?.name, '[matrixSelector] {__name__="m_bucket"}[5m]');
    assert.equal(analysis?.fetch?.series, 3);
  });
});

test('the time a query waited for its turn is in its stats, apart and in the total', async () => {
  const spec = { ...range, expression: 'm_bucket', queuedMs: 250 };
  const { timings } = (await engine.range(backgroundRequest(), queryableOf(1), spec)).stats;
  assert.equal(timings.execQueueTime, 0.25);
  assert.ok(timings.execTotalTime >= timings.evalTotalTime + 0.25);
});

describe('an explanation', () => {
  test('tells what a select asks of the stores', () => {
    const node = engine.explainInstant({ expression: 'rate(m_bucket[5m])', timeMs: HOUR });
    assert.deepEqual(node.select, {
      matchers: '{__name__="m_bucket"}',
      minTime: HOUR - 299_999,
      maxTime: HOUR,
      func: 'rate',
      rangeMs: 300_000,
      stepMs: 0,
      grouping: [],
      by: false,
      shared: false,
    });
  });

  test('of what is no range query is refused', () => {
    assert.throws(
      () => engine.explainRange({ ...range, expression: 'm_bucket[5m]' }),
      /invalid expression type "range vector" for range query/,
    );
  });
});

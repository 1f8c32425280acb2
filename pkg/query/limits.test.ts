// What runs in a querier: listed, ended by hand, by the caller and by budgets, with the stores' streams let go of.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { kindOf, messageOf } from '../errors/fault.ts';
import type { ApiAnswer, ApiRequest } from '../net/http/api.ts';
import { Parameters } from '../net/http/params.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { FakeStore, fakeBatch, fakeChunk, fakeEndpoint, fakeSeries } from '../store/fake-endpoint.ts';
import { proxyDefaults, StoreProxy } from '../store/proxy.ts';
import type { SeriesBatch } from '../store/store.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { encodeXor } from '../tsdb/chunkenc/xor-encoder.ts';
import { QueryEngine } from './engine.ts';
import { type QuerierConfig, querierDefaults } from './querier-config.ts';
import { querierRoutes } from './routes.ts';

const ranged = { query: 'sum(up)', start: '0', end: '60', step: '15' };

function make(stores: readonly FakeStore[], settings: Partial<QuerierConfig> = {}) {
  const proxy = new StoreProxy({ endpoints: () => stores.map((store) => fakeEndpoint(store)) }, proxyDefaults);
  const config = { ...querierDefaults, ...settings };
  const metrics = new Metrics();
  const engine = new QueryEngine({ proxy, metrics }, config);
  const routes = querierRoutes(
    {
      proxy,
      engine,
      now: () => 60_000,
      statuses: () => [],
      details: () => [],
      statusEndpoints: () => [],
      status: { flags: {} } as never,
    },
    config,
  );
  const call = async (
    path: string,
    parameters: Readonly<Record<string, string>> = {},
    context: RequestContext = backgroundRequest(),
  ): Promise<{ data: never; warnings: readonly string[] }> => {
    const id = /^\/status\/active_queries\/(.*)\/cancel$/.exec(path)?.[1];
    const pattern = id === undefined ? path : '/status/active_queries/:id/cancel';
    const route = routes.find((one) => one.path === `/api/v1${pattern}`)!;
    const request: Partial<ApiRequest> = {
      parameters: new Parameters(new URLSearchParams(parameters)),
      pathParameters: id === undefined ? {} : { id },
      context,
    };
    return await read(await route.handle(request as ApiRequest));
  };
  return { call, engine, metrics };
}

async function read(answer: ApiAnswer): Promise<{ data: never; warnings: readonly string[] }> {
  assert.ok(!('plain' in answer));
  const warnings = answer.warnings ?? [];
  if ('data' in answer) return { data: JSON.parse(JSON.stringify(answer.data)) as never, warnings };
  let text = '';
  for await (const chunk of answer.chunks) text += chunk;
  return { data: JSON.parse(text) as never, warnings };
}

/** A batch of series of `up` with one sample each, at 0. */
function upSeries(count: number): SeriesBatch {
  const samples = new SampleBuffer(1);
  samples.push(0, 1);
  const bytes = encodeXor(samples);
  return fakeBatch(
    Array.from({ length: count }, (_, i) => fakeSeries(`__name__=up i=${1000 + i}`, fakeChunk(0, 0, [...bytes]))),
  );
}

/** Lets everything run that can. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

interface Listed {
  readonly queries: readonly Readonly<Record<string, unknown>>[];
  readonly maxConcurrent: number;
  readonly memory: Readonly<Record<string, number>>;
}

describe('the list of active queries', () => {
  test('has what runs and what waits, and the budgets', async () => {
    const { call, engine } = make([new FakeStore(['hang'])], {
      maxConcurrent: 1,
      maxBytes: 5_000_000,
      maxTotalBytes: 20_000_000,
    });
    const context = { ...backgroundRequest(), tenant: 'team-a', requestId: 'R1' };
    const running = call('/query_range', ranged, context);
    const waiting = call('/query', { query: 'up', time: '30', timeout: '10s' });
    await settled();
    const { data } = (await call('/status/active_queries')) as unknown as { data: Listed };
    assert.deepEqual(
      data.queries.map(({ query, kind, state, start, end, step, tenant, requestId, timeoutSeconds }) => ({
        query,
        kind,
        state,
        start,
        end,
        step,
        tenant,
        requestId,
        timeoutSeconds,
      })),
      [
        {
          query: 'sum(up)',
          kind: 'range',
          state: 'running',
          start: 0,
          end: 60,
          step: 15,
          tenant: 'team-a',
          requestId: 'R1',
          timeoutSeconds: 120,
        },
        {
          query: 'up',
          kind: 'instant',
          state: 'waiting',
          start: 30,
          end: 30,
          step: undefined,
          tenant: 'default-tenant',
          requestId: undefined,
          timeoutSeconds: 10,
        },
      ],
    );
    assert.match(String(data.queries[0].id), /^[0-9A-Z]{26}$/);
    assert.match(String(data.queries[0].startTime), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.equal(data.maxConcurrent, 1);
    assert.deepEqual([data.memory.limitBytes, data.memory.queryLimitBytes], [20_000_000, 5_000_000]);
    for (const { id } of engine.active.list()) engine.active.cancel(id);
    await assert.rejects(running);
    await assert.rejects(waiting);
  });

  test('is empty when nothing runs, whatever became of what did', async () => {
    const { call, engine } = make([new FakeStore([upSeries(1)])]);
    await call('/query', { query: 'up' });
    await assert.rejects(call('/query', { query: 'up(' }));
    assert.deepEqual(engine.active.list(), []);
    assert.equal(engine.budget.usedBytes, 0);
  });
});

describe('a query', () => {
  test('ended by hand tells its caller so, and lets go of every stream', async () => {
    const stores = [new FakeStore([upSeries(1), 'hang']), new FakeStore(['hang'])];
    const { call, engine } = make(stores);
    const running = call('/query_range', ranged);
    await settled();
    const [{ id }] = engine.active.list();
    const ended = assert.rejects(running, (thrown) => {
      assert.deepEqual([kindOf(thrown), messageOf(thrown)], ['canceled', 'query was canceled through the API']);
      return true;
    });
    const { data } = await call(`/status/active_queries/${id}/cancel`);
    assert.deepEqual(data, { id, canceled: true });
    await ended;
    await settled();
    assert.deepEqual(
      stores.map(({ opened, closed }) => [opened, closed]),
      [
        [1, 1],
        [1, 1],
      ],
    );
    await assert.rejects(call(`/status/active_queries/${id}/cancel`), (thrown) => kindOf(thrown) === 'not-found');
  });

  test('that still waits can be ended by hand', async () => {
    const { call, engine } = make([new FakeStore(['hang'])], { maxConcurrent: 1 });
    const first = call('/query_range', ranged);
    const second = call('/query_range', ranged);
    await settled();
    const ended = assert.rejects(second, (thrown) => kindOf(thrown) === 'canceled');
    engine.active.cancel(engine.active.list()[1].id);
    await ended;
    const ending = assert.rejects(first);
    engine.active.cancel(engine.active.list()[0].id);
    await ending;
  });

  test('whose caller leaves lets go of every stream', async () => {
    const stores = [new FakeStore([upSeries(1), 'hang']), new FakeStore(['hang'])];
    const { call, engine } = make(stores);
    const caller = new AbortController();
    const ended = assert.rejects(
      call('/query_range', { ...ranged, query: 'sum(up) + on () sum(rate(up[5m]))' }, backgroundRequest(caller.signal)),
      (thrown) => kindOf(thrown) === 'canceled',
    );
    await settled();
    caller.abort();
    await ended;
    await settled();
    for (const { opened, closed } of stores) assert.equal(closed, opened);
    assert.deepEqual(engine.active.list(), []);
  });

  test('over its budget of bytes fails as an execution does, and is counted', async () => {
    const store = new FakeStore([upSeries(500)]);
    const { call, metrics, engine } = make([store], { maxBytes: 20_000 });
    await assert.rejects(call('/query_range', { ...ranged, query: 'up' }), (thrown) => {
      assert.equal(kindOf(thrown), 'limit');
      assert.match(messageOf(thrown), /one query may hold 19\.5 KiB/);
      return true;
    });
    assert.equal(engine.budget.usedBytes, 0);
    assert.match(await metrics.text(), /tributary_query_over_budget_total\{scope="query"\} 1/);
  });
});

describe('plans', () => {
  for (const [path, parameters] of [
    ['/query_explain', { query: 'sum(up)', time: '60' }],
    ['/query_range_explain', ranged],
  ] as const) {
    test(`${path} tells the plan to those who name the engine that explains`, async () => {
      const store = new FakeStore([]);
      const { call } = make([store]);
      const { data } = await call(path, { ...parameters, engine: 'thanos' });
      const { name, children } = data as { name: string; children: { name: string; select: { func: string } }[] };
      assert.equal(name, '[aggregate] sum by ([])');
      assert.equal(children[0].name, '[vectorSelector] {__name__="up"}');
      assert.equal(children[0].select.func, 'sum');
      assert.equal(store.opened, 0);
    });

    test(`${path} is refused to others`, async () => {
      const { call } = make([new FakeStore([])]);
      const isRefused = (thrown: unknown): boolean =>
        kindOf(thrown) === 'invalid' && messageOf(thrown) === "engine type must be 'thanos'";
      await assert.rejects(call(path, { ...parameters, engine: 'prometheus' }), isRefused);
      await assert.rejects(call(path, parameters), isRefused);
      await assert.rejects(call(path, { ...parameters, engine: 'thanos', query: 'sum(' }), /parse error/);
      const named = make([new FakeStore([])], { engineName: 'thanos' });
      await named.call(path, parameters);
    });
  }
});

describe('a measured run', () => {
  const series = upSeries(2);

  test('tells what every operator and every endpoint did', async () => {
    const { call } = make([new FakeStore([series]), new FakeStore([new Error('boom')])]);
    const { data } = await call('/query_range', { ...ranged, analyze: 'true', engine: 'thanos' });
    const { analysis } = data as { analysis: Record<string, never> };
    assert.equal(analysis.name, '[aggregate] sum by ([])');
    const [select] = analysis.children as Record<string, never>[];
    assert.equal(select.name, '[vectorSelector] {__name__="up"}');
    assert.equal(select.series, 2);
    const fanout = select.fanout as Record<string, unknown>[];
    assert.equal(fanout.length, 2);
    const well = fanout.find(({ error }) => error === undefined)!;
    assert.deepEqual([well.series, well.numResponses], [2, 1]);
    assert.match(String(well.duration), /s$/);
    assert.match(String(fanout.find((one) => one !== well)!.error), /boom/);
  });

  const others: readonly Readonly<Record<string, string>>[] = [
    { analyze: 'true' },
    { analyze: '1', engine: 'prometheus' },
  ];
  for (const parameters of others) {
    test(`with ${JSON.stringify(parameters)} is a warning and nothing else`, async () => {
      const { call } = make([new FakeStore([series])]);
      const { data, warnings } = await call('/query_range', { ...ranged, ...parameters });
      assert.deepEqual((data as { analysis: unknown }).analysis, {});
      assert.deepEqual(warnings, ["Query not analyzable; change engine to 'thanos'."]);
    });
  }

  test('that nobody asked for is not made', async () => {
    const { call } = make([new FakeStore([series])]);
    const { data, warnings } = await call('/query_range', { ...ranged, analyze: 'yes', engine: 'thanos' });
    assert.deepEqual([(data as { analysis: unknown }).analysis, warnings], [{}, []]);
  });
});

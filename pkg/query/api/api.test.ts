import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { backgroundRequest } from '../../async/request.ts';
import { Fault, kindOf } from '../../errors/fault.ts';
import { Labels } from '../../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../../model/time.ts';
import type { ApiAnswer, ApiRequest } from '../../net/http/api.ts';
import { Parameters } from '../../net/http/params.ts';
import { FakeStore, type FakeStoreOptions } from '../../store/fake-store.ts';
import { proxyDefaults, StoreProxy } from '../../store/proxy.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import type { EndpointStatus } from '../endpoint-details.ts';
import { QueryEngine } from '../engine.ts';
import { type QuerierConfig, querierDefaults } from '../querier-config.ts';
import { querierRoutes } from '../routes.ts';

const NOW = 1_700_000_000_000;

const TEXT = `
  up{job="a", replica="r1"} ${NOW - 60_000}:1 ${NOW - 30_000}:1
  up{job="a", replica="r2"} ${NOW - 50_000}:1 ${NOW - 20_000}:1
  up{job="b", replica="r1"} ${NOW - 60_000}:0 ${NOW - 30_000}:0
`;

function make(config: Partial<QuerierConfig> = {}, options: FakeStoreOptions = {}) {
  const store = new FakeStore(TEXT, options);
  const endpoint = {
    address: '127.0.0.1:1',
    store,
    labelSets: [],
    minTime: MIN_TIME,
    maxTime: MAX_TIME,
    supportsSharding: true,
    supportsWithoutReplicaLabels: true,
  };
  const proxy = new StoreProxy({ endpoints: () => [endpoint] }, proxyDefaults);
  const settings = { ...querierDefaults, replicaLabels: ['replica'], ...config };
  const statuses: EndpointStatus[] = [
    {
      name: '127.0.0.1:1',
      component: 'sidecar',
      labelSets: [Labels.of({ cluster: 'a' })],
      minTime: MIN_TIME,
      maxTime: MAX_TIME,
      lastCheckMs: NOW,
      lastError: undefined,
    },
  ];
  const routes = querierRoutes(
    {
      engine: new QueryEngine({ proxy, metrics: new Metrics() }, settings),
      proxy,
      now: () => NOW,
      statuses: () => statuses,
      details: () => [],
      statusEndpoints: () => [],
      status: {
        version: '1.2.3',
        revision: 'abc',
        flags: { 'query.timeout': '120000' },
        startTimeMs: NOW,
        workingDirectory: '/x',
      },
    },
    settings,
  );
  const call = async (path: string, parameters: Record<string, string | readonly string[]> = {}): Promise<Answer> => {
    const search = new URLSearchParams();
    for (const [name, values] of Object.entries(parameters)) {
      for (const value of [values].flat()) search.append(name, value);
    }
    const values = /^\/label\/([^/]*)\/values$/.exec(path);
    const route = routes.find((one) => one.path === `/api/v1${values === null ? path : '/label/:name/values'}`)!;
    const request: ApiRequest = {
      method: 'GET',
      path,
      parameters: new Parameters(search),
      urlParameters: new Parameters(search),
      pathParameters: values === null ? {} : { name: values[1] },
      header: () => undefined,
      body: new Uint8Array(0),
      context: backgroundRequest(),
    };
    return await plain(await route.handle(request));
  };
  return { call, store };
}

interface Answer {
  readonly data: unknown;
  readonly warnings: readonly string[];
  readonly text: string;
}

async function plain(answer: ApiAnswer): Promise<Answer> {
  assert.ok(!('plain' in answer));
  const warnings = answer.warnings ?? [];
  if ('data' in answer) return { data: answer.data, warnings, text: JSON.stringify(answer.data) };
  let text = '';
  for await (const chunk of answer.chunks) text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
  return { data: JSON.parse(text), warnings, text };
}

describe('a query', () => {
  test('at one time merges replicas and gives a vector', async () => {
    const { call } = make();
    const { data } = await call('/query', { query: 'sum by (job) (up)', time: String(NOW / 1000) });
    expect(data).toEqual({
      resultType: 'vector',
      result: [
        { metric: { job: 'a' }, value: [NOW / 1000, '1'] },
        { metric: { job: 'b' }, value: [NOW / 1000, '0'] },
      ],
      analysis: {},
    });
  });

  test('without a time is asked for now', async () => {
    const { call } = make();
    const { data } = await call('/query', { query: 'count(up)' });
    expect(data).toMatchObject({ result: [{ value: [NOW / 1000, '2'] }] });
  });

  test('with dedup=false shows every replica', async () => {
    const { call, store } = make();
    const { data } = await call('/query', { query: 'count(up)', dedup: 'false' });
    expect(data).toMatchObject({ result: [{ value: [NOW / 1000, '3'] }] });
    expect(store.requests[0].withoutReplicaLabels).toEqual([]);
  });

  test('takes its own list of replica labels', async () => {
    const { call, store } = make();
    await call('/query', { query: 'up', 'replicaLabels[]': ['x', 'y'] });
    expect(store.requests[0].withoutReplicaLabels).toEqual(['x', 'y']);
  });

  test('over a range gives a matrix with a step of whole seconds when none is asked for', async () => {
    const { call } = make();
    const { data } = await call('/query_range', {
      query: 'vector(1)',
      start: String(NOW / 1000 - 2),
      end: String(NOW / 1000),
    });
    expect(data).toEqual({
      resultType: 'matrix',
      result: [{ metric: {}, values: [NOW / 1000 - 2, NOW / 1000 - 1, NOW / 1000].map((time) => [time, '1']) }],
      analysis: {},
    });
  });

  test('is cut at the limit and says so', async () => {
    const { call } = make();
    const { data, warnings } = await call('/query', { query: 'up', dedup: 'false', limit: '2' });
    expect((data as { result: unknown[] }).result).toHaveLength(2);
    expect(warnings).toEqual(['results truncated due to limit']);
  });

  test('tells its statistics when asked', async () => {
    const { call } = make();
    const { data } = await call('/query', { query: 'up', stats: 'all' });
    expect(data).toHaveProperty('stats.samples.totalQueryableSamples');
    expect((await call('/query', { query: 'up' })).data).not.toHaveProperty('stats');
  });

  test('carries the warnings of the stores', async () => {
    const { call } = make({}, { warnings: ['store x is away'] });
    expect((await call('/query', { query: 'up' })).warnings).toEqual(['store x is away']);
  });

  test('that a store fails cannot be evaluated', async () => {
    const { call } = make({}, { failure: { fault: new Fault('unavailable', 'no route'), afterSeries: 1 } });
    await assert.rejects(
      call('/query', { query: 'up', partial_response: 'false' }),
      (thrown) => kindOf(thrown) === 'execution' && /expanding series: .*no route/.test(String(thrown)),
    );
  });

  test('that takes too long times out', async () => {
    const { call } = make();
    const slow = 'sum_over_time((sum_over_time(vector(1)[1d:1s]))[1d:1s])';
    await assert.rejects(call('/query', { query: slow, timeout: '0.05' }), (thrown) => kindOf(thrown) === 'timeout');
  });
});
describe('the data a query may use', () => {
  for (const [what, path, parameters, config, wanted] of [
    ['is raw by default', '/query', {}, {}, 0],
    ['is as coarse as asked', '/query', { max_source_resolution: '1h' }, {}, 3_600_000],
    [
      'is a fifth of the step when automatic',
      '/query_range',
      { max_source_resolution: 'auto', step: '3600' },
      {},
      720_000,
    ],
    ['is automatic by flag', '/query_range', { step: '3600' }, { autoDownsampling: true }, 720_000],
    [
      'is what the flag says for instant queries',
      '/query',
      { max_source_resolution: 'auto' },
      { instantMaxResolutionMs: 300_000 },
      300_000,
    ],
  ] as const) {
    test(what, async () => {
      const { call, store } = make(config);
      const times: Record<string, string> =
        path === '/query_range' ? { start: String(NOW / 1000 - 7200), end: String(NOW / 1000) } : {};
      await call(path, { query: 'up', ...times, ...parameters });
      expect(store.requests[0].maxResolutionMs).toBe(wanted);
    });
  }

  for (const [what, parameters, config, fills] of [
    ['is by default nothing coarser than allowed', {}, {}, undefined],
    ['may be coarser by flag', {}, { resolutionFallback: true }, true],
    ['may be coarser by flag when automatic', { max_source_resolution: 'auto' }, { resolutionFallback: true }, true],
    ['is as named, whatever the flag', { max_source_resolution: '0s' }, { resolutionFallback: true }, undefined],
  ] as const) {
    test(what, async () => {
      const { call, store } = make(config);
      await call('/query', { query: 'up', ...parameters });
      expect(store.requests[0].fillsWithCoarser).toBe(fills);
    });
  }

  for (const [what, parameters, config, wanted] of [
    ['five minutes', {}, {}, 300_000],
    ['an hour over 5m data', { max_source_resolution: '1h' }, {}, 3_600_000],
    ['as configured when that is longer', { max_source_resolution: '1h' }, { lookbackMs: 7_200_000 }, 7_200_000],
    ['five minutes at least over coarse data', { max_source_resolution: '2m' }, { lookbackMs: 60_000 }, 300_000],
    ['as configured without the dynamic rule', { max_source_resolution: '1h' }, { dynamicLookback: false }, 300_000],
    ['what the request says', { max_source_resolution: '1h', lookback_delta: '10s' }, {}, 10_000],
  ] as const) {
    test(`is looked back for ${what}`, async () => {
      const { call, store } = make(config);
      await call('/query', { query: 'up', ...parameters });
      // The window is open on the left.
      expect(store.requests[0].minTime).toBe(NOW - wanted + 1);
    });
  }
});
describe('a bad request', () => {
  const range = { query: 'up', start: '0', end: '60', step: '10' };

  for (const [path, parameters, text] of [
    ['/query', { query: 'up{' }, '1:4: parse error: unexpected end of input inside braces'],
    ['/query', { query: 'up', time: 'x' }, `Invalid time value for 'time': cannot parse "x" to a valid timestamp`],
    ['/query', { query: 'up', timeout: 'x' }, 'cannot parse "x" to a valid duration'],
    [
      '/query',
      { query: 'up', dedup: 'maybe' },
      `'dedup' parameter: strconv.ParseBool: parsing "maybe": invalid syntax`,
    ],
    ['/query', { query: 'up', engine: 'nope' }, `'nope' bad engine`],
    ['/query', { query: 'up', 'storeMatch[]': '{' }, '1:2: parse error: unexpected end of input inside braces'],
    [
      '/query',
      { query: 'up', max_source_resolution: 'x' },
      `'max_source_resolution' parameter: cannot parse "x" to a valid duration`,
    ],
    [
      '/query',
      { query: 'up', max_source_resolution: '-1' },
      `negative 'max_source_resolution' is not accepted. Try a positive integer`,
    ],
    ['/query', { query: 'up', shard_info: '{' }, `could not unmarshal parameter 'shard_info': not JSON`],
    ['/query', { query: 'up', limit: 'x' }, 'cannot parse "x" to a valid limit'],
    ['/query_range', { ...range, start: '' }, 'cannot parse "" to a valid timestamp'],
    ['/query_range', { ...range, end: '-1' }, 'end timestamp must not be before start time'],
    [
      '/query_range',
      { ...range, step: '0' },
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    ],
    ['/query_range', { ...range, step: 'x' }, `'step' parameter: cannot parse "x" to a valid duration`],
    [
      '/query_range',
      { ...range, end: '120000' },
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    ],
    [
      '/query_range',
      { ...range, query: 'up[5m]' },
      'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    ],
    ['/series', {}, 'no match[] parameter provided'],
    ['/series', { 'match[]': 'up', start: '2', end: '1' }, 'end timestamp must not be before start time'],
    ['/labels', { 'match[]': '(' }, '1:2: parse error: unclosed left parenthesis'],
    ['/label//values', {}, 'invalid label name: ""'],
  ] as const) {
    test(`to ${path} with ${JSON.stringify(parameters)} is refused by what is wrong`, async () => {
      const { call } = make();
      await assert.rejects(call(path, parameters), (thrown) => {
        assert.equal(kindOf(thrown), 'invalid');
        assert.equal((thrown as Error).message, text);
        return true;
      });
    });
  }
});
describe('label calls', () => {
  test('give series once, sorted, without replica labels', async () => {
    const { call } = make();
    const { data } = await call('/series', { 'match[]': ['up{job="b"}', 'up'] });
    expect(data).toEqual([
      { __name__: 'up', job: 'a' },
      { __name__: 'up', job: 'b' },
    ]);
  });

  test('give series of every replica with dedup=false', async () => {
    expect((await make().call('/series', { 'match[]': 'up', dedup: 'false' })).data).toHaveLength(3);
  });

  test('keep the warnings of stores', async () => {
    const { call } = make({}, { warnings: ['store x is away'] });
    expect((await call('/series', { 'match[]': 'up' })).warnings).toEqual(['store x is away']);
  });

  test('cut at the limit and say so', async () => {
    const { data, warnings } = await make().call('/series', { 'match[]': 'up', limit: '1' });
    expect(data).toHaveLength(1);
    expect(warnings).toEqual(['results truncated due to limit']);
  });

  test('give names and values of what any selector matches', async () => {
    const { call } = make();
    expect((await call('/labels')).data).toEqual(['__name__', 'job', 'replica']);
    expect((await call('/label/job/values', { 'match[]': ['up{job="a"}', 'up{job="b"}'] })).data).toEqual(['a', 'b']);
    const cut = await call('/label/job/values', { limit: '1' });
    expect(cut.data).toEqual(['a']);
    expect(cut.warnings).toEqual(['results truncated due to limit']);
  });

  test('without times look at everything, or at the window of the flag', async () => {
    const all = make();
    await all.call('/series', { 'match[]': 'up' });
    expect(all.store.requests[0]).toMatchObject({ minTime: MIN_TIME, maxTime: MAX_TIME });
    const hour = make({ metadataRangeMs: 3_600_000 });
    await hour.call('/series', { 'match[]': 'up' });
    expect(hour.store.requests[0]).toMatchObject({ minTime: NOW - 3_600_000, maxTime: NOW });
  });
});
describe('what the querier says of itself', () => {
  test('stores show the limits of time in full', async () => {
    const { text } = await make().call('/stores');
    expect(text).toBe(
      '{"sidecar":[{"name":"127.0.0.1:1","lastCheck":"2023-11-14T22:13:20.000Z","lastError":null,' +
        '"labelSets":[{"cluster":"a"}],"minTime":-9223372036854775808,"maxTime":9223372036854775807}]}',
    );
  });

  test('build facts name the version and no features', async () => {
    const { data } = await make().call('/status/buildinfo');
    expect(data).toMatchObject({ version: '1.2.3', revision: 'abc' });
    expect(data).not.toHaveProperty('features');
    expect((await make().call('/status/flags')).data).toEqual({ 'query.timeout': '120000' });
  });
});

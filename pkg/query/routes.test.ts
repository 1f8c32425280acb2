import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { kindOf, messageOf } from '../errors/fault.ts';
import type { ApiRequest } from '../net/http/api.ts';
import { Parameters } from '../net/http/params.ts';
import { FakeStore, fakeEndpoint } from '../store/fake-endpoint.ts';
import { proxyDefaults, StoreProxy } from '../store/proxy.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { QueryEngine } from './engine.ts';
import { querierDefaults } from './querier-config.ts';
import { querierRoutes } from './routes.ts';

const parameters = new Parameters(
  new URLSearchParams({ query: 'up', 'match[]': 'up', start: '1', end: '2', step: '1' }),
);

describe('an endpoint that never answers ends with the time of the query', () => {
  const proxy = new StoreProxy(
    { endpoints: () => [fakeEndpoint(new FakeStore(['hang'], 'hang'))] },
    { ...proxyDefaults },
  );
  const config = { ...querierDefaults, timeoutMs: 30 };
  const metrics = new Metrics();
  const routes = querierRoutes(
    {
      proxy,
      engine: new QueryEngine({ proxy, metrics }, config),
      now: () => 10_000,
      statuses: () => [],
      details: () => [],
      statusEndpoints: () => [],
      status: { version: '', startTimeMs: 0, flags: {} } as never,
    },
    config,
  );
  for (const name of ['query', 'query_range', 'series', 'labels', 'label/:name/values']) {
    test(`/${name}`, async () => {
      const route = routes.find(({ path }) => path === `/api/v1/${name}`)!;
      const request: Partial<ApiRequest> = {
        parameters,
        pathParameters: { name: 'job' },
        context: backgroundRequest(),
      };
      await assert.rejects(route.handle(request as ApiRequest), (thrown) => {
        assert.equal(kindOf(thrown), 'timeout');
        assert.match(messageOf(thrown), /query timed out/);
        return true;
      });
    });
  }
});

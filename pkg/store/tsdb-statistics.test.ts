import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import type { Host } from '../lifecycle/component.ts';
import { Matcher } from '../model/matcher.ts';
import { GrpcClient } from '../net/grpc/client.ts';
import { GrpcServer } from '../net/grpc/server.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import {
  callTsdbStatistics,
  mergedStatistics,
  parseTsdbStatus,
  statusService,
  type TsdbStatisticsQuery,
} from './tsdb-statistics.ts';

const head = { numSeries: 2 ** 40, numLabelPairs: 2, chunkCount: 0, minTime: -5, maxTime: 1_795_391_947_490 };
const statistics = parseTsdbStatus({
  headStats: head,
  seriesCountByMetricName: [{ name: 'a', value: 2 ** 35 }],
  seriesCountByLabelValuePair: [{ name: 'job=<x>', value: 1 }],
});

describe('statistics over gRPC', () => {
  const asked: TsdbStatisticsQuery[] = [];
  let client: GrpcClient;
  let server: GrpcServer;

  beforeAll(async () => {
    const service = statusService(async (_, query) => {
      asked.push(query);
      return { databases: [statistics, statistics], warnings: ['half of it'] };
    });
    server = new GrpcServer(
      { logger: silentLogger, metrics: new Metrics(), services: [service] },
      { address: '127.0.0.1:0', gracePeriodMs: 100, maxConnectionAgeMs: 0 },
    );
    const host: Host = { signal: new AbortController().signal, spawn() {}, ready() {}, unready() {} };
    await server.start(host);
    client = new GrpcClient({}, { address: `127.0.0.1:${server.port}` });
  });
  afterAll(async () => {
    client.close();
    await server.stop();
  });

  test('come out as they went in', async () => {
    const matchers = [new Matcher('=~', 'cluster', 'a|b')];
    const answer = await callTsdbStatistics(backgroundRequest(), client, { limit: 7, matchers });
    assert.deepEqual(answer, { databases: [statistics, statistics], warnings: ['half of it'] });
    assert.deepEqual([asked[0].limit, asked[0].matchers.map(String)], [7, matchers.map(String)]);
  });
});

describe('statistics of several databases', () => {
  test('are cut to the largest rows, equal ones by name', () => {
    const rows = ['b', 'a', 'c'].map((name, i) => ({ name, value: i === 2 ? 9 : 1 }));
    const { seriesCountByMetricName } = mergedStatistics([parseTsdbStatus({ seriesCountByMetricName: rows })], 2);
    assert.deepEqual(seriesCountByMetricName, [
      { name: 'c', value: 9 },
      { name: 'a', value: 1 },
    ]);
  });

  for (const odd of [undefined, null, 5, { headStats: [], seriesCountByMetricName: [null, { value: 'x' }] }]) {
    test(`of ${JSON.stringify(odd)} count for nothing`, () => {
      assert.equal(parseTsdbStatus(odd).headStats.numSeries, 0);
      assert.ok(parseTsdbStatus(odd).seriesCountByMetricName.every(({ value }) => value === 0));
    });
  }
});

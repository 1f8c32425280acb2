import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../../async/request.ts';
import { Fault, kindOf, messageOf } from '../../errors/fault.ts';
import { Labels } from '../../model/labels.ts';
import type { ApiRequest } from '../../net/http/api.ts';
import { Parameters } from '../../net/http/params.ts';
import { parseTsdbStatus, type TsdbStatisticsQuery } from '../../store/tsdb-statistics.ts';
import { handleTsdbStatus, type StatusEndpoint } from './tsdb-status.ts';

function endpoint(cluster: string, seriesCount: number | 'down', asked: TsdbStatisticsQuery[] = []): StatusEndpoint {
  return {
    address: `${cluster}:1`,
    labelSets: [Labels.of({ cluster })],
    statistics: async (_, query) => {
      asked.push(query);
      if (seriesCount === 'down') throw new Fault('unavailable', 'refused');
      const rows = [{ name: 'up', value: seriesCount }];
      const headStats = { numSeries: seriesCount, numLabelPairs: 2, chunkCount: 3, minTime: seriesCount, maxTime: 100 };
      const lists = { seriesCountByMetricName: rows, labelValueCountByLabelName: rows };
      return { databases: [parseTsdbStatus({ headStats, ...lists })], warnings: [] };
    },
  };
}

async function ask(endpoints: readonly StatusEndpoint[], query: Record<string, string> = {}) {
  const answer = await handleTsdbStatus({ statusEndpoints: () => endpoints }, { partialResponse: true }, {
    parameters: new Parameters(new URLSearchParams(query)),
    context: backgroundRequest(),
  } as ApiRequest);
  assert.ok('chunks' in answer);
  return { data: JSON.parse([...(answer.chunks as Iterable<string>)].join('')), warnings: answer.warnings };
}

describe('cardinality over endpoints', () => {
  test('adds counts, except those of label values, which replicas share', async () => {
    const { data } = await ask([endpoint('a', 5), endpoint('b', 7)]);
    assert.deepEqual(data.headStats, { numSeries: 12, numLabelPairs: 4, chunkCount: 6, minTime: 5, maxTime: 100 });
    assert.deepEqual(data.seriesCountByMetricName, [{ name: 'up', value: 12 }]);
    assert.deepEqual(data.labelValueCountByLabelName, [{ name: 'up', value: 7 }]);
    assert.deepEqual(data.memoryInBytesByLabelName, []);
  });

  test('is of zeros when nobody tells', async () => {
    const { data } = await ask([]);
    assert.deepEqual(data.headStats, { numSeries: 0, numLabelPairs: 0, chunkCount: 0, minTime: 0, maxTime: 0 });
  });

  test('asks only endpoints whose labels fit, for as many rows as were asked for', async () => {
    const asked: TsdbStatisticsQuery[] = [];
    const { data } = await ask([endpoint('a', 5, asked), endpoint('b', 7, asked)], {
      'match[]': '{cluster="b"}',
      limit: '3',
    });
    assert.equal(data.headStats.numSeries, 7);
    assert.deepEqual(
      asked.map(({ limit, matchers }) => [limit, matchers.map(String)]),
      [[3, ['cluster="b"']]],
    );
    await ask([endpoint('a', 5, asked)], { limit: '0' });
    assert.equal(asked[1].limit, 10);
  });

  test('warns of an endpoint that fails, or fails when all must answer', async () => {
    const endpoints = [endpoint('a', 5), endpoint('b', 'down')];
    const { data, warnings } = await ask(endpoints);
    assert.equal(data.headStats.numSeries, 5);
    assert.deepEqual(warnings, ['fetching tsdb statistics from b:1 {cluster="b"}: refused']);
    await assert.rejects(ask(endpoints, { partial_response: 'false' }), (thrown) => kindOf(thrown) === 'execution');
  });

  for (const [limit, text] of [
    ['zz', 'cannot parse "zz" to a valid limit'],
    ['-1', 'limit must be non-negative'],
    ['1.5', 'cannot parse "1.5" to a valid limit'],
  ]) {
    test(`refuses a limit of ${limit}`, async () => {
      await assert.rejects(ask([], { limit }), (thrown) => messageOf(thrown) === text && kindOf(thrown) === 'invalid');
    });
  }
});

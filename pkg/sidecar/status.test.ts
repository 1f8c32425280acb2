import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { Fault, kindOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Matcher } from '../model/matcher.ts';
import { PrometheusClient } from '../promclient/client.ts';
import { notReady } from '../store/info.ts';
import { headStatistics } from './status.ts';

const externalLabels = Labels.of({ cluster: 'eu' });
const status = { headStats: { numSeries: 3 }, seriesCountByMetricName: [{ name: 'up', value: 2 }] };

/** A Prometheus that answers `status`, or fails; the paths asked are noted. */
function prometheus(answer: () => unknown, asked: string[] = []) {
  const client = Object.create(PrometheusClient.prototype) as PrometheusClient;
  client.api = async (_, path, query) => {
    asked.push(`${path}?${query}`);
    return answer();
  };
  return { client, state: { mustBeReady() {}, externalLabels } };
}

describe('head statistics of a sidecar', () => {
  test('are those of its Prometheus, as many rows as were asked for', async () => {
    const asked: string[] = [];
    const deps = prometheus(() => status, asked);
    const matchers = [new Matcher('=', 'cluster', 'eu')];
    const { databases, warnings } = await headStatistics(backgroundRequest(), deps, { limit: 5, matchers });
    assert.deepEqual([databases.length, databases[0].headStats.numSeries, warnings], [1, 3, []]);
    await headStatistics(backgroundRequest(), deps, { limit: 0, matchers: [] });
    assert.deepEqual(asked, ['/api/v1/status/tsdb?limit=5', '/api/v1/status/tsdb?limit=10']);
  });

  test('are none where the external labels do not fit, and nobody is asked', async () => {
    const asked: string[] = [];
    const matchers = [new Matcher('=', 'cluster', 'us')];
    const query = { limit: 5, matchers };
    const { databases } = await headStatistics(
      backgroundRequest(),
      prometheus(() => status, asked),
      query,
    );
    assert.deepEqual([databases, asked], [[], []]);
  });

  test('are none of a Prometheus too old to tell, and a failure of one that fails', async () => {
    const failing = (kind: 'not-found' | 'unavailable') =>
      prometheus(() => {
        throw new Fault(kind, 'no');
      });
    const query = { limit: 5, matchers: [] };
    assert.deepEqual((await headStatistics(backgroundRequest(), failing('not-found'), query)).databases, []);
    await assert.rejects(
      headStatistics(backgroundRequest(), failing('unavailable'), query),
      (thrown) => kindOf(thrown) === 'unavailable',
    );
  });

  test('are refused while Prometheus is not ready', async () => {
    const { client } = prometheus(() => status);
    const state = {
      externalLabels,
      mustBeReady() {
        throw notReady();
      },
    };
    await assert.rejects(
      headStatistics(backgroundRequest(), { client, state }, { limit: 1, matchers: [] }),
      /Not ready/,
    );
  });
});

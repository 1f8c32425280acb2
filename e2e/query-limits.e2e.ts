// A querier protects itself and tells what it does: queries over their budget, ended by hand, left by their callers, and
// written down for after a crash.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFailed, onTestFinished, test } from 'vitest';
import { goldenDir } from '../dev/golden.ts';
import { Cluster } from './harness/cluster.ts';
import { waitUntil } from './harness/process.ts';
import { filesystemYaml, ours, type Service, startService, startStore } from './harness/programs.ts';

const golden = goldenDir();

/** Twelve days in the bucket. */
const START = 1_717_632_000;
const END = 1_718_672_400;
/** Seconds of work on any machine, nearly all of it in one function. */
const WAITING = 'sum(last_over_time({__name__=~".+"}[10d]))';
const SMALL = 'count(up)';

interface Listed {
  readonly id: string;
  readonly query: string;
  readonly state: string;
}

describe.skipIf(golden === undefined)('a querier with limits', () => {
  const cluster = new Cluster('query-limits');
  let store: Service;
  let querier: Service;

  beforeAll(async () => {
    store = await startStore(cluster, ours, 'main', filesystemYaml(join(golden!, 'bucket', 'main', 'after')));
    querier = await startService(cluster, ours, 'query', 'limited', [
      `--endpoint=${store.grpc}`,
      '--query.replica-label=replica',
      '--query.max-bytes=3MB',
      '--query.max-total-bytes=9MB',
      `--query.active-query-path=${cluster.path('active')}`,
    ]);
    await waitUntil('the store is known', 60_000, async () => (await ask(querier, SMALL)).body.includes('"4"'));
  });
  afterAll(() => cluster.close());

  test('refuses a query that needs too much, names what it reads, and lives on', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask(querier, '{__name__=~".+"}', { step: '120' })),
    );
    for (const { status, body } of answers) {
      assert.equal(status, 422, body);
      const { errorType, error } = JSON.parse(body) as { errorType: string; error: string };
      assert.equal(errorType, 'execution');
      // What was used, and the budget.
      assert.match(
        error,
        /it holds [\d.]+ [KMG]iB, and one query may hold [\d.]+ [KMG]iB|may hold [\d.]+ [KMG]iB, that is spent, and this one holds most, [\d.]+ [KMG]iB/,
      );
      assert.match(error, /Most is read by \{__name__=~\\?".\+\\?"\}: \d+ series, \d+ samples so far\. To narrow it/);
    }
    assert.equal((await ask(querier, SMALL)).status, 200);
    assert.deepEqual(await active(querier), []);
  });

  for (const how of ['its caller leaves', 'it is ended through the API'] as const) {
    test(`ends a query and the streams of its stores when ${how}`, async () => {
      onTestFailed(() => console.error(cluster.logs));
      onTestFinished(() => store.server.process.signal('SIGCONT'));
      const caller = new AbortController();
      // The store does not get on, and so the query runs until it is ended.
      store.server.process.signal('SIGSTOP');
      const running = ask(querier, WAITING, { step: '300' }, caller.signal).catch((thrown: Error) => thrown.name);
      await waitUntil('it runs', 30_000, async () => (await active(querier)).some(({ state }) => state === 'running'));
      const [{ id, query }] = await active(querier);
      assert.equal(query, WAITING);
      if (how === 'its caller leaves') caller.abort();
      else {
        const answer = await fetch(`${querier.url}/api/v1/status/active_queries/${id}/cancel`, { method: 'POST' });
        assert.equal(answer.status, 200);
      }
      const outcome = await running;
      if (typeof outcome === 'string') assert.equal(outcome, 'AbortError');
      else assert.deepEqual([outcome.status, JSON.parse(outcome.body).errorType], [503, 'canceled']);
      await waitUntil('it is gone', 10_000, async () => (await active(querier)).length === 0);
      store.server.process.signal('SIGCONT');
      await waitUntil('its streams have ended', 10_000, async () => (await openCalls(store)) === 0);
    });
  }

  test('names after a crash what was running', async () => {
    onTestFailed(() => console.error(cluster.logs));
    onTestFinished(() => store.server.process.signal('SIGCONT'));
    store.server.process.signal('SIGSTOP');
    const running = ask(querier, WAITING, { step: '300' }).catch(() => 'gone');
    await waitUntil('it runs', 30_000, async () => (await active(querier)).some(({ state }) => state === 'running'));
    await querier.server.kill();
    store.server.process.signal('SIGCONT');
    assert.equal(await running, 'gone');
    await querier.server.start();
    assert.match(querier.server.log, /these queries were running when the last run of this process ended/);
    assert.ok(querier.server.log.includes('sum(last_over_time({__name__=~'), querier.server.log);
  });
});

async function ask(
  querier: Service,
  query: string,
  range?: { readonly step: string },
  signal?: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const times: Record<string, string> =
    range === undefined ? { time: String(END) } : { start: String(START), end: String(END), ...range };
  const path = range === undefined ? 'query' : 'query_range';
  const body = new URLSearchParams({ query, ...times });
  const response = await fetch(`${querier.url}/api/v1/${path}`, { method: 'POST', body, signal: signal ?? null });
  return { status: response.status, body: await response.text() };
}

async function active(querier: Service): Promise<readonly Listed[]> {
  const response = await fetch(`${querier.url}/api/v1/status/active_queries`);
  return ((await response.json()) as { data: { queries: Listed[] } }).data.queries;
}

/** Series calls that the store has begun and not ended. */
async function openCalls(store: Service): Promise<number> {
  const text = await (await fetch(`${store.url}/metrics`)).text();
  const sum = (name: string): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes('grpc_method="Series"'))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  return sum('grpc_server_started_total') - sum('grpc_server_handled_total');
}

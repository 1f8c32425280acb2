// Queries that cannot be answered: the querier refuses each with the status, the type and the words of the real Prometheus
// over the same data, the place of the mistake included. Where its words are its own, the table says why.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { type BadQuery, badQueries } from './harness/bad-queries.ts';
import { Cluster } from './harness/cluster.ts';
import { waitUntil } from './harness/process.ts';
import { ours, startService, startSidecar } from './harness/programs.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { BLOCK_START_MS, writeRandomBlock } from './harness/random-series.ts';

const program = await peer('prometheus');
const ULID = '01J0KPXVZG0000000000000000';
const TIME = String(BLOCK_START_MS / 1000 + 3600);
const FEATURES = ['promql-experimental-functions', 'promql-extended-range-selectors', 'promql-binop-fill-modifiers'];

interface Refusal {
  readonly status: number;
  readonly errorType: string;
  readonly error: string;
}

describe.skipIf(program === undefined)('what cannot be answered is refused as a real Prometheus does', () => {
  const cluster = new Cluster('promql-bad-input');
  let theirs = '';
  let own = '';

  beforeAll(async () => {
    const directory = join(cluster.directory, 'data');
    mkdirSync(directory);
    writeRandomBlock(directory, ULID, 3, { wide: true });
    const prometheus = await startPrometheus(cluster, program!, {
      name: 'bad',
      externalLabels: { replica: 'a' },
      targets: [],
      scrapeInterval: '1m',
      blockDuration: '2h',
      retention: '100y',
      directory,
      features: FEATURES,
    });
    theirs = prometheus.url;
    const sidecar = await startSidecar(cluster, ours, { name: 'bad', prometheusUrl: theirs, directory });
    const querier = await startService(cluster, ours, 'query', 'bad', [
      `--endpoint=${sidecar.grpc}`,
      '--query.replica-label=replica',
      ...FEATURES.map((feature) => `--enable-feature=${feature}`),
    ]);
    own = querier.url;
    await waitUntil('the data is there', 60_000, async () => {
      const response = await fetch(`${own}/api/v1/query?${new URLSearchParams({ query: 'count(m)', time: TIME })}`);
      return (await response.text()).includes('"9"');
    });
  });
  afterAll(() => cluster.close());

  async function refusal(url: string, { path, parameters }: BadQuery): Promise<Refusal> {
    const body = new URLSearchParams({ ...(path === 'query' ? { time: TIME } : {}), ...parameters });
    const response = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body });
    const { errorType, error } = (await response.json()) as Omit<Refusal, 'status'>;
    return { status: response.status, errorType, error };
  }

  for (const query of badQueries) {
    test(query.what, async () => {
      const { own: ourOwn } = query;
      const given = await refusal(own, query);
      if (ourOwn !== undefined) {
        assert.deepEqual([given.status, given.errorType], [ourOwn.status, ourOwn.errorType], given.error);
        assert.match(given.error ?? '', ourOwn.error);
      }
      if (ourOwn?.endsReference === true) return;
      const wanted = await refusal(theirs, query);
      // The name of the parameter goes before the text there, and it is a querier's answer that has none.
      const text = wanted.error?.replace(/^invalid parameter "[^"]*": /, '');
      if (ourOwn === undefined) assert.deepEqual(given, { ...wanted, error: text });
      else assert.notDeepEqual(given, { ...wanted, error: text }, 'no longer our own');
    });
  }
});

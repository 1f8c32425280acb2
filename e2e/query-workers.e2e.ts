// Queriers with and without threads for large selects give the same answers, byte for byte: what was recorded over the golden
// buckets, and random expressions over random series.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { goldenDir } from '../dev/golden.ts';
import { mapParallel } from '../pkg/async/parallel.ts';
import { Cluster } from './harness/cluster.ts';
import { readGoldenRecords } from './harness/golden-records.ts';
import { waitUntil } from './harness/process.ts';
import { filesystemYaml, ours, type Service, startService, startStore } from './harness/programs.ts';
import { RandomQueries } from './harness/random-queries.ts';
import { BLOCK_END_MS, BLOCK_START_MS, writeRandomBlock } from './harness/random-series.ts';

const golden = goldenDir();
const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const EXPRESSIONS = isSoak ? 3_000 : 150;
const SEED = 3;
const ULID = '01J0KPXVZG0000000000000000';

/** Of a query: path and parameters. */
type Asked = readonly [path: string, parameters: readonly (readonly [string, string])[]];

/** What is measured is never the same twice. */
function isMeasured(parameters: Asked[1]): boolean {
  return parameters.some(([name]) => name === 'stats' || name === 'analyze');
}

function recorded(): Asked[] {
  if (golden === undefined) return [];
  return readGoldenRecords(join(golden, 'queries', 'queries.jsonl.gz'))
    .filter(({ path, querier, params }) => {
      const isQuery = path === '/api/v1/query' || path === '/api/v1/query_range';
      return isQuery && (querier === 'main-after' || querier === 'experimental') && !isMeasured(params);
    })
    .filter((_, i) => isSoak || i % 3 === 0)
    .map(({ path, params }) => [path, params]);
}

function drawn(): Asked[] {
  const random = new RandomQueries(SEED);
  return Array.from({ length: EXPRESSIONS }, () => {
    const query = random.next();
    const start = BLOCK_START_MS / 1000 + random.below(5400);
    if (random.below(4) === 0)
      return [
        '/api/v1/query',
        [
          ['query', query],
          ['time', String(start)],
        ],
      ] as const;
    const step = [15, 60, 300][random.below(3)];
    const end = Math.min(BLOCK_END_MS / 1000 + 600, start + step * random.below(40));
    const times = { start, end, step };
    return [
      '/api/v1/query_range',
      [['query', query], ...Object.entries(times).map(([k, v]) => [k, String(v)] as const)],
    ];
  });
}

describe('a querier with 0, 1 and 2 threads', () => {
  const cluster = new Cluster('query-workers');
  const queriers: Service[] = [];

  beforeAll(async () => {
    const bucket = join(cluster.directory, 'bucket');
    mkdirSync(bucket);
    if (golden !== undefined) cpSync(join(golden, 'bucket', 'main', 'after'), bucket, { recursive: true });
    writeRandomBlock(bucket, ULID, SEED);
    const metaPath = join(bucket, ULID, 'meta.json');
    const meta = JSON.parse(readFileSync(metaPath, 'utf8')) as object;
    const thanos = { version: 1, labels: { cluster: 'random' }, downsample: { resolution: 0 }, source: 'test' };
    writeFileSync(metaPath, JSON.stringify({ ...meta, thanos }));
    assert.ok(readdirSync(bucket).every((ulid) => existsSync(join(bucket, ulid, 'meta.json'))));
    const store = await startStore(cluster, ours, 'all', filesystemYaml(bucket));
    for (const workers of [0, 1, 2]) {
      const querier = await startService(cluster, ours, 'query', `workers-${workers}`, [
        `--endpoint=${store.grpc}`,
        '--query.replica-label=replica',
        '--enable-feature=promql-experimental-functions',
        `--query.workers=${workers}`,
        '--query.workers-from-samples=0',
      ]);
      queriers.push(querier);
      await waitUntil(`${workers} threads: the querier knows its store`, 60_000, async () => {
        const response = await fetch(`${querier.url}/api/v1/stores`);
        const answer = (await response.json()) as { data: { store?: { lastError: unknown }[] } };
        return answer.data.store?.some(({ lastError }) => lastError === null) === true;
      });
    }
  }, 120_000);
  afterAll(() => cluster.close());

  for (const [what, questions] of [
    ['recorded queries', recorded()],
    [`${EXPRESSIONS} random expressions`, drawn()],
  ] as const) {
    test.skipIf(questions.length === 0)(`${what} have the same answer`, { timeout: 600_000 }, async () => {
      const [alone, ...threaded] = queriers;
      let [found, failed] = [0, 0];
      const wrong: string[] = [];
      await mapParallel(questions, 3, async ([path, parameters]) => {
        const form = new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value]));
        const ask = async ({ url }: Service): Promise<string> => {
          const response = await fetch(`${url}${path}`, { method: 'POST', body: form });
          return `${response.status} ${await response.text()}`;
        };
        const wanted = await ask(alone);
        if (!wanted.startsWith('200')) failed++;
        else if (!wanted.includes('"result":[]')) found++;
        for (const [i, querier] of threaded.entries()) {
          const given = await ask(querier);
          if (given !== wanted)
            wrong.push(`${form}, ${i + 1} threads:\n${given.slice(0, 500)}\n${wanted.slice(0, 500)}`);
        }
      });
      assert.equal(wrong.slice(0, 5).join('\n'), '', `${wrong.length} answers differ`);
      assert.ok(found > questions.length / 3, `${found} of ${questions.length} found anything, ${failed} failed`);
    });
  }

  test('the threads were there', () => {
    const threadsOf = ({ server }: Service): number => readdirSync(`/proc/${server.process.pid}/task`).length;
    const [none, one, two] = queriers.map(threadsOf);
    assert.ok(one > none && two > one, `${none}, ${one}, ${two} threads`);
  });
});

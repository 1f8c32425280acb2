// A Prometheus that stores start timestamps writes chunks which the reference's readers refuse. Behind our sidecar nobody
// notices: over StoreAPI and in the bucket the samples come in the encodings that everybody reads.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFailed, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { Block } from '../pkg/tsdb/block.ts';
import { ChunkView } from '../pkg/tsdb/chunks/segment-reader.ts';
import { SeriesEntry } from '../pkg/tsdb/index/series-entry.ts';
import { complaintsOfVerify } from './harness/bucket-tool.ts';
import { Cluster } from './harness/cluster.ts';
import { ask, countOf, instant, resultOf } from './harness/compare.ts';
import { freePort, waitUntil } from './harness/process.ts';
import {
  filesystemYaml,
  ours,
  reference,
  type Service,
  startQuery,
  startSidecar,
  startStore,
} from './harness/programs.ts';

const [prometheus, promtool, thanos] = await Promise.all([peer('prometheus'), peer('promtool'), peer('thanos')]);

/** Floats, integer histograms and, by a rule, float histograms. */
const QUERIES = [
  'sum(prometheus_http_requests_total)',
  'sum(histogram_count(prometheus_http_request_duration_seconds))',
  'sum(histogram_count(float_histograms))',
  'sum(histogram_sum(float_histograms))',
  'sum(count_over_time(prometheus_http_request_duration_seconds[1m]))',
  'count({job="self"})',
];

describe.skipIf(prometheus === undefined || promtool === undefined || thanos === undefined)('start timestamps', () => {
  const cluster = new Cluster('start-timestamps');
  let url: string;
  /** A copy of what Prometheus holds, as a block of its own. */
  let snapshot: string;
  let ulid: string;
  let bucket: string;
  let sidecar: Service;
  let timeMs: number;

  beforeAll(async () => {
    url = await startOwnScraper(cluster, prometheus!);
    await waitUntil('float histograms are recorded', 30_000, async () => {
      return countOf(await ask(url, instant('count_over_time(float_histograms[1m]) > 20', Date.now()))) > 0;
    });
    timeMs = Date.now() - 1000;
    const answer = await fetch(`${url}/api/v1/admin/tsdb/snapshot`, { method: 'POST' });
    const { data } = (await answer.json()) as { data: { name: string } };
    snapshot = join(cluster.directory, 'data', 'snapshots', data.name);
    ulid = readdirSync(snapshot).find((name) => name.length === 26)!;
    bucket = cluster.path('bucket');
    sidecar = await startSidecar(cluster, ours, {
      name: 'st',
      prometheusUrl: url,
      directory: snapshot,
      bucketYaml: filesystemYaml(bucket),
    });
  }, 90_000);
  afterAll(() => cluster.close());

  test('the Prometheus writes all three encodings', () => {
    assert.deepEqual(encodingsOf(join(snapshot, ulid)), [4, 5, 6]);
  });

  test('a querier of the reference reads them through our sidecar', { timeout: 60_000 }, async () => {
    onTestFailed(() => console.error(cluster.logs));
    const query = await startQuery(cluster, reference(thanos!), 'sidecar', [sidecar]);
    await waitUntil(
      'the querier knows the sidecar',
      30_000,
      async () => countOf(await ask(query.url, instant('count(up)', timeMs))) > 0,
    );
    await compareWithPrometheus(query);
  });

  test('the bucket has them in older encodings, sample for sample', { timeout: 60_000 }, async () => {
    onTestFailed(() => console.error(cluster.logs));
    await waitUntil('the block is uploaded', 30_000, () =>
      Promise.resolve(readdirSync(bucket).includes(ulid) && readdirSync(join(bucket, ulid)).includes('meta.json')),
    );
    assert.deepEqual(encodingsOf(join(bucket, ulid)), [1, 2, 3]);
    assert.deepEqual(encodingsOf(join(snapshot, ulid)), [4, 5, 6]);
    const before = dumpOf(cluster.path('dump-before'), join(snapshot, ulid), ulid);
    const after = dumpOf(cluster.path('dump-after'), join(bucket, ulid), ulid);
    assert.ok(
      before.length > 1000 && before.some((line) => line.includes('float_histograms')),
      `${before.length} lines`,
    );
    assert.deepEqual(after, before);
    assert.equal(await complaintsOfVerify(thanos!, filesystemYaml(bucket)), undefined);
  });

  test('a store gateway of the reference reads the bucket', { timeout: 60_000 }, async () => {
    onTestFailed(() => console.error(cluster.logs));
    const store = await startStore(cluster, reference(thanos!), 'st', filesystemYaml(bucket));
    const query = await startQuery(cluster, reference(thanos!), 'store', [store]);
    await waitUntil(
      'the querier knows the block',
      30_000,
      async () => countOf(await ask(query.url, instant('count(up)', timeMs))) > 0,
    );
    await compareWithPrometheus(query);
  });

  async function compareWithPrometheus(query: Service): Promise<void> {
    for (const text of QUERIES) {
      const [theirs, own] = [await ask(url, instant(text, timeMs)), await ask(query.url, instant(text, timeMs))];
      assert.equal(countOf(theirs), 1, text);
      assert.equal(countOf(own), 1, `${text}: ${own.body}`);
      const [expected, found] = [theirs, own].map((answer) => Number(resultOf(answer)[0].value[1]));
      assert.ok(Math.abs(found - expected) <= 1e-12 * Math.abs(expected), `${text}: ${found}, not ${expected}`);
    }
  }
});

/** A Prometheus that scrapes itself, native histograms and start timestamps included; its URL. */
async function startOwnScraper(cluster: Cluster, program: string): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const configFile = join(cluster.directory, 'prometheus.yml');
  const rules = join(cluster.directory, 'rules.yml');
  writeFileSync(
    rules,
    `groups: [{name: own, interval: 200ms, rules: [{record: float_histograms, expr: 'prometheus_http_request_duration_seconds * 1.5'}]}]\n`,
  );
  writeFileSync(
    configFile,
    [
      'global: {scrape_interval: 200ms, scrape_timeout: 200ms, external_labels: {cluster: st, replica: a}}',
      `rule_files: [${JSON.stringify(rules)}]`,
      'scrape_configs:',
      '  - job_name: self',
      '    scrape_native_histograms: true',
      '    scrape_protocols: [PrometheusProto]',
      `    static_configs: [{targets: ['${address}']}]`,
      '',
    ].join('\n'),
  );
  await cluster.start({
    name: 'prometheus with start timestamps',
    command: program,
    args: [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${cluster.path('data')}`,
      '--storage.tsdb.min-block-duration=2h',
      '--storage.tsdb.max-block-duration=2h',
      `--web.listen-address=${address}`,
      '--web.enable-admin-api',
      '--enable-feature=xor2-encoding,st-storage,histograms-st-encoding,created-timestamp-zero-ingestion',
    ],
    readyUrl: `http://${address}/-/ready`,
  });
  return `http://${address}`;
}

/** The encodings of a block's chunks, ascending. */
function encodingsOf(directory: string): number[] {
  const block = Block.open(directory);
  const entry = new SeriesEntry();
  const view = new ChunkView();
  const found = new Set<number>();
  try {
    for (const id of block.match([])) {
      block.series(id, entry);
      for (let i = 0; i < entry.chunkCount; i++) {
        block.chunk(entry, i, view);
        found.add(view.encoding);
      }
    }
  } finally {
    block.close();
  }
  return [...found].sort((a, b) => a - b);
}

/** What the reference's own tool reads in a block. It wants a database, of which a log is a part. */
function dumpOf(database: string, block: string, ulid: string): string[] {
  cpSync(block, join(database, ulid), { recursive: true });
  mkdirSync(join(database, 'wal'));
  const text = execFileSync(promtool!, ['tsdb', 'dump', database], { encoding: 'utf8', maxBuffer: 256 << 20 });
  return text.trim().split('\n');
}

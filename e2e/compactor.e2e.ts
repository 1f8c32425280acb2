// A compactor that stays: it answers while it works, keeps a second one out, and lets go when it ends. And one that compacts
// what two real Prometheus servers have made: queries are answered as before, and the reference's tools and store read it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, onTestFailed, test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { type BlockMeta, parseMeta } from '../pkg/block/meta.ts';
import { addBlock } from '../pkg/compact/bucket-fixture.ts';
import { isUlid, newUlid } from '../pkg/model/ulid.ts';
import { FilesystemBucket } from '../pkg/objstore/filesystem.ts';
import { complaintsOfVerify } from './harness/bucket-tool.ts';
import { Cluster, type Server } from './harness/cluster.ts';
import { freePort, waitUntil } from './harness/process.ts';
import {
  filesystemYaml,
  ours,
  type Program,
  reference,
  startQuery,
  startSidecar,
  startStore,
} from './harness/programs.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { startTarget } from './harness/target.ts';

const [prometheus, promtool, thanos] = await Promise.all([peer('prometheus'), peer('promtool'), peer('thanos')]);
const WAIT_MS = 120_000;
const HOUR_MS = 3_600_000;

interface Status {
  readonly isHealthy: boolean;
  readonly pass: { readonly count: number; readonly isRunning: boolean; readonly error: string };
  readonly backlog: { readonly blocks: number };
  readonly groups: readonly { readonly state: string }[];
}

async function startCompact(
  cluster: Cluster,
  name: string,
  bucket: string,
  flags: readonly string[],
): Promise<[Server, string]> {
  const http = `127.0.0.1:${await freePort()}`;
  const server = await cluster.start({
    name: `compact ${name}`,
    command: ours.command,
    args: [
      ...ours.args,
      'compact',
      `--http-address=${http}`,
      '--http-grace-period=1s',
      `--objstore.config=${filesystemYaml(bucket)}`,
      `--data-dir=${cluster.path(`data-${name}`)}`,
      '--consistency-delay=0s',
      '--delete-delay=0s',
      '--debug.lease-ttl=4s',
      ...flags,
    ],
    ...(flags.includes('--wait') ? { readyUrl: `http://${http}/-/ready` } : {}),
  });
  return [server, `http://${http}`];
}

async function data<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  assert.equal(response.status, 200, url);
  return ((await response.json()) as { readonly data: T }).data;
}

/** Blocks that are whole: others may be under way. */
function metasIn(bucket: string): BlockMeta[] {
  return readdirSync(bucket)
    .filter((name) => isUlid(name) && existsSync(join(bucket, name, 'meta.json')))
    .map((ulid) => parseMeta(readFileSync(join(bucket, ulid, 'meta.json'))));
}

function levelsIn(bucket: string): number[] {
  return metasIn(bucket)
    .map(({ compaction }) => compaction.level)
    .sort();
}

describe('a compactor that stays', () => {
  const cluster = new Cluster('compactor');
  afterAll(() => cluster.close());

  test('answers while it works, keeps a second one out, and lets go when it ends', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const directory = cluster.path('bucket');
    const bucket = new FilesystemBucket(directory);
    const add = async (stream: number, i: number): Promise<void> => {
      const labels = { stream: String(stream) };
      await addBlock(bucket, { ulid: newUlid(), labels, hours: [2 * i, 2], series: ['up', 'x'], stepMs: 15_000 });
    };
    for (let stream = 0; stream < 4; stream++) for (let i = 0; i < 6; i++) await add(stream, i);
    const stay = ['--wait', '--wait-interval=500ms', '--compact.progress-interval=1s', '--compact.concurrency=2'];
    const [first, url] = await startCompact(cluster, 'first', directory, stay);

    await waitUntil('everything is compacted', WAIT_MS, async () => {
      assert.equal((await fetch(`${url}/metrics`)).status, 200);
      await data(`${url}/api/v1/blocks?view=global`);
      const { isHealthy, pass, backlog, groups } = await data<Status>(`${url}/api/v1/compact/status`);
      assert.ok(isHealthy);
      return pass.count > 1 && groups.length === 4 && backlog.blocks === 0;
    });
    assert.deepEqual(levelsIn(directory), [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /^thanos_compact_group_compactions_total\{resolution="0"\} 4$/m);
    assert.match(metrics, /^tributary_compact_lease_held 1$/m);
    const { blocks } = await data<{ readonly blocks: readonly { readonly ulid: string }[] }>(
      `${url}/api/v1/blocks?view=loaded`,
    );
    assert.equal(blocks.length, 12);

    const [second] = await startCompact(cluster, 'second', directory, ['--downsampling.disable']);
    assert.equal(await second.process.ended(WAIT_MS), 1);
    assert.match(second.log, /another compactor, .* works on this bucket/);
    // It would go by the name of the first, and clean away what that one is working on.
    const [twin] = await startCompact(cluster, 'first', directory, ['--downsampling.disable']);
    assert.equal(await twin.process.ended(WAIT_MS), 1);
    assert.match(twin.log, /data-first is in use by another process: each needs a --data-dir of its own/);
    assert.equal(await first.stop(), 0);
    const [third] = await startCompact(cluster, 'third', directory, ['--downsampling.disable']);
    assert.equal(await third.process.ended(WAIT_MS), 0);
    assert.doesNotMatch(third.log, /waiting for a sign of life/);
  });
});

describe.skipIf(prometheus === undefined)('a bucket that two Prometheus servers filled', () => {
  const cluster = new Cluster('compactor-prometheus');
  afterAll(() => cluster.close());
  const labels = (replica: string): Record<string, string> => ({ cluster: 'e2e', replica });

  test('answers as before once it is compacted, from our store and from the reference’s', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const directory = cluster.path('bucket');
    const yaml = filesystemYaml(directory);
    const bucket = new FilesystemBucket(directory);
    const target = await startTarget();
    cluster.onClose(() => target.close());
    const sources: Server[] = [];
    const startMs = Date.now();
    for (const replica of ['a', 'b']) {
      const {
        server,
        url,
        directory: local,
      } = await startPrometheus(cluster, prometheus!, {
        name: replica,
        externalLabels: labels(replica),
        targets: [target.address],
        scrapeInterval: '250ms',
        blockDuration: '1s',
        retention: '1h',
        directory: cluster.path(`prometheus-${replica}`),
      });
      const sidecar = await startSidecar(cluster, ours, {
        name: replica,
        prometheusUrl: url,
        directory: local,
        bucketYaml: yaml,
      });
      sources.push(sidecar.server, server);
    }
    await waitUntil('some blocks of each are there', WAIT_MS, async () => levelsIn(directory).length >= 8);
    for (const server of sources) await server.stop();
    const made = levelsIn(directory).length;
    const endMs = Math.max(...metasIn(directory).map(({ maxTime }) => maxTime));
    // What comes later settles the windows before it.
    for (const [i, replica] of ['a', 'a', 'b', 'b'].entries()) {
      const hour = Math.ceil(Date.now() / HOUR_MS) + 4 + 2 * (i % 2);
      await addBlock(bucket, { ulid: newUlid(), labels: labels(replica), hours: [hour, 1], series: ['later'] });
    }

    const before = await answers(cluster, ours, yaml, 'before', startMs, endMs);
    assert.ok(before.some((text) => text.includes('temperature')));
    const [compact] = await startCompact(cluster, 'once', directory, []);
    assert.equal(await compact.process.ended(WAIT_MS), 0);
    const left = levelsIn(directory);
    assert.ok(left.length < made && left.includes(2), `${made} blocks became ${left}`);
    assert.deepEqual(await answers(cluster, ours, yaml, 'after', startMs, endMs), before);

    if (thanos !== undefined) {
      assert.deepEqual(await answers(cluster, reference(thanos), yaml, 'reference', startMs, endMs), before);
      assert.equal(await complaintsOfVerify(thanos, yaml), undefined);
    }
    if (promtool === undefined) return;
    for (const ulid of readdirSync(directory).filter(isUlid)) {
      const text = execFileSync(promtool, ['tsdb', 'analyze', directory, ulid], { encoding: 'utf8' });
      assert.match(text, /Total Series: /);
    }
  });
});

/** What our querier says over a store of a program that has the bucket as it is now. */
async function answers(
  cluster: Cluster,
  program: Program,
  yaml: string,
  name: string,
  startMs: number,
  endMs: number,
): Promise<string[]> {
  const store = await startStore(cluster, program, name, yaml);
  const query = await startQuery(cluster, ours, name, [store]);
  try {
    const found: string[] = [];
    for (const expression of [
      '{job="target"}',
      'temperature',
      'sum(rate(requests_total[2s]))',
      'count_over_time(restarting_total[3s])',
      'odd',
      'histogram_quantile(0.9, rate(latency_seconds_bucket[2s]))',
    ]) {
      for (const dedup of ['true', 'false']) {
        const window = `start=${startMs / 1000}&end=${endMs / 1000}&step=0.25&dedup=${dedup}`;
        const path = `/api/v1/query_range?query=${encodeURIComponent(expression)}&${window}`;
        found.push(JSON.stringify(await data(`${query.url}${path}`)));
      }
    }
    return found;
  } finally {
    await query.server.stop();
    await store.server.stop();
  }
}

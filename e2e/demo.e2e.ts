// What a stranger sees after `npm start`: the bucket fills, everything runs, what is printed works, Ctrl-C stops it all,
// and the next start goes on where this one ended.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DemoReplica, demoSeries } from '../cmd/demo/history.ts';
import { peer } from '../dev/peers.ts';
import { Cluster, type Server } from './harness/cluster.ts';
import { freePort, waitUntil } from './harness/process.ts';
import { ours } from './harness/programs.ts';
import { startPrometheus } from './harness/prometheus.ts';

const prometheus = await peer('prometheus');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A PATH and peers folder with nothing in them. */
const alone = { PATH: '', TRIBUTARY_PEERS: '', TRIBUTARY_SHARED: '/nonexistent' };

interface Demo {
  readonly server: Server;
  readonly url: string;
  readonly dataDir: string;
}

interface DemoOptions {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

/** Starts it and waits until it has said everything. */
async function startDemo(options: DemoOptions): Promise<Demo> {
  const address = `127.0.0.1:${await freePort()}`;
  const server = await cluster.start({
    name: 'tributary demo',
    command: ours.command,
    args: [
      ...ours.args,
      'demo',
      `--http-address=${address}`,
      `--data-dir=${options.dataDir}`,
      ...(options.flags ?? []),
    ],
    env: options.env,
    cwd: cluster.directory,
  });
  started.push(server);
  await waitUntil('the demo has said everything', 170_000, async () => {
    if (server.process.hasExited) throw new Error(`the demo ended:\n${server.log}`);
    return server.process.stdout.includes('Ctrl-C stops everything');
  });
  return { server, url: `http://${address}`, dataDir: options.dataDir };
}

type Point = readonly [seconds: number, value: string];
interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Point;
  readonly values?: readonly Point[];
}

async function query(url: string, expression: string, more: Readonly<Record<string, string>> = {}): Promise<Result[]> {
  const body = new URLSearchParams({ query: expression, ...more });
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body });
  const answer = (await response.json()) as { status: string; error?: string; data: { result: Result[] } };
  expect(answer, expression).toMatchObject({ status: 'success' });
  return answer.data.result;
}

/** Sends what a printed curl line would send. */
async function runCurl(line: string): Promise<Result[]> {
  const words = [...line.matchAll(/'([^']*)'/g)].map(([, word]) => word);
  const [url, ...pairs] = words;
  const form = Object.fromEntries(pairs.map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)]));
  const { query: expression, ...more } = form;
  return await query(url.replace('/api/v1/query', ''), expression, more);
}

/** Blocks of the bucket that are complete. */
function blocksOf(dataDir: string): { source: string; labels: Record<string, string>; maxTime: number }[] {
  const bucket = join(dataDir, 'bucket');
  return readdirSync(bucket)
    .map((name) => join(bucket, name, 'meta.json'))
    .filter(existsSync)
    .map((file) => JSON.parse(readFileSync(file, 'utf8')))
    .map(({ maxTime, thanos }) => ({ maxTime, source: thanos.source, labels: thanos.labels }));
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function childrenOf(pid: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Its programs, of which there must be so many, and the one that watches them. */
function programsOf({ server }: Demo, count: number): number[] {
  const children = childrenOf(server.process.pid);
  expect(children).toHaveLength(count + 1);
  return children;
}

/** Killed, it can end nothing itself: everything it started must be gone soon all the same, and in peace. */
async function killDemo(demo: Demo, programCount: number): Promise<void> {
  const children = programsOf(demo, programCount);
  await demo.server.kill();
  await waitUntil('everything it started is gone', 60_000, async () => !children.some(isAlive));
  for (const name of readdirSync(join(demo.dataDir, 'logs'))) {
    expect(readFileSync(join(demo.dataDir, 'logs', name), 'utf8'), name).toMatch(/msg=exiting|See you next time/);
  }
}

/** Ctrl-C: everything it started must be gone when it is. */
async function interrupt(demo: Demo, programCount: number): Promise<void> {
  const { server } = demo;
  const children = programsOf(demo, programCount);
  server.process.signal('SIGINT');
  expect(await server.process.ended()).toBe(0);
  expect(children.filter(isAlive)).toEqual([]);
  expect(server.process.stdout).toContain('everything is stopped');
}

/** Seconds and values of `up` of one demonstration target, as the bucket must hold them. */
function upOf(replica: DemoReplica, instance: string, fromMs: number, toMs: number): Point[] {
  for (const { labels, samples } of demoSeries(replica, fromMs, toMs)) {
    if (labels.get('__name__') !== 'up' || labels.get('instance') !== instance) continue;
    return Array.from(
      { length: samples.length },
      (_, i) => [samples.times[i] / 1000, String(samples.values[i])] as const,
    );
  }
  return [];
}

function demoBlocks(dataDir: string): ReturnType<typeof blocksOf> {
  return blocksOf(dataDir).filter(({ source }) => source === 'demo');
}

/** Two replicas' history, all in the bucket, without a hole between what two starts wrote. */
async function expectWholeHistory(demo: Demo, hours: number): Promise<void> {
  const toMs = Math.max(...demoBlocks(demo.dataDir).map(({ maxTime }) => maxTime));
  const fromMs = toMs - hours * HOUR_MS;
  const expression = `up{cluster="demo",instance="shop-1:8080"}[${hours}h]`;
  const answer = await query(demo.url, expression, { dedup: 'false', time: String((toMs - 1) / 1000) });
  for (const replica of ['a', 'b'] as const) {
    const values = answer.find(({ metric }) => metric['replica'] === replica)?.values;
    // The window is open at its start and ends a millisecond before the block does.
    expect(values).toEqual(upOf(replica, 'shop-1:8080', fromMs, toMs));
  }
}

function logsOf(dataDir: string): string {
  const directory = join(dataDir, 'logs');
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('\n');
}

const cluster = new Cluster('demo');
const started: Server[] = [];
beforeEach(({ onTestFailed }) => {
  onTestFailed(() => console.error(cluster.logs));
});
afterAll(async () => {
  // Where a test failed its demo still runs: asked to stop, it ends its own programs; killed, it could not.
  for (const { process } of started) if (!process.hasExited) await process.stop();
  await cluster.close();
});

describe('without a Prometheus', () => {
  let demo: Demo;

  beforeAll(async () => {
    demo = await startDemo({ dataDir: cluster.path('data'), env: alone });
  });

  test('the first start fills the bucket soon, within its size, and tells of it', () => {
    const said = demo.server.process.stdout;
    expect(said).toContain('Filling the bucket with 3 days of demonstration history');
    // It takes a fifth of this on two idle cores; tests share theirs.
    expect(Number(/in ([\d.]+) s$/m.exec(said)?.[1])).toBeLessThan(100);
    expect(sizeOf(join(demo.dataDir, 'bucket'))).toBeLessThan(100e6);
    expect(said).toMatch(/^ {2}store +http:\/\/127\.0\.0\.1:\d+ /m);
    expect(said).toMatch(/^ {2}query +http:\/\/127\.0\.0\.1:\d+ /m);
    expect(said).toContain('No Prometheus was found');
    expect(demo.server.log).not.toMatch(/level=/);
  });

  test('every query it prints has an answer, and both replicas are there to see', async () => {
    const lines = demo.server.process.stdout.split('\n').filter((line) => line.includes("curl '"));
    expect(lines).toHaveLength(3);
    const [jobs, rates, replicas] = await Promise.all(lines.map(runCurl));
    expect(jobs.map(({ metric }) => metric['job']).sort()).toEqual(['node', 'payment', 'shop']);
    expect(rates.length).toBeGreaterThan(3);
    for (const { value } of rates) expect(Number(value?.[1])).toBeGreaterThan(0);
    const seen = new Set(replicas.map(({ metric }) => metric['replica']));
    const nowMs = Date.now();
    // One of them is away now and then, and these minutes may be such.
    for (const replica of ['a', 'b'] as const) {
      const wasThere = upOf(replica, 'shop-0:8080', nowMs - 4 * MINUTE_MS, nowMs - 2 * MINUTE_MS).length > 0;
      const mayBeThere = upOf(replica, 'shop-0:8080', nowMs - 7 * MINUTE_MS, nowMs).length > 0;
      if (wasThere || !mayBeThere) expect(seen.has(replica)).toBe(wasThere);
    }
  });

  test('de-duplication hides the outage of one replica', async () => {
    // All of it in the bucket, and with the gateway, for a while.
    const toMs = Date.now() - 10 * MINUTE_MS;
    const times = upOf('a', 'shop-0:8080', toMs - 24 * HOUR_MS, toMs).map(([seconds]) => seconds);
    const end = times.find((time, i) => i > 0 && time - times[i - 1] > 400)!;
    const at = { time: String(end - 10) };
    const expression = 'count_over_time(up{cluster="demo",instance="shop-0:8080"}[5m])';
    const apart = await query(demo.url, expression, { ...at, dedup: 'false' });
    expect(apart.map(({ metric }) => metric['replica'])).toEqual(['b']);
    const together = await query(demo.url, expression, at);
    expect(together).toHaveLength(1);
    expect(together[0].metric).not.toHaveProperty('replica');
    expect(Number(together[0].value?.[1])).toBeGreaterThan(10);
  });

  test('sixty-four askers at once get the same answer, and nothing is logged that alarms', async () => {
    const at = { time: String(Math.floor(Date.now() / 1000) - 600) };
    const expression = 'sum by (job) (rate(process_cpu_seconds_total{cluster="demo"}[5m]))';
    const [first, ...others] = await Promise.all(Array.from({ length: 64 }, () => query(demo.url, expression, at)));
    expect(first).toHaveLength(2);
    for (const other of others) expect(other).toEqual(first);
    expect(logsOf(demo.dataDir)).not.toMatch(/Warning|level=(warn|error)/);
  });

  test('a second demo is refused its port, with the flag to change', async () => {
    const directory = cluster.path('second');
    const server = await cluster.start({
      name: 'second demo',
      command: ours.command,
      args: [...ours.args, 'demo', `--http-address=${demo.url.slice(7)}`, `--data-dir=${directory}`],
      env: alone,
    });
    expect(await server.process.ended()).toBe(1);
    expect(server.log).toContain('is taken by another program: choose another address with --http-address=host:port');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('Ctrl-C stops it all', () => interrupt(demo, 2));
});

describe.skipIf(prometheus === undefined)('with a real Prometheus', () => {
  const found = { TRIBUTARY_PEERS: prometheus === undefined ? '' : dirname(prometheus) };

  test.concurrent('two replicas scrape the stack, and their first blocks are in the bucket in about two minutes', async () => {
    const demo = await startDemo({
      dataDir: cluster.path('two'),
      env: found,
      flags: ['--history-days=1'],
    });
    await waitUntil('both replicas have scraped everything', 60_000, async () => {
      const up = await query(demo.url, 'sum by (replica) (up{cluster="local"})', { dedup: 'false' });
      return up.length === 2 && up.every(({ value }) => value?.[1] === '6');
    });
    const ofSidecars = () => blocksOf(demo.dataDir).filter(({ source }) => source === 'sidecar');
    await waitUntil('both sidecars have uploaded', 170_000, async () => {
      return new Set(ofSidecars().map(({ labels }) => labels['replica'])).size === 2;
    });
    await interrupt(demo, 6);
  });

  test.concurrent('a port that is taken before Prometheus listens on it costs a second start, not the first look', async () => {
    const peers = cluster.path('peers');
    mkdirSync(peers, { recursive: true });
    const once = join(peers, 'was-here');
    const script = `[ -e ${once} ] && exec ${prometheus} "$@"; : > ${once}; echo 'bind: address already in use'; exit 1`;
    writeFileSync(join(peers, 'prometheus'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const demo = await startDemo({
      dataDir: cluster.path('taken'),
      env: { TRIBUTARY_PEERS: peers },
      flags: ['--history-days=1'],
    });
    expect(demo.server.process.stdout).toContain('starting again with others');
    expect(await query(demo.url, 'sum(up{cluster="demo"})')).toHaveLength(1);
    await interrupt(demo, 6);
  });

  test.concurrent('what it started ends when it is killed, and the next start finds everything in order', async () => {
    const options = { dataDir: cluster.path('killed'), env: found, flags: ['--history-days=1'] };
    await killDemo(await startDemo(options), 6);
    const next = await startDemo(options);
    expect(await query(next.url, 'sum(up{cluster="demo"})')).toHaveLength(1);
    await interrupt(next, 6);
  });

  test.concurrent('--prometheus.url and --prometheus.data-dir put the sidecar beside one that is there already', async () => {
    const theirs = await startPrometheus(cluster, prometheus!, {
      name: 'theirs',
      externalLabels: { cluster: 'theirs', replica: 'x' },
      targets: [],
      scrapeInterval: '1s',
      blockDuration: '2h',
      retention: '1d',
      directory: cluster.path('theirs'),
    });
    const demo = await startDemo({
      dataDir: cluster.path('one'),
      env: found,
      flags: [`--prometheus.url=${theirs.url}`, `--prometheus.data-dir=${theirs.directory}`, '--history-days=1'],
    });
    expect(demo.server.process.stdout).toContain(`sidecar of ${theirs.url}`);
    expect(demo.server.process.stdout).toContain('its finished blocks go to the bucket');
    const response = await fetch(`${demo.url}/api/v1/stores`);
    const stores = (await response.json()) as { data: { sidecar: { labelSets: object[] }[]; store: object[] } };
    expect(stores.data.sidecar.map(({ labelSets }) => labelSets)).toEqual([[{ cluster: 'theirs', replica: 'x' }]]);
    expect(stores.data.store).toHaveLength(1);
    await interrupt(demo, 3);
  });
});

// Last, so that some minutes have passed since the first demo was stopped: there is history to catch up on.
describe('the next start', () => {
  test('goes on where the last one ended, soon and without a seam', async () => {
    const dataDir = cluster.path('data');
    const newestMs = () => Math.max(...demoBlocks(dataDir).map(({ maxTime }) => maxTime));
    const before = newestMs();
    const begunMs = Date.now();
    const demo = await startDemo({ dataDir, env: alone });
    expect(demo.server.process.stdout).not.toContain('Filling the bucket');
    expect(Date.now() - begunMs).toBeLessThan(30_000);
    await waitUntil('history has come up to now', 100_000, async () => newestMs() > before);
    await waitUntil('the gateway has it', 60_000, async () => {
      const [newest] = await query(demo.url, 'max(timestamp(up{cluster="demo"}))');
      return Number(newest?.value?.[1]) > before / 1000;
    });
    await expectWholeHistory(demo, 5);
    await interrupt(demo, 2);
  });
});

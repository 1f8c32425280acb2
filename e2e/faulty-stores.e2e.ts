// A querier over stores that misbehave: the answer and the warning that must come, the error when a partial answer is not
// wanted, all in time, and a querier that goes on as before.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, onTestFailed, test } from 'vitest';
import { FakeDnsServer } from '../pkg/discovery/fake-dns-server.ts';
import { Fault } from '../pkg/errors/fault.ts';
import { storeService } from '../pkg/store/grpc-server.ts';
import { Cluster } from './harness/cluster.ts';
import {
  backwards,
  fakeStore,
  garbageService,
  hangAfterFirst,
  type RunningProxy,
  type RunningStore,
  sending,
  series,
  slowly,
  startFakeStore,
  startProxy,
  startTcp,
} from './harness/misbehaving.ts';
import { waitUntil } from './harness/process.ts';
import { ours, type Service, startService } from './harness/programs.ts';

const END_MS = 1_700_000_000_000;
const TIMES = { minTime: END_MS - 120_000, maxTime: END_MS };
const RESPONSE_TIMEOUT_MS = 1_000;
const QUERY_TIMEOUT_MS = 5_000;
/** What a busy machine may add to a time limit. */
const GRACE_MS = 3_000;
const SERIES_COUNT = 6;

interface Misbehaviour {
  readonly what: string;
  /** Its series that come nevertheless. */
  readonly seriesCount: number;
  /** The warning, or under `partial_response=false` what the error says. Undefined: it answers in full. */
  readonly complaint?: RegExp;
  /** Likewise of label calls, where that differs. */
  readonly labelsComplaint?: RegExp;
  /** Answers no Info call, so that it is asked only when it is strict. */
  readonly isStrict?: boolean;
  readonly start: (name: string) => Promise<RunningStore>;
}

const store = (name: string, options = {}) => fakeStore(name, series(SERIES_COUNT, END_MS), options);
const failing = (fault: Fault, afterSeries: number) => (name: string) =>
  startFakeStore(name, sending(store(name, { failure: { fault, afterSeries } })), TIMES);
const garbage = (bytes: Uint8Array) => (name: string) => startFakeStore(name, garbageService(bytes), TIMES);

const silence = /failed to receive any data in 1s/;
/** A label of length 2^32 - 1 in a series of length 20, then nothing. */
const HUGE_LENGTHS = Buffer.from([0x0a, 0x14, 0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]);
const NOISE = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 167 + 13) & 0xff));

const FAULTS: readonly Misbehaviour[] = [
  { what: 'is in order', seriesCount: 6, start: (name) => startFakeStore(name, storeService(store(name)), TIMES) },
  {
    what: 'accepts connections and says nothing',
    isStrict: true,
    seriesCount: 0,
    complaint: silence,
    start: () => startTcp(undefined),
  },
  {
    what: 'speaks HTTP/1.1',
    isStrict: true,
    seriesCount: 0,
    complaint: /code = Unavailable|failed to receive any data/,
    start: () => startTcp(Buffer.from('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')),
  },
  {
    what: 'speaks noise',
    isStrict: true,
    seriesCount: 0,
    complaint: /code = Unavailable|failed to receive any data/,
    start: () => startTcp(NOISE),
  },
  {
    what: 'hangs in the middle of its answer',
    seriesCount: 2,
    complaint: silence,
    labelsComplaint: undefined,
    start: (name) => startFakeStore(name, sending(store(name), hangAfterFirst), TIMES),
  },
  {
    what: 'answers slowly, but within the response timeout',
    seriesCount: 6,
    start: (name) => startFakeStore(name, sending(store(name), slowly(100)), TIMES),
  },
  {
    what: 'sends its series backwards',
    seriesCount: 6,
    start: (name) => startFakeStore(name, sending(store(name), backwards), TIMES),
  },
  {
    what: 'sends frames of noise',
    seriesCount: 0,
    complaint: /truncated|malformed|invalid|wire type|corrupt|cannot|not a/i,
    start: garbage(NOISE),
  },
  {
    what: 'sends frames with lengths beyond their end',
    seriesCount: 0,
    complaint: /truncated|beyond|runs past|ends|corrupt|out of range/i,
    start: garbage(HUGE_LENGTHS),
  },
  {
    what: 'refuses with ResourceExhausted',
    seriesCount: 0,
    complaint: /code = ResourceExhausted desc = exceeded series limit/,
    labelsComplaint: undefined,
    start: failing(new Fault('limit', 'exceeded series limit'), 0),
  },
  {
    what: 'breaks off with Internal',
    seriesCount: 4,
    complaint: /code = Internal desc = the disk is gone/,
    labelsComplaint: undefined,
    start: failing(new Fault('internal', 'the disk is gone'), 4),
  },
  {
    what: 'warns of its own',
    seriesCount: 6,
    complaint: /half of the blocks are missing/,
    labelsComplaint: /half of the blocks are missing/,
    start: (name) =>
      startFakeStore(name, storeService(store(name, { warnings: ['half of the blocks are missing'] })), TIMES),
  },
];

interface Answer {
  readonly status: number;
  readonly tookMs: number;
  readonly body: {
    readonly status: string;
    readonly errorType?: string;
    readonly error?: string;
    readonly data: never;
    readonly warnings?: readonly string[];
  };
}

describe('a querier over stores that misbehave', () => {
  const cluster = new Cluster('faulty-stores');
  const faulty: (Misbehaviour & { readonly port: number })[] = [];
  const dns = new FakeDnsServer();
  let good: RunningStore;
  let flapping: RunningStore;
  let named: RunningStore;
  let wire: RunningProxy;
  let querier: Service;

  beforeAll(async () => {
    good = await startFakeStore('good', storeService(store('good')), TIMES);
    for (const [i, fault] of FAULTS.entries()) {
      const running = await fault.start(`s${i}`);
      faulty.push({ ...fault, port: running.port });
      cluster.onClose(() => running.stop());
    }
    flapping = await startFakeStore('flapping', storeService(store('flapping')), TIMES);
    named = await startFakeStore('named', storeService(store('named')), TIMES);
    const wired = await startFakeStore('wired', storeService(store('wired')), TIMES);
    wire = await startProxy(wired.port);
    for (const running of [good, named, wired]) cluster.onClose(() => running.stop());
    cluster.onClose(() => wire.stop());
    const dnsServer = await dns.start();
    cluster.onClose(() => dns.stop());
    await setDns(named.port);
    querier = await startService(cluster, ours, 'query', 'over faulty stores', [
      ...faulty.map(({ port, isStrict }) => `--endpoint${isStrict === true ? '-strict' : ''}=127.0.0.1:${port}`),
      ...[good.port, flapping.port, wire.port].map((port) => `--endpoint=127.0.0.1:${port}`),
      `--endpoint=dns+a.stores.test:${named.port}`,
      '--endpoint=dnssrv+_grpc._tcp.stores.test',
      `--dns.servers=${dnsServer}`,
      '--store.sd-dns-interval=200ms',
      '--endpoint.info-timeout=1500ms',
      `--store.response-timeout=${RESPONSE_TIMEOUT_MS}ms`,
      `--query.timeout=${QUERY_TIMEOUT_MS}ms`,
    ]);
    const names = FAULTS.flatMap(({ isStrict }, i) => (isStrict === true ? [] : [`s${i}`]));
    for (const name of ['good', 'flapping', 'wired', 'named', ...names]) await untilListed(name, true);
  });
  afterAll(() => cluster.close());

  for (const [i, fault] of FAULTS.entries()) {
    describe(`one of which ${fault.what}`, () => {
      const only = () => [good.port, faulty[i].port];
      const limitMs = RESPONSE_TIMEOUT_MS + GRACE_MS;
      const labelsComplaint = 'labelsComplaint' in fault ? fault.labelsComplaint : fault.complaint;

      test('the other is answered for, with a warning of this one', async () => {
        onTestFailed(() => console.error(cluster.logs));
        for (const path of ['query', 'query_range', 'series'] as const) {
          const answer = await ask(path, only());
          assert.deepEqual(countByStore(answer), count({ good: SERIES_COUNT, [`s${i}`]: fault.seriesCount }), path);
          assertWarned(answer, fault.complaint);
          assert.ok(answer.tookMs < limitMs, `${path} took ${answer.tookMs} ms`);
        }
      });

      test('without partial response the query fails and says why', async () => {
        onTestFailed(() => console.error(cluster.logs));
        for (const path of ['query', 'query_range', 'series'] as const) {
          const answer = await ask(path, only(), { partial_response: 'false' });
          assertFailed(answer, fault.complaint);
          assert.ok(answer.tookMs < limitMs, `${path} took ${answer.tookMs} ms`);
        }
      });

      test('label names and values likewise', async () => {
        onTestFailed(() => console.error(cluster.logs));
        for (const path of ['labels', 'label/i/values'] as const) {
          const answer = await ask(path, only());
          assert.ok((answer.body.data as string[]).length > 0);
          assertWarned(answer, labelsComplaint);
          assert.ok(answer.tookMs < limitMs, `${path} took ${answer.tookMs} ms`);
          assertFailed(await ask(path, only(), { partial_response: 'false' }), labelsComplaint);
        }
      });
    });
  }

  test('a query whose own time is shorter than the response timeout ends with it', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const silent = faulty.find(({ what }) => what === 'accepts connections and says nothing')!;
    const answer = await ask('query', [good.port, silent.port], { timeout: '200ms' });
    assert.equal(answer.status, 503);
    assert.equal(answer.body.errorType, 'timeout');
    assert.ok(answer.tookMs < 200 + GRACE_MS, `took ${answer.tookMs} ms`);
  });

  test('a store that stops and comes back between Info rounds is missed while away', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const { port } = flapping;
    for (let round = 0; round < 2; round++) {
      await flapping.stop();
      await untilMissed([good.port, port], 1);
      const failed = await ask('query', [good.port, port], { partial_response: 'false' });
      assertFailed(failed, new RegExp(`Addr: 127.0.0.1:${port} `));
      flapping = await startFakeStore('flapping', storeService(store('flapping')), TIMES, port);
      await waitUntil('the store is asked again', 10_000, async () => {
        const answer = await ask('query', [good.port, port]);
        return countByStore(answer)['flapping'] === SERIES_COUNT && answer.body.warnings === undefined;
      });
    }
    cluster.onClose(() => flapping.stop());
  });

  test('a store that goes silent after it has joined is missed at once, and asked again when it speaks', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const ports = [good.port, wire.port];
    await untilWhole(ports, { good: SERIES_COUNT, wired: SERIES_COUNT });
    wire.setFrozen(true);
    const answer = await ask('query', ports);
    assert.deepEqual(countByStore(answer), count({ good: SERIES_COUNT }));
    assert.ok(answer.tookMs < RESPONSE_TIMEOUT_MS + GRACE_MS, `took ${answer.tookMs} ms`);
    assert.equal(answer.body.warnings?.length, 1);
    assert.match(answer.body.warnings[0], new RegExp(`Addr: 127.0.0.1:${wire.port} `));
    wire.setFrozen(false);
    wire.reset();
    await untilWhole(ports, { good: SERIES_COUNT, wired: SERIES_COUNT });
  });

  test('a name that leaves DNS is missed, and found again at its new place', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const ports = [good.port, named.port];
    await untilWhole(ports, { good: SERIES_COUNT, named: SERIES_COUNT });
    // A server that fails is no news: the last good answer holds.
    for (const name of dns.replies.keys()) dns.replies.set(name, 'SERVFAIL');
    const before = dns.questions.length;
    await waitUntil('the names are asked for again', 10_000, async () => dns.questions.length > before + 4);
    assert.deepEqual(countByStore(await ask('query', ports)), count({ good: SERIES_COUNT, named: SERIES_COUNT }));
    // That the name is gone is.
    for (const name of dns.replies.keys()) dns.replies.set(name, 'NXDOMAIN');
    const missed = await untilMissed(ports, 1);
    assert.match(missed.body.warnings![0], /gone from discovery/);
    assertFailed(await ask('query', ports, { partial_response: 'false' }), /gone from discovery/);
    // A pod that moved: another port behind the SRV name.
    const moved = await startFakeStore('named', storeService(store('named')), TIMES);
    cluster.onClose(() => moved.stop());
    await setDns(moved.port);
    await untilWhole([good.port, moved.port, named.port], { good: SERIES_COUNT, named: SERIES_COUNT });
  });

  test('neither sockets nor memory grow with the number of queries over such stores', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const all = [good.port, ...faulty.map(({ port }) => port)];
    const round = () => Promise.all(Array.from({ length: 8 }, () => ask('query', all)));
    await round();
    const before = footprint(querier.server.process.pid);
    for (let i = 0; i < 8; i++) await round();
    await waitUntil('sockets are closed again', 10_000, async () => {
      // Endpoints that do not answer are dialled anew now and then.
      return footprint(querier.server.process.pid).fdCount <= before.fdCount + FAULTS.length;
    });
    const after = footprint(querier.server.process.pid);
    assert.ok(
      after.residentMb < before.residentMb + 80,
      `${before.residentMb} MB before, ${after.residentMb} MB after`,
    );
    const answer = await ask('query', [good.port]);
    assert.deepEqual(countByStore(answer), count({ good: SERIES_COUNT }));
    assert.equal(answer.body.warnings, undefined);
    assert.equal(await querier.server.stop(), 0);
    assert.doesNotMatch(querier.server.log, /Warning:/);
  });

  async function setDns(port: number): Promise<void> {
    const address = [{ type: 'A' as const, name: 'a.stores.test', ttl: 1, data: '127.0.0.1' }];
    dns.replies.set('A a.stores.test', port === named.port ? address : 'NXDOMAIN');
    dns.replies.set('SRV _grpc._tcp.stores.test', [
      { type: 'SRV', name: '_grpc._tcp.stores.test', ttl: 1, data: { target: 'b.stores.test', port } },
    ]);
    dns.replies.set('A b.stores.test', [{ type: 'A', name: 'b.stores.test', ttl: 1, data: '127.0.0.1' }]);
  }

  async function untilListed(name: string, isHealthy: boolean): Promise<void> {
    await waitUntil(`the store ${name} is listed`, 20_000, async () => {
      const response = await fetch(`${querier.url}/api/v1/stores`);
      const { data } = (await response.json()) as { data: { store?: { labelSets: object[]; lastError: unknown }[] } };
      const listed = data.store?.find(({ labelSets }) => JSON.stringify(labelSets).includes(`"${name}"`));
      return listed !== undefined && (listed.lastError === null) === isHealthy;
    });
  }

  async function untilWhole(ports: readonly number[], counts: Readonly<Record<string, number>>): Promise<void> {
    await waitUntil('every store answers', 15_000, async () => {
      const answer = await ask('query', ports);
      return (
        JSON.stringify(countByStore(answer)) === JSON.stringify(count(counts)) && answer.body.warnings === undefined
      );
    });
  }

  async function untilMissed(ports: readonly number[], warnings: number): Promise<Answer> {
    let answer = await ask('query', ports);
    await waitUntil('the store is missed', 10_000, async () => {
      answer = await ask('query', ports);
      return answer.body.warnings?.length === warnings && countByStore(answer)['good'] === SERIES_COUNT;
    });
    return answer;
  }

  async function ask(
    path: 'query' | 'query_range' | 'series' | 'labels' | 'label/i/values',
    ports: readonly number[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const seconds = String(END_MS / 1000);
    const byPath = {
      query: { query: 'm', time: seconds },
      query_range: { query: 'm', start: seconds, end: seconds, step: '15' },
      series: { 'match[]': 'm' },
      labels: {},
      'label/i/values': {},
    };
    const parameters = new URLSearchParams({ ...byPath[path], ...more });
    parameters.append('storeMatch[]', `{__address__=~"127.0.0.1:(${ports.join('|')})"}`);
    const begun = performance.now();
    const response = await fetch(`${querier.url}/api/v1/${path}?${parameters}`, {
      signal: AbortSignal.timeout(QUERY_TIMEOUT_MS + 10_000),
    });
    const body = (await response.json()) as Answer['body'];
    return { status: response.status, tookMs: performance.now() - begun, body };
  }
});

/** How many series of which store, by the label that tells them apart. */
function countByStore({ body }: Answer): Record<string, number> {
  const data: unknown = body.data;
  const list = (Array.isArray(data) ? data : ((data as { result?: unknown[] })?.result ?? [])) as Record<
    string,
    unknown
  >[];
  const counts: Record<string, number> = {};
  for (const one of list) {
    const labels = (one['metric'] ?? one) as Record<string, string>;
    counts[labels['store']] = (counts[labels['store']] ?? 0) + 1;
  }
  return count(counts);
}

/** Without zeros, in the order of names. */
function count(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts)
      .filter(([, number]) => number > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function assertWarned({ status, body }: Answer, complaint: RegExp | undefined): void {
  assert.equal(status, 200, JSON.stringify(body));
  if (complaint === undefined) {
    assert.equal(body.warnings, undefined);
  } else {
    assert.equal(body.warnings?.length, 1, JSON.stringify(body.warnings));
    assert.match(body.warnings[0], complaint);
  }
}

function assertFailed({ status, body }: Answer, complaint: RegExp | undefined): void {
  if (complaint === undefined) {
    assert.equal(status, 200, JSON.stringify(body));
    return;
  }
  assert.equal(status, 422, JSON.stringify(body));
  assert.equal(body.errorType, 'execution');
  assert.match(body.error!, complaint);
}

function footprint(pid: number): { readonly fdCount: number; readonly residentMb: number } {
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { fdCount: readdirSync(`/proc/${pid}/fd`).length, residentMb: Number(resident![1]) / 1024 };
}

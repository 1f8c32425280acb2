// Two real Prometheus replicas, a sidecar beside each, a bucket, a store gateway and a querier. One replica dies and comes
// back; the answer bridges its gap exactly as the reference's querier does over the same endpoints, and stays the same
// when Prometheus has long deleted the data.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'vitest';
import { peer } from '../dev/peers.ts';
import { Cluster } from './harness/cluster.ts';
import {
  type Answer,
  ask,
  compareQueriers,
  countOf,
  difference,
  instant,
  metadata,
  type Question,
  type Range,
  range,
  resultOf,
} from './harness/compare.ts';
import { waitUntil } from './harness/process.ts';
import {
  filesystemYaml,
  ours,
  reference,
  type Service,
  startQuery,
  startSidecar,
  startStore,
} from './harness/programs.ts';
import { type RunningPrometheus, startPrometheus } from './harness/prometheus.ts';
import { startS3 } from './harness/s3-server.ts';
import { startTarget } from './harness/target.ts';

const [prometheus, thanos, minio] = await Promise.all([peer('prometheus'), peer('thanos'), peer('minio')]);

const BLOCK_MS = 6_000;
/** How long replica a is dead: more than a block, and many scrapes. */
const OUTAGE_MS = 8_000;
const WAIT_MS = 90_000;
/** Longer than it takes a block to be uploaded, loaded and announced to both queriers. */
const SETTLE_MS = 25_000;
/**
 * Starts anew every seven seconds. Without de-duplication the reference reads it as a counter that never falls, so that
 * resets() is 0 and rates do not know where it began: there the Prometheus servers themselves say what is right.
 */
const RESTARTING = 'restarting_total';

interface Replica {
  readonly prometheus: RunningPrometheus;
  readonly sidecar: Service;
}

/** Everything that runs over one kind of bucket. */
interface Stack {
  readonly cluster: Cluster;
  readonly a: Replica;
  readonly b: Replica;
  readonly store: Service;
  readonly query: Service;
  /** The reference's querier over the same endpoints; undefined without that program. */
  readonly thanosQuery: Service | undefined;
  /** From here on both replicas have samples, and everything else was up before. */
  readonly startMs: number;
}

for (const kind of ['FILESYSTEM', 'S3'] as const) {
  const isMissing = prometheus === undefined || (kind === 'S3' && minio === undefined);
  test.concurrent(`over a bucket of type ${kind} the answer bridges a dead replica and outlives the data of Prometheus`, {
    skip: isMissing,
    timeout: 300_000,
  }, async ({ onTestFailed }) => {
    const cluster = new Cluster(`answer-${kind.toLowerCase()}`);
    onTestFailed(() => console.error(cluster.logs));
    try {
      const target = await startTarget();
      cluster.onClose(() => target.close());
      const yaml = kind === 'S3' ? (await startS3(cluster, minio!)).yaml() : filesystemYaml(cluster.path('bucket'));
      await tellStory(cluster, yaml, target.address);
    } finally {
      await cluster.close();
    }
  });
}

async function tellStory(cluster: Cluster, bucketYaml: string, target: string): Promise<void> {
  const stack = await startStack(cluster, bucketYaml, target);
  const { a, b, query } = stack;

  // While all live and the data is still in memory.
  await waitForSamples(query.url, stack.startMs + 7_000);
  // First, while Prometheus is sure to have what is asked about.
  await expectAsPrometheus(stack, { startMs: stack.startMs + 4_000, endMs: stack.startMs + 7_000, stepMs: 500 });
  const early = questionsAbout(stack.startMs, stack.startMs + 6_000);
  const earlyAnswers = await askAll(query.url, early);
  for (const [i, answer] of earlyAnswers.entries()) {
    assert.equal(answer.httpStatus, 200, `${early[i].params[0]}: ${answer.body}`);
    assert.equal(answer.hasWarnings, false, answer.body);
  }
  await expectEqual(stack, early);

  // Replica a dies; its sidecar and the querier say so.
  await a.prometheus.server.kill();
  const deathMs = Date.now();
  await waitUntil('the sidecar of the dead replica is not ready', WAIT_MS, async () => {
    const response = await fetch(`${a.sidecar.url}/-/ready`);
    const reason = await response.text();
    return response.status === 503 && /Prometheus|connect|ECONNREFUSED/i.test(reason);
  });
  assert.equal((await fetch(`${a.sidecar.url}/-/healthy`)).status, 200, 'a dead Prometheus does not make it unhealthy');
  await waitUntil('the querier warns', WAIT_MS, async () => {
    const answer = await ask(query.url, instant('requests_total', Date.now()));
    assert.equal(answer.httpStatus, 200, answer.body);
    return answer.warnings.some((warning) => warning.includes(a.sidecar.grpc)) && countOf(answer) === 3;
  });
  await waitUntil('the outage was long enough', WAIT_MS, async () => Date.now() - deathMs > OUTAGE_MS);
  await a.prometheus.server.start();
  await waitUntil('the sidecar is ready again', WAIT_MS, async () => (await fetch(`${a.sidecar.url}/-/ready`)).ok);
  await waitUntil('the warning is gone', WAIT_MS, async () => {
    const answer = await ask(query.url, instant('requests_total', Date.now()));
    return !answer.hasWarnings;
  });

  // Its gap is real, and bridged. Prometheus scrapes again some seconds after it is ready.
  const rebirthMs = await firstSampleOf(a.prometheus, deathMs + OUTAGE_MS);
  await waitForSamples(query.url, rebirthMs + 4_000);
  const gap = { fromMs: deathMs + 1_000, toMs: rebirthMs - 500 };
  const lengthMs = gap.toMs - gap.fromMs;
  const inGap = `count_over_time(requests_total{code="200"}[${lengthMs}ms])`;
  const apart = resultOf(await ask(query.url, instant(inGap, gap.toMs, { dedup: 'false' })));
  assert.deepEqual(
    apart.map(({ metric }) => metric['replica']),
    ['b'],
    'only replica b has samples in the gap',
  );
  const together = resultOf(await ask(query.url, instant(inGap, gap.toMs)));
  assert.equal(together.length, 1);
  assert.equal(together[0].metric['replica'], undefined);
  // Scraped every half a second; when it changes to the other replica, de-duplication skips some.
  assert.ok(Number(together[0].value[1]) > lengthMs / 500 / 2, `too few samples in the gap: ${together[0].value[1]}`);
  const around = [
    ...questionsAbout(deathMs - 6_000, rebirthMs + 4_000),
    ...questionsAbout(deathMs - 1_000, rebirthMs + 1_000),
  ];
  await expectEqual(stack, around);

  // Prometheus forgets; the bucket does not.
  await waitUntil('both replicas have deleted the data around the gap', WAIT_MS, async () => {
    const lowest = await Promise.all([lowestTimeOf(a.prometheus), lowestTimeOf(b.prometheus)]);
    return lowest.every((timeMs) => timeMs > rebirthMs + 4_000);
  });
  for (const replica of [a, b]) {
    const answer = await ask(replica.prometheus.url, instant('requests_total[6s]', stack.startMs + 6_000));
    assert.equal(countOf(answer), 0, `${replica.prometheus.server.name} has deleted the early data`);
  }
  // De-duplication looks at chunks, which are cut anew when they move; the samples themselves stay as they were.
  for (const [i, question] of early.entries()) {
    if (!question.params.some(([name, value]) => name === 'dedup' && value === 'false')) continue;
    const found = difference(earlyAnswers[i], await ask(query.url, question));
    assert.equal(found, undefined, `${JSON.stringify(question.params)} changed when the data moved: ${found}`);
  }
  await expectEqual(stack, [...early, ...around]);
  await expectRanges(stack);
  for (const { server } of [query, stack.store, a.sidecar, b.sidecar]) {
    assert.equal(await server.stop(), 0, `${server.name} stops with exit code 0`);
  }
  for (const {
    prometheus: { directory },
  } of [a, b]) {
    const staging = join(directory, 'thanos', 'upload');
    assert.deepEqual(existsSync(staging) ? readdirSync(staging) : [], [], 'nothing stays staged');
  }
}

async function startStack(cluster: Cluster, bucketYaml: string, target: string): Promise<Stack> {
  const [a, b, store] = await Promise.all([
    startReplica(cluster, 'a', bucketYaml, target),
    startReplica(cluster, 'b', bucketYaml, target),
    startStore(cluster, ours, 's', bucketYaml),
  ]);
  const endpoints = [a.sidecar, b.sidecar, store];
  const [query, thanosQuery] = await Promise.all([
    startQuery(cluster, ours, 'q', endpoints),
    thanos === undefined ? undefined : startQuery(cluster, reference(thanos), 'q', endpoints),
  ]);
  const upMs = Date.now();
  const startMs = Math.max(await firstSampleOf(a.prometheus, upMs), await firstSampleOf(b.prometheus, upMs));
  return { cluster, a, b, store, query, thanosQuery, startMs };
}

async function startReplica(cluster: Cluster, name: string, bucketYaml: string, target: string): Promise<Replica> {
  const running = await startPrometheus(cluster, prometheus!, {
    name,
    externalLabels: { cluster: 'c', replica: name },
    targets: [target],
    scrapeInterval: '500ms',
    blockDuration: `${BLOCK_MS / 1000}s`,
    retention: '20s',
    directory: cluster.path(`prometheus-${name}`),
  });
  const sidecar = await startSidecar(cluster, ours, {
    name,
    prometheusUrl: running.url,
    directory: running.directory,
    bucketYaml,
  });
  return { prometheus: running, sidecar };
}

/** Every kind of query over a time that is over. */
function questionsAbout(startMs: number, endMs: number): Question[] {
  const over = { startMs, endMs, stepMs: 1_000 };
  const spanMs = endMs - startMs;
  const raw = ['requests_total', 'restarting_total', 'temperature', 'odd', 'sometimes', 'up', '{job="target"}'];
  const overTime = [
    'requests_total',
    'rate(requests_total[3s])',
    `increase(${RESTARTING}[4s])`,
    'sum by (code) (irate(requests_total[2s]))',
    'histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[3s])))',
    'temperature',
    'max_over_time(temperature{sensor="ü"}[2s] offset 1s)',
    'avg_over_time(rate(requests_total{code="200"}[2s])[4s:500ms])',
    'sometimes',
    'count_over_time(sometimes[2s])',
    'odd',
    'sum(rate(latency_seconds_sum[3s])) / sum(rate(latency_seconds_count[3s]))',
    'requests_total{code="500"} / on (instance, replica) group_left requests_total{code="200"}',
  ];
  return [
    // Raw samples, as the sources have them and de-duplicated.
    ...raw.map((selector) => instant(`${selector}[${spanMs}ms]`, endMs)),
    ...raw.map((selector) => instant(`${selector}[${spanMs}ms]`, endMs, { dedup: 'false' })),
    ...overTime.map((query) => range(query, over)),
    ...overTime.filter((query) => !query.includes(RESTARTING)).map((query) => range(query, over, { dedup: 'false' })),
    ...overTime.map((query) => instant(query, endMs)),
    range('count(up)', { ...over, stepMs: 500 }, { dedup: 'false' }),
    metadata('series', over, 'requests_total', 'temperature'),
    metadata('labels', over),
    metadata('label/sensor/values', over),
    metadata('label/__name__/values', over, '{cluster="c"}'),
  ];
}

async function askAll(url: string, questions: readonly Question[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const question of questions) answers.push(await ask(url, question));
  return answers;
}

/**
 * Both queriers give the same, to the last bit. While data moves from a Prometheus to the bucket they may see it at
 * different places, each looking at its endpoints every five seconds: then how chunks lie differs, and with it what
 * de-duplication takes. So what differs is asked again for a while.
 */
async function expectEqual({ query, thanosQuery }: Stack, questions: readonly Question[]): Promise<void> {
  if (thanosQuery === undefined) return;
  let differing: ReadonlyMap<Question, string> = new Map(questions.map((question) => [question, '']));
  const end = Date.now() + SETTLE_MS;
  do {
    differing = await compareQueriers(thanosQuery.url, query.url, [...differing.keys()]);
    if (differing.size > 0) await pause(200);
  } while (differing.size > 0 && Date.now() < end);
  assert.deepEqual([...differing.values()], [], `${differing.size} of ${questions.length} answers differ`);
}

/** What a replica's Prometheus says of a counter that starts anew, we say of that replica. */
async function expectAsPrometheus({ query, a, b }: Stack, over: Range): Promise<void> {
  for (const [name, replica] of Object.entries({ a, b })) {
    for (const call of ['increase', 'rate', 'resets', 'changes', 'last_over_time', 'delta']) {
      const theirs = await ask(replica.prometheus.url, range(`${call}(${RESTARTING}[4s])`, over));
      const own = await ask(
        query.url,
        range(`${call}(${RESTARTING}{replica="${name}"}[4s])`, over, { dedup: 'false' }),
      );
      assert.equal(countOf(theirs), 1, theirs.body);
      assert.deepEqual(
        resultOf(own).map(({ values }) => values),
        resultOf(theirs).map(({ values }) => values),
        `${call} of replica ${name}`,
      );
    }
  }
}

interface StoreStatus {
  readonly name: string;
  readonly labelSets: readonly Readonly<Record<string, string>>[];
  readonly minTime: number;
  readonly maxTime: number;
}

/** The stores page: who is there, with which labels, over which time. */
async function expectRanges({ query, a, b, store, startMs }: Stack): Promise<void> {
  const body = (await (await fetch(`${query.url}/api/v1/stores`)).json()) as {
    readonly data: Readonly<Record<string, readonly StoreStatus[]>>;
  };
  const { sidecar: sidecars = [], store: stores = [] } = body.data;
  assert.deepEqual(Object.keys(body.data).sort(), ['sidecar', 'store']);
  assert.deepEqual(sidecars.map(({ name }) => name).sort(), [a.sidecar.grpc, b.sidecar.grpc].sort());
  for (const sidecar of sidecars) {
    assert.ok(sidecar.minTime > startMs, 'a sidecar starts where its Prometheus does');
    assert.equal(BigInt(sidecar.maxTime), 2n ** 63n, 'a sidecar has no end'); // 2^63 - 1, read as a double.
  }
  assert.deepEqual(sidecars.map(({ labelSets }) => labelSets[0]['replica']).sort(), ['a', 'b']);
  assert.deepEqual(
    stores.map(({ name }) => name),
    [store.grpc],
  );
  assert.deepEqual(stores[0].labelSets.map((labels) => `${labels['cluster']}/${labels['replica']}`).sort(), [
    'c/a',
    'c/b',
  ]);
  const oldest = Math.min(...sidecars.map(({ minTime }) => minTime));
  assert.ok(stores[0].minTime <= startMs, 'the store has what was scraped first');
  assert.ok(stores[0].maxTime > oldest, 'the store reaches to what Prometheus still has');
  assert.ok(stores[0].maxTime <= Date.now(), 'the store has nothing of the future');
}

async function waitForSamples(url: string, timeMs: number): Promise<void> {
  const question = instant('requests_total{code="200"}[1s]', timeMs, { dedup: 'false' });
  await waitUntil('both replicas have samples of then', WAIT_MS, async () => {
    return Date.now() > timeMs + 600 && countOf(await ask(url, question)) === 2;
  });
}

/** When a Prometheus first scraped after a moment, ms. */
async function firstSampleOf({ url }: RunningPrometheus, afterMs: number): Promise<number> {
  let firstMs = 0;
  await waitUntil('Prometheus scrapes again', WAIT_MS, async () => {
    const now = Date.now();
    const [found] = resultOf(await ask(url, instant(`up{job="target"}[${Math.max(1, now - afterMs)}ms]`, now)));
    firstMs = Math.round((found?.values?.[0][0] ?? 0) * 1_000);
    return firstMs > afterMs;
  });
  return firstMs;
}

/** The least time a Prometheus still has, ms. */
async function lowestTimeOf({ url }: RunningPrometheus): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^prometheus_tsdb_lowest_timestamp (.*)$/m.exec(text)?.[1]);
}

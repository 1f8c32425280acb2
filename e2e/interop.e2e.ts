// Our parts among the reference's and theirs among ours: whichever sidecar, store gateway and querier are put together
// over the same Prometheus servers and the same bucket, the answers are those of the reference alone.

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFailed, test } from 'vitest';
import { goldenDir } from '../dev/golden.ts';
import { peer } from '../dev/peers.ts';
import { bucketTool, complaintsOfVerify } from './harness/bucket-tool.ts';
import { Cluster } from './harness/cluster.ts';
import { type Answer, ask, difference, instant, metadata, type Question, range } from './harness/compare.ts';
import { type GoldenRecord, readGoldenRecords } from './harness/golden-records.ts';
import { waitUntil } from './harness/process.ts';
import {
  filesystemYaml,
  ours,
  type Program,
  reference,
  type Service,
  startQuery,
  startSidecar,
  startStore,
} from './harness/programs.ts';
import { startPrometheus } from './harness/prometheus.ts';

const [prometheus, thanos] = await Promise.all([peer('prometheus'), peer('thanos')]);
const golden = goldenDir();

const REPLICAS = ['A', 'B'] as const;
/** Start of the replicas' data; it lasts half a day. */
const BASE_MS = 1_718_668_800_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Relative; sums may be added in another order. */
const TOLERANCE = 1e-9;

const KINDS: ReadonlySet<string> = new Set([
  ...['instant', 'range', 'dedup', 'downsampled', 'series', 'labels', 'label_values'],
]);

/**
 * Without de-duplication the reference reads raw counters as what never falls: resets() is 0, and a rate does not know
 * where the counter began anew. Prometheus is right there, and ours is compared with it below.
 */
const REFERENCE_IS_WRONG: ReadonlySet<string> = new Set([
  ...['instant-066', 'downsampled-076'],
  ...['rate', 'increase', 'subquery'].map((name) => `side-late-${name}`),
]);

describe.skipIf(prometheus === undefined || thanos === undefined || golden === undefined)('mixed fleets', () => {
  const cluster = new Cluster('interop');
  let bucketYaml: string;
  let bucket: string;
  let localBlocks: string[];
  const queriers = new Map<string, Service>();
  let theirs: Service;
  let prometheusUrls: string[];
  /** What the reference alone answers; floats only, native histograms have tests of their own. */
  const expected: (readonly [id: string, question: Question, answer: Answer])[] = [];

  beforeAll(async () => {
    try {
      bucket = cluster.path('bucket');
      copyTree(join(golden!, 'bucket', 'main', 'after'), bucket);
      // Some of the replicas' blocks are in that bucket as they are; the sidecars are to bring them.
      const local = REPLICAS.flatMap((replica) => blocksIn(join(golden!, 'blocks', `ha-${replica}`)));
      for (const ulid of local) rmSync(join(bucket, ulid), { recursive: true, force: true });
      bucketYaml = filesystemYaml(bucket);
      const prometheuses = await Promise.all(
        REPLICAS.map(async (replica) => {
          const directory = cluster.path(`prometheus-${replica}`);
          copyTree(join(golden!, 'blocks', `ha-${replica}`), directory);
          return await startPrometheus(cluster, prometheus!, {
            name: replica,
            externalLabels: { cluster: 'side', replica },
            targets: [],
            scrapeInterval: '1m',
            blockDuration: '2h',
            retention: '100y',
            directory,
          });
        }),
      );
      prometheusUrls = prometheuses.map(({ url }) => url);
      localBlocks = prometheuses.flatMap(({ directory }) => blocksIn(directory));
      const sidecarsOf = (program: Program, yaml?: string): Promise<Service[]> =>
        Promise.all(
          prometheuses.map(({ url, directory }, i) =>
            startSidecar(cluster, program, { name: REPLICAS[i], prometheusUrl: url, directory, bucketYaml: yaml }),
          ),
        );
      const [ourSidecars, theirSidecars] = [await sidecarsOf(ours, bucketYaml), await sidecarsOf(reference(thanos!))];
      await waitUntil('all blocks are uploaded', 60_000, async () =>
        localBlocks.every((ulid) => existsSync(join(bucket, ulid, 'meta.json'))),
      );
      const [ourStore, theirStore] = await Promise.all([
        startStore(cluster, ours, 's', bucketYaml),
        startStore(cluster, reference(thanos!), 's', bucketYaml),
      ]);
      const fleets: readonly (readonly [string, Program, readonly Service[]])[] = [
        ['thanos', reference(thanos!), [...theirSidecars, theirStore]],
        ['a real querier over our sidecars and store', reference(thanos!), [...ourSidecars, ourStore]],
        ['our querier over real sidecars and a real store', ours, [...theirSidecars, theirStore]],
        ['our own querier, sidecars and store', ours, [...ourSidecars, ourStore]],
        ['our querier over some of each', ours, [ourSidecars[0], theirSidecars[1], ourStore, theirStore]],
      ];
      await Promise.all(
        fleets.map(async ([name, program, endpoints], i) => {
          queriers.set(name, await startQuery(cluster, program, String(i), endpoints));
        }),
      );
      theirs = queriers.get('thanos')!;
      for (const [name, { url }] of queriers) {
        await waitUntil(`${name} knows its endpoints`, 60_000, async () => {
          const stores = await fetch(`${url}/api/v1/stores`);
          const { data } = (await stores.json()) as { readonly data: Readonly<Record<string, readonly unknown[]>> };
          return Object.values(data ?? {}).flat().length === (name.includes('some of each') ? 4 : 3);
        });
      }
      for (const [id, question] of questions()) {
        const answer = await ask(theirs.url, question);
        if (hasFloatsOnly(question, answer)) expected.push([id, question, answer]);
      }
    } catch (thrown) {
      console.error(cluster.logs);
      throw thrown;
    }
  });
  afterAll(() => cluster.close());

  for (const name of [
    'a real querier over our sidecars and store',
    'our querier over real sidecars and a real store',
    'our own querier, sidecars and store',
    'our querier over some of each',
  ]) {
    test(`${name} answer as the reference alone does`, async () => {
      onTestFailed(() => console.error(cluster.logs));
      const { url } = queriers.get(name)!;
      const found: string[] = [];
      for (const [id, question, answer] of expected) {
        const one = difference(answer, await ask(url, question), TOLERANCE);
        if (one !== undefined && !REFERENCE_IS_WRONG.has(id)) found.push(`${id}: ${JSON.stringify(question)}: ${one}`);
      }
      assert.deepEqual(found, [], `${found.length} of ${expected.length} answers differ`);
      assert.ok(expected.length >= 60, `too few questions: ${expected.length}`);
    });
  }

  test('of a counter that starts anew ours say what its Prometheus says', async () => {
    onTestFailed(() => console.error(cluster.logs));
    const { url } = queriers.get('our own querier, sidecars and store')!;
    for (const [i, replica] of REPLICAS.entries()) {
      for (const query of ['rate(M[5m])', 'increase(M[30m])', 'resets(M[30m])', 'max_over_time(rate(M[5m])[20m:1m])']) {
        const [theirs, own] = await Promise.all([
          ask(prometheusUrls[i], range(query.replace('M', 'ha_requests_total'), LATE)),
          ask(
            url,
            range(query.replace('M', `ha_requests_total{cluster="side",replica="${replica}"}`), LATE, {
              dedup: 'false',
            }),
          ),
        ]);
        assert.deepEqual(valuesByInstance(own), valuesByInstance(theirs), `${query} of replica ${replica}`);
      }
    }
  });

  test('the tools of the reference see our uploads and find nothing wrong', async () => {
    const listed = await bucketTool(thanos!, ['ls', '--output=json'], bucketYaml);
    // One indented object after the other.
    const metas = JSON.parse(`[${listed.stdout.trim().replaceAll('\n}\n{', '\n},\n{')}]`) as BlockMeta[];
    const uploaded = metas.filter(({ thanos: { source } }) => source === 'sidecar').map(({ ulid }) => ulid);
    assert.deepEqual(uploaded.sort(), [...localBlocks].sort());
    assert.equal(await complaintsOfVerify(thanos!, bucketYaml), undefined);
  });
});

interface BlockMeta {
  readonly ulid: string;
  readonly thanos: { readonly source: string };
}

/** In text form, so that values are equal to the last bit. */
function valuesByInstance({ body }: Answer): Map<string, unknown> {
  const { data } = JSON.parse(body) as {
    readonly data: {
      readonly result: readonly { readonly metric: Record<string, string>; readonly values: unknown }[];
    };
  };
  assert.ok(data.result.length > 0, 'nothing to compare');
  return new Map(data.result.map(({ metric, values }) => [`${metric['instance']}/${metric['code']}`, values]));
}

/** What is asked of every fleet: the recorded kinds, and our own over the replicas with a Prometheus. */
function* questions(): Iterable<readonly [id: string, question: Question]> {
  for (const record of readGoldenRecords(join(golden!, 'queries', 'queries.jsonl.gz'))) {
    if (record.querier === 'main-after' && KINDS.has(record.kind) && !REFERENCE_IS_WRONG.has(record.id)) {
      yield [record.id, questionOf(record)];
    }
  }
  yield* sideQuestions();
}

function questionOf({ path, params, method }: GoldenRecord): Question {
  return { path, params, method };
}

function at(minutes: number): number {
  return BASE_MS + minutes * MINUTE_MS;
}

// Replica A is away in minutes 35 to 52 and 400 to 430, B in 200 to 260 and 415 to 445.
const HALF_DAY = { startMs: BASE_MS, endMs: at(12 * 60), stepMs: 10 * MINUTE_MS };
const GAP = { startMs: at(30), endMs: at(60), stepMs: MINUTE_MS };
const LATE = { startMs: at(395), endMs: at(450), stepMs: MINUTE_MS };

const SIDE_QUERIES: Readonly<Record<string, string>> = {
  plain: 'ha_requests_total{cluster="side"}',
  rate: 'rate(ha_requests_total{cluster="side"}[5m])',
  increase: 'sum by (instance) (increase(ha_requests_total{cluster="side"}[30m]))',
  without: 'sum without (replica) (ha_requests_total)',
  offset: 'ha_temperature{cluster="side"} - ha_temperature{cluster="side"} offset 10m',
  join: 'ha_temperature{cluster="side"} - on (instance) ha_temperature{cluster="ha"}',
  subquery: 'max_over_time(rate(ha_requests_total{cluster="side"}[5m])[20m:1m])',
  topk: 'topk(2, ha_temperature{cluster="side"})',
  quantile: 'quantile(0.5, ha_temperature)',
  count: 'count by (__name__) ({cluster="side",__name__!="ha_latency"})',
  at: 'avg_over_time(ha_temperature{cluster="side"}[10m] @ end())',
  stddev: 'stddev by (cluster) (ha_temperature)',
};

function* sideQuestions(): Iterable<readonly [id: string, question: Question]> {
  for (const [name, query] of Object.entries(SIDE_QUERIES)) {
    yield [`side-half-${name}`, range(query, HALF_DAY)];
    yield [`side-gap-${name}`, range(query, GAP)];
    yield [`side-late-${name}`, range(query, LATE, { dedup: 'false' })];
    yield [`side-instant-${name}`, instant(query, at(40))];
  }
  const side = '{cluster="side"}';
  const more: Question[] = [
    ...['true', 'false'].flatMap((dedup) => [
      instant('ha_ticks_total{cluster="side"}[10m]', at(45), { dedup }),
      instant('ha_requests_total{cluster="side"}[1h]', at(430), { dedup }),
    ]),
    instant('ha_requests_total{cluster="side",replica="A"}', at(40), { dedup: 'false' }),
    instant('ha_requests_total{cluster="side",replica=~"A|B"}[5m]', at(210), { dedup: 'false' }),
    instant('rate(ha_requests_total{cluster="side"}[5m])', at(230), { 'replicaLabels[]': 'instance' }),
    { ...metadata('series', HALF_DAY, side), method: 'POST' },
    metadata('series', GAP, '{cluster="side",__name__=~"ha_.*s_total"}'),
    metadata('labels', HALF_DAY, side),
    metadata('labels', { startMs: at(40), endMs: at(41) }),
    metadata('label/instance/values', HALF_DAY, side),
    metadata('label/replica/values', HALF_DAY),
    metadata('label/cluster/values', { startMs: BASE_MS - 12 * 24 * HOUR_MS, endMs: at(60) }),
    metadata('label/__name__/values', HALF_DAY, side, '{cluster="long"}'),
  ];
  for (const [i, question] of more.entries()) yield [`side-more-${i}`, question];
}

function hasFloatsOnly({ params }: Question, { body }: Answer): boolean {
  const query = params.find(([name]) => name === 'query')?.[1] ?? '';
  return !body.includes('"histogram') && !/\b(ha|hl)_latency\b|native|histogram_(count|sum|avg|fraction)/.test(query);
}

function blocksIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => existsSync(join(directory, name, 'meta.json')));
}

/** Copies what may be read-only, so that the copy can be changed and removed. */
function copyTree(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const relative = join(entry.parentPath, entry.name).slice(from.length);
    const target = join(to, relative);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(entry.parentPath, entry.name), target);
    chmodSync(target, 0o644);
  }
}

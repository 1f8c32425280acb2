// Our client on the reference's gateway, and the reference's querier on our server.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { freePort, peer } from '../../dev/peers.ts';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import type { Host } from '../lifecycle/component.ts';
import { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { GrpcClient } from '../net/grpc/client.ts';
import { GrpcServer } from '../net/grpc/server.ts';
import { type GoldenCall, readGoldenCalls } from '../proto/golden-calls.ts';
import { infoMethod } from '../proto/info-service.ts';
import { numberOf } from '../proto/int64.ts';
import { labelsOf } from '../proto/labels.ts';
import { labelNamesMethod, labelValuesMethod, seriesMethod, seriesResponseCodec } from '../proto/store-service.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { FakeStore, parseFakeSeries } from './fake-store.ts';
import { GrpcStoreClient } from './grpc-client.ts';
import { storeService } from './grpc-server.ts';
import { infoOf, infoService } from './info.ts';
import { labelNamesRequestOf, labelValuesRequestOf, seriesRequestOf } from './messages.ts';
import type { Store } from './store.ts';

const thanos = await peer('thanos');
const canRun = thanos !== undefined && goldenDir() !== undefined;
const host: Host = { signal: new AbortController().signal, spawn() {}, ready() {}, unready() {} };

describe.skipIf(!canRun)('the reference’s store gateway, asked by our client,', () => {
  let directory: string;
  let gateway: ChildProcess;
  let client: GrpcClient;
  const calls = canRun ? readGoldenCalls(join(goldenDir()!, 'grpc', 'store.jsonl.gz')) : [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'interop-'));
    const bucket = join(directory, 'bucket.yml');
    await writeFile(bucket, `type: FILESYSTEM\nconfig:\n  directory: ${join(goldenDir()!, 'bucket/main/after')}\n`);
    const [grpc, http] = [await freePort(), await freePort()];
    gateway = run([
      'store',
      `--objstore.config-file=${bucket}`,
      `--data-dir=${join(directory, 'data')}`,
      `--grpc-address=127.0.0.1:${grpc}`,
      `--http-address=127.0.0.1:${http}`,
    ]);
    await ready(http);
    client = new GrpcClient({}, { address: `127.0.0.1:${grpc}` });
  }, 60_000);
  afterAll(async () => {
    client?.close();
    await kill(gateway);
    await rm(directory, { recursive: true, force: true });
  });

  for (const call of calls) {
    test(`answers ${call.method} as recorded: ${call.name}`, async () => {
      const live = new GrpcStoreClient(client);
      if (call.code !== 'OK') {
        await assert.rejects(answerOf(live, call), (thrown) => kindOf(thrown) === 'invalid');
        return;
      }
      assert.deepEqual(await answerOf(live, call), recordedAnswer(call));
    });
  }
});

test.skipIf(!canRun)(
  'the reference’s querier gets its answer from our server',
  async () => {
    const now = Math.floor(Date.now() / 1000) * 1000 - 600_000;
    const samples = Array.from({ length: 241 }, (_, i) => `${now - 3_600_000 + i * 15_000}:${i * 15}`).join(' ');
    const series = parseFakeSeries(`
    requests_total{job="api", instance="a"} ${samples}
    requests_total{job="api", instance="b"} ${samples}
    requests_total{job="web", instance="c"} ${samples}
  `);
    const labels = Labels.of({ cluster: 'eu', replica: '0' });
    const bounds = { minTime: MIN_TIME, maxTime: MAX_TIME };
    const store = new FakeStore(series, { externalLabels: labels });
    const info = infoService(() => ({
      component: 'store',
      labelSets: [labels],
      store: {
        ...bounds,
        supportsSharding: true,
        supportsWithoutReplicaLabels: true,
        tsdbInfos: [{ labels, ...bounds }],
      },
      otherApis: [],
    }));
    const server = new GrpcServer(
      { logger: silentLogger, metrics: new Metrics(), services: [storeService(store), info] },
      { address: '127.0.0.1:0', gracePeriodMs: 500, maxConnectionAgeMs: 0 },
    );
    await server.start(host);
    const [grpc, http] = [await freePort(), await freePort()];
    const querier = run([
      'query',
      `--endpoint=127.0.0.1:${server.port}`,
      `--grpc-address=127.0.0.1:${grpc}`,
      `--http-address=127.0.0.1:${http}`,
      '--query.replica-label=replica',
    ]);
    try {
      await ready(http);
      const ask = async (path: string) => {
        const response = await fetch(`http://127.0.0.1:${http}/api/v1/${path}`);
        // Whatever the API answers; the assertions below are its type.
        return JSON.parse(await response.text()).data;
      };
      let stores: Partial<Record<string, { lastError: unknown }[]>> = {};
      for (let i = 0; i < 200 && stores['store'] === undefined; i++) {
        stores = await ask('stores');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.equal(stores['store']![0].lastError, null);
      const query = encodeURIComponent('sum by (job, cluster) (rate(requests_total[5m]))');
      const { result } = await ask(`query?query=${query}&time=${now / 1000}&dedup=true`);
      assert.deepEqual(
        result.map(({ metric, value }: { metric: object; value: [number, string] }) => [
          metric,
          Number(value[1]).toFixed(9),
        ]),
        [
          [{ cluster: 'eu', job: 'api' }, '2.000000000'],
          [{ cluster: 'eu', job: 'web' }, '1.000000000'],
        ],
      );
      const range = `start=${now / 1000 - 7200}&end=${now / 1000}`;
      assert.deepEqual(await ask(`labels?${range}`), ['__name__', 'cluster', 'instance', 'job', 'replica']);
      assert.deepEqual(await ask(`label/instance/values?${range}`), ['a', 'b', 'c']);
      assert.equal((await ask(`series?match[]=requests_total&${range}`)).length, 3);
      assert.ok(store.requests.some(({ withoutReplicaLabels }) => withoutReplicaLabels.includes('replica')));
    } finally {
      await kill(querier);
      await server.stop();
    }
  },
  60_000,
);

/** What a store answers, as plain values. */
async function answerOf(store: Store & Pick<GrpcStoreClient, 'info'>, call: GoldenCall): Promise<unknown> {
  const request = backgroundRequest();
  switch (call.method) {
    case infoMethod.path:
      return plainInfo(await store.info(request));
    case labelNamesMethod.path:
      return plainAnswer(
        await store.labelNames(request, labelNamesRequestOf(labelNamesMethod.request.decode(call.requestBytes))),
      );
    case labelValuesMethod.path: {
      const message = labelValuesMethod.request.decode(call.requestBytes);
      // An expression that is none cannot even be asked for: it is refused on our side in the same way.
      return plainAnswer(await store.labelValues(request, labelValuesRequestOf(message)));
    }
    default: {
      const out: unknown[] = [];
      const query = seriesRequestOf(seriesMethod.request.decode(call.requestBytes));
      for await (const { series, warnings } of store.series(request, query)) {
        out.push(...warnings);
        for (const { labels, chunks } of series) {
          const parts: unknown[] = [];
          for (const { table, from, to } of chunks) {
            for (let i = from; i < to; i++) {
              for (let p = table.firstPart[i]; p < table.firstPart[i + 1]; p++) {
                const end = table.partOffset[p] + table.partLength[p];
                const data = Buffer.from(table.bytes.subarray(table.partOffset[p], end)).toString('hex');
                parts.push([table.minTimes[i], table.maxTimes[i], table.partAggregate[p], table.partEncoding[p], data]);
              }
            }
          }
          out.push([String(labels), parts]);
        }
      }
      return out;
    }
  }
}

/** The recorded frames through protobufjs, in the same plain values. */
function recordedAnswer(call: GoldenCall): unknown {
  switch (call.method) {
    case infoMethod.path:
      return plainInfo(infoOf(infoMethod.response.decode(call.frames[0])));
    case labelNamesMethod.path: {
      const { names, warnings } = labelNamesMethod.response.decode(call.frames[0]);
      return plainAnswer({ values: names, warnings });
    }
    case labelValuesMethod.path: {
      const { values, warnings } = labelValuesMethod.response.decode(call.frames[0]);
      return plainAnswer({ values, warnings });
    }
    default:
      return call.frames.flatMap(plainFrame);
  }
}

function plainFrame(frame: Buffer): unknown[] {
  const { result, series, batch, warning } = seriesResponseCodec.decode(frame);
  if (result === 'warning') return [warning];
  return [...(series === null ? [] : [series]), ...(batch?.series ?? [])].map(({ labels, chunks }) => [
    String(labelsOf(labels)),
    chunks.flatMap((chunk) =>
      [chunk.raw, chunk.count, chunk.sum, chunk.min, chunk.max, chunk.counter].flatMap((part, aggregate) => {
        if (part === null) return [];
        const times = [numberOf(chunk.min_time), numberOf(chunk.max_time)];
        return [[...times, aggregate, part.type + 1, Buffer.from(part.data).toString('hex')]];
      }),
    ),
  ]);
}

function plainAnswer({ values, warnings }: { values: readonly string[]; warnings: readonly string[] }): unknown {
  return { values, warnings };
}

/** The order of entries is free. */
function plainInfo(info: Awaited<ReturnType<GrpcStoreClient['info']>>): unknown {
  const tsdbInfos = info.store!.tsdbInfos.map(({ labels, ...rest }) => `${labels} ${JSON.stringify(rest)}`).sort();
  return { ...info, labelSets: info.labelSets.map(String).sort(), store: { ...info.store, tsdbInfos } };
}

function run(args: readonly string[]): ChildProcess {
  return spawn(thanos!, args, { stdio: 'ignore' });
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function ready(port: number): Promise<void> {
  for (let i = 0; i < 400; i++) {
    try {
      if ((await fetch(`http://127.0.0.1:${port}/-/ready`)).ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the peer never became ready');
}

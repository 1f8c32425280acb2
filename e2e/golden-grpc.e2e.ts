// The StoreAPI of our store gateway and of our sidecar, call by call as the reference's answered.

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, onTestFailed, test } from 'vitest';
import { goldenDir } from '../dev/golden.ts';
import { peer } from '../dev/peers.ts';
import { GrpcClient } from '../pkg/net/grpc/client.ts';
import { type GoldenCall, readGoldenCalls } from '../pkg/proto/golden-calls.ts';
import { Cluster } from './harness/cluster.ts';
import { type PlainAnswer, plainAnswer, sendCall } from './harness/golden-grpc.ts';
import { filesystemYaml, ours, startSidecar, startStore } from './harness/programs.ts';
import { startPrometheus } from './harness/prometheus.ts';

const golden = goldenDir();
const prometheus = await peer('prometheus');

const callsTo = (target: string): readonly GoldenCall[] =>
  golden === undefined ? [] : readGoldenCalls(join(golden, 'grpc', `${target}.jsonl.gz`));

describe.skipIf(golden === undefined)('our store gateway over the recorded bucket', () => {
  const cluster = new Cluster('golden-grpc-store');
  let client: GrpcClient;
  beforeAll(async () => {
    const yaml = filesystemYaml(join(golden!, 'bucket', 'main', 'after'));
    client = new GrpcClient({}, { address: (await startStore(cluster, ours, 'main-after', yaml)).grpc });
  });
  afterAll(async () => {
    client?.close();
    await cluster.close();
  });
  answersAsRecorded(callsTo('store'), cluster, () => client);
});

describe.skipIf(golden === undefined || prometheus === undefined)('our sidecar beside a real Prometheus', () => {
  const cluster = new Cluster('golden-grpc-sidecar');
  let client: GrpcClient;
  beforeAll(async () => {
    const directory = cluster.path('data');
    for (const set of ['basic', 'histograms']) cpSync(join(golden!, 'blocks', set), directory, { recursive: true });
    const { url } = await startPrometheus(cluster, prometheus!, {
      name: 'side',
      externalLabels: { cluster: 'side', replica: '0' },
      targets: [],
      scrapeInterval: '15s',
      blockDuration: '2h',
      retention: '100y',
      directory,
    });
    const sidecar = await startSidecar(cluster, ours, { name: 'side', prometheusUrl: url, directory });
    client = new GrpcClient({}, { address: sidecar.grpc });
  });
  afterAll(async () => {
    client?.close();
    await cluster.close();
  });
  answersAsRecorded(callsTo('sidecar'), cluster, () => client);
});

/** Says where the reference's gateway met a bad matcher. The reason behind it is ours as well. */
const REFERENCE_PREFIX = /^translate request labels matchers: /;

function answersAsRecorded(calls: readonly GoldenCall[], cluster: Cluster, client: () => GrpcClient): void {
  for (const call of calls) {
    test(`${call.method} answers as recorded: ${call.name}`, async () => {
      onTestFailed(() => console.error(cluster.logs));
      const answer = await sendCall(client(), call);
      const { code, frames } = call;
      const message = call.message.replace(REFERENCE_PREFIX, '');
      const recorded: PlainAnswer = { code, message, content: code === 'OK' ? plainAnswer(call.method, frames) : [] };
      assert.deepEqual(answer, recorded);
    });
  }
}

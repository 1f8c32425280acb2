import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { goldenDir } from '../../../dev/golden.ts';
import { backgroundRequest } from '../../async/request.ts';
import { kindOf } from '../../errors/fault.ts';
import { GrpcClient } from '../../net/grpc/client.ts';
import { GrpcServer } from '../../net/grpc/server.ts';
import { FilesystemBucket } from '../../objstore/filesystem.ts';
import { infoMethod } from '../../proto/info-service.ts';
import { labelNamesMethod, labelValuesMethod, seriesMethod } from '../../proto/store-service.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { GrpcStoreClient } from '../grpc-client.ts';
import { storeService } from '../grpc-server.ts';
import { infoOf } from '../info.ts';
import { labelNamesRequestOf, labelValuesRequestOf, seriesRequestOf } from '../messages.ts';
import type { LabelsAnswer, Store } from '../store.ts';
import { plainFrames, plainSeries } from './golden-calls.ts';
import { type TestGateway, testGateway } from './test-gateway.ts';

const golden = goldenDir();

interface GoldenCall {
  readonly name: string;
  readonly method: string;
  readonly code: string;
  readonly requestBytes: string;
  /** An empty frame is null. */
  readonly frames: readonly (string | null)[];
}

const calls: readonly GoldenCall[] =
  golden === undefined
    ? []
    : gunzipSync(readFileSync(join(golden, 'grpc/store.jsonl.gz')))
        .toString()
        .trim()
        .split('\n')
        .map((line): GoldenCall => JSON.parse(line));

describe.skipIf(golden === undefined)('golden StoreAPI calls', () => {
  let made: TestGateway;
  let server: GrpcServer;
  let client: GrpcClient;
  beforeAll(async () => {
    made = await testGateway(new FilesystemBucket(join(golden!, 'bucket/main/after')));
    server = new GrpcServer(
      { logger: silentLogger, metrics: new Metrics(), services: [storeService(made.gateway.store)] },
      { address: '127.0.0.1:0', gracePeriodMs: 500, maxConnectionAgeMs: 0 },
    );
    await server.start({ signal: new AbortController().signal, spawn() {}, ready() {}, unready() {} });
    client = new GrpcClient({}, { address: `127.0.0.1:${server.port}` });
  });
  afterAll(async () => {
    client.close();
    await server.stop();
    await made.close();
  });

  for (const [way, storeOf] of [
    ['directly', (): Store => made.gateway.store],
    ['over gRPC', (): Store => new GrpcStoreClient(client)],
  ] as const) {
    for (const call of calls) {
      test(`${call.name}, ${way}, is what thanos store answers`, async () => {
        const frames = call.frames.map((frame) => Buffer.from(frame ?? '', 'base64'));
        const message = Buffer.from(call.requestBytes, 'base64');
        const request = backgroundRequest();
        const answer = async (): Promise<void> => {
          switch (call.method) {
            case '/thanos.info.Info/Info':
              assertInfo(made, frames[0]);
              return;
            case '/thanos.Store/Series': {
              const query = seriesRequestOf(seriesMethod.request.decode(message));
              assert.deepEqual(await plainSeries(request, storeOf(), query), plainFrames(frames));
              return;
            }
            case '/thanos.Store/LabelNames': {
              const query = labelNamesRequestOf(labelNamesMethod.request.decode(message));
              const expected = frames.length === 0 ? undefined : labelNamesMethod.response.decode(frames[0]);
              assertLabels(await storeOf().labelNames(request, query), expected?.names, call);
              return;
            }
            default: {
              const query = labelValuesRequestOf(labelValuesMethod.request.decode(message));
              const expected = frames.length === 0 ? undefined : labelValuesMethod.response.decode(frames[0]);
              assertLabels(await storeOf().labelValues(request, query), expected?.values, call);
            }
          }
        };
        if (call.code === 'OK') await answer();
        else
          await assert.rejects(answer(), (thrown) => call.code === 'InvalidArgument' && kindOf(thrown) === 'invalid');
      });
    }
  }
});

function assertLabels(answer: LabelsAnswer, expected: readonly string[] | undefined, call: GoldenCall): void {
  assert.deepEqual(answer.values, expected);
  assert.deepEqual(answer.warnings, []);
  if (answer.queriedBlocks === undefined) return;
  // The reference gives its hints as JSON too, in no fixed order.
  const { decoded } = call as unknown as {
    decoded: readonly { hints: Record<string, { queried_blocks: readonly { id: string }[] | null }> | null }[];
  };
  const hints =
    decoded[0].hints === null ? undefined : (decoded[0].hints['labelNames'] ?? decoded[0].hints['labelValues']);
  assert.deepEqual([...answer.queriedBlocks].sort(), (hints?.queried_blocks ?? []).map(({ id }) => id).sort());
}

function assertInfo(made: TestGateway, frame: Uint8Array): void {
  const expected = infoOf(infoMethod.response.decode(frame));
  const info = made.gateway.info();
  const sorted = (infos: NonNullable<typeof info.store>['tsdbInfos']): string[] =>
    infos.map(({ labels, minTime, maxTime }) => `${labels} ${minTime} ${maxTime}`).sort();
  assert.deepEqual(info.labelSets.map(String), expected.labelSets.map(String));
  assert.deepEqual({ ...info.store, tsdbInfos: [] }, { ...expected.store, tsdbInfos: [] });
  assert.deepEqual(sorted(info.store!.tsdbInfos), sorted(expected.store!.tsdbInfos));
  assert.equal(info.component, expected.component);
  assert.deepEqual(info.otherApis, expected.otherApis);
}

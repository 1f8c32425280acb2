import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Host } from '../lifecycle/component.ts';
import { Labels } from '../model/labels.ts';
import { Matcher } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { GrpcClient } from '../net/grpc/client.ts';
import { GrpcServer } from '../net/grpc/server.ts';
import { labelValuesMethod, seriesMethod } from '../proto/store-service.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { labelsQuery, seriesQuery, storeConformance } from './conformance.ts';
import { FakeStore, type FakeStoreOptions } from './fake-store.ts';
import { GrpcStoreClient } from './grpc-client.ts';
import { storeService } from './grpc-server.ts';
import { infoService, notReady } from './info.ts';
import type { Store, StoreInfo } from './store.ts';

const host: Host = {
  signal: new AbortController().signal,
  spawn() {},
  ready() {},
  unready() {},
};

interface Loop {
  readonly client: GrpcClient;
  readonly store: GrpcStoreClient;
  readonly metrics: Metrics;
  close(): Promise<void>;
}

async function loopback(served: Store, info: () => StoreInfo = () => assert.fail()): Promise<Loop> {
  const metrics = new Metrics();
  const server = new GrpcServer(
    { logger: silentLogger, metrics, services: [storeService(served), infoService(info)] },
    { address: '127.0.0.1:0', gracePeriodMs: 500, maxConnectionAgeMs: 0 },
  );
  await server.start(host);
  const client = new GrpcClient({}, { address: `127.0.0.1:${server.port}` });
  return {
    client,
    store: new GrpcStoreClient(client),
    metrics,
    async close() {
      client.close();
      await server.stop();
    },
  };
}

for (const batchSeries of [1, 5]) {
  storeConformance(`grpc client and server, ${batchSeries} series a batch,`, async (series, externalLabels) => {
    const loop = await loopback(new FakeStore(series, { externalLabels, batchSeries }));
    return { store: loop.store, close: () => loop.close() };
  });
}

const everything = seriesQuery({
  minTime: MIN_TIME,
  maxTime: MAX_TIME,
  matchers: [new Matcher('=~', '__name__', '.+')],
});

/** `count` series of one chunk each. */
function many(count: number, options: FakeStoreOptions = {}): FakeStore {
  const series = Array.from({ length: count }, (_, i) => ({
    labels: Labels.of({ __name__: 'm', i: String(i).padStart(6, '0') }),
    samples: [[1000, i]] as [number, number][],
  }));
  return new FakeStore(series, options);
}

describe('a request', () => {
  const store = many(1);
  let loop: Loop;
  beforeAll(async () => {
    loop = await loopback(store);
  });
  afterAll(() => loop.close());

  test('arrives as it was sent', async () => {
    const query = seriesQuery({
      minTime: MIN_TIME,
      maxTime: MAX_TIME,
      matchers: [new Matcher('=', '__name__', 'm'), new Matcher('!~', 'i', 'x|y'), new Matcher('=', 'none', '')],
      maxResolutionMs: 300_000,
      aggregates: [1, 2, 5],
      skipChunks: true,
      partialResponse: 'warn',
      withoutReplicaLabels: ['replica'],
      limit: 10,
      responseBatchSize: 64,
      shard: { shardIndex: 0, totalShards: 1, by: true, labels: ['i'] },
      queryHints: { stepMs: 15_000, func: 'rate', rangeMs: 60_000, grouping: ['job'], by: true },
      blockMatchers: [new Matcher('=', '__block_id', 'X')],
    });
    for await (const _ of loop.store.series(backgroundRequest(), query));
    assert.deepEqual(JSON.parse(JSON.stringify(store.requests.at(-1))), JSON.parse(JSON.stringify(query)));
  });

  for (const [what, matchers, message] of [
    ['an unknown matcher type', [{ type: 7, name: 'a', value: 'b' }], /^unrecognized label matcher type 7$/],
    ['a bad expression', [{ type: 2, name: 'a', value: '[' }], /error parsing regexp: missing closing \]/],
  ] as const) {
    test(`with ${what} is invalid`, async () => {
      const stream = loop.client.stream(backgroundRequest(), seriesMethod, { matchers });
      await assert.rejects(stream.next(), (thrown) => {
        assert.equal(kindOf(thrown), 'invalid');
        assert.match(messageOf(thrown), message);
        return true;
      });
      const call = loop.client.unary(backgroundRequest(), labelValuesMethod, { label: 'a', matchers });
      await assert.rejects(call, (thrown) => kindOf(thrown) === 'invalid' && message.test(messageOf(thrown)));
    });
  }

  test('with hints of another type is invalid', async () => {
    const hints = { type_url: 'type.googleapis.com/hintspb.QueryStats', value: new Uint8Array(0) };
    const stream = loop.client.stream(backgroundRequest(), seriesMethod, { hints });
    await assert.rejects(stream.next(), (thrown) => kindOf(thrown) === 'invalid');
  });
});

describe('a stream', () => {
  test('carries 100000 series in order', async () => {
    const loop = await loopback(many(100_000, { batchSeries: 500 }));
    try {
      let count = 0;
      for await (const { series } of loop.store.series(backgroundRequest(), { ...everything, responseBatchSize: 64 })) {
        for (const { labels } of series) assert.equal(labels.get('i'), String(count++).padStart(6, '0'));
      }
      assert.equal(count, 100_000);
    } finally {
      await loop.close();
    }
  });

  test('a series of many megabytes comes in parts of about one', async () => {
    const samples = Array.from({ length: 600_000 }, (_, i) => [i * 1000, Math.sin(i)] as const);
    const loop = await loopback(new FakeStore([{ labels: Labels.of({ __name__: 'big' }), samples }]));
    try {
      let chunks = 0;
      let frames = 0;
      for await (const { series } of loop.store.series(backgroundRequest(), everything)) {
        frames++;
        for (const one of series) {
          assert.equal(one.labels.get('__name__'), 'big');
          for (const { table, from, to } of one.chunks) {
            assert.ok(table.bytes.length < 1.2 * (1 << 20));
            assert.equal(table.minTimes[from], chunks * 120_000);
            chunks += to - from;
          }
        }
      }
      assert.equal(chunks, 5000);
      assert.ok(frames >= 4);
    } finally {
      await loop.close();
    }
  });

  test('left early cancels the call, and the store is told', async () => {
    const served = many(100_000);
    const loop = await loopback(served);
    try {
      for await (const _ of loop.store.series(backgroundRequest(), everything)) break;
      await until(() => served.openStreams === 0);
      assert.match(await loop.metrics.text(), /grpc_server_handled_total\{[^}]*Series[^}]*grpc_code="Canceled"\} 1/);
    } finally {
      await loop.close();
    }
  });

  test('that nobody reads holds the store back', async () => {
    let pulled = 0;
    const source = many(1);
    const endless: Store = {
      labelNames: (request, query) => source.labelNames(request, query),
      labelValues: (request, query) => source.labelValues(request, query),
      async *series() {
        for (;;) {
          pulled++;
          yield { series: [], warnings: ['x'.repeat(1 << 20)] };
        }
      },
    };
    const loop = await loopback(endless);
    try {
      const stream = loop.store.series(backgroundRequest(), everything);
      await stream.next();
      let before = -1;
      await until(() => before === (before = pulled), 50);
      // Socket buffers, the window of 4 MiB, 4 MiB unsent and the frames read ahead.
      assert.ok(pulled < 64, `${pulled} MiB`);
      await stream.return();
    } finally {
      await loop.close();
    }
  });

  test('aborted by the caller ends with the reason', async () => {
    const served = many(100_000);
    const loop = await loopback(served);
    const controller = new AbortController();
    try {
      const stream = loop.store.series(backgroundRequest(controller.signal), everything);
      await stream.next();
      controller.abort(new Fault('timeout', 'query timed out'));
      const drain = async (): Promise<void> => {
        for await (const _ of stream);
      };
      await assert.rejects(
        drain(),
        (thrown) => kindOf(thrown) === 'timeout' && messageOf(thrown) === 'query timed out',
      );
      await until(() => served.openStreams === 0);
    } finally {
      await loop.close();
    }
  });

  for (const kind of ['limit', 'unavailable', 'corrupt', 'internal', 'not-found', 'execution'] as const) {
    test(`that fails with ${kind} after some series gives both`, async () => {
      const fault = new Fault(kind, `because: é\ud800 100% ${kind}`);
      const loop = await loopback(many(40, { failure: { fault, afterSeries: 32 } }));
      try {
        let count = 0;
        const drain = async (): Promise<void> => {
          for await (const { series } of loop.store.series(backgroundRequest(), everything)) count += series.length;
        };
        await assert.rejects(drain(), (thrown) => {
          assert.equal(kindOf(thrown), kind);
          assert.equal(messageOf(thrown), `because: é\ufffd 100% ${kind}`);
          return true;
        });
        assert.equal(count, 32);
      } finally {
        await loop.close();
      }
    });
  }

  test('warnings come through', async () => {
    const loop = await loopback(many(3, { warnings: ['one', 'two'] }));
    try {
      const warnings: string[] = [];
      for await (const batch of loop.store.series(backgroundRequest(), everything)) warnings.push(...batch.warnings);
      assert.deepEqual(warnings, ['one', 'two']);
      const { warnings: more } = await loop.store.labelNames(backgroundRequest(), labelsQuery({ maxTime: MAX_TIME }));
      assert.deepEqual(more, ['one', 'two']);
    } finally {
      await loop.close();
    }
  });
});

describe('Info', () => {
  const info: StoreInfo = {
    component: 'sidecar',
    labelSets: [Labels.of({ cluster: 'eu' })],
    store: {
      minTime: -62167219200000,
      maxTime: MAX_TIME,
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      tsdbInfos: [{ labels: Labels.of({ cluster: 'eu' }), minTime: MIN_TIME, maxTime: MAX_TIME }],
    },
    otherApis: ['rules', 'status'],
  };

  for (const [what, value] of [
    ['everything', info],
    ['no StoreAPI', { component: 'rule', labelSets: [], otherApis: ['rules'] }],
  ] as const) {
    test(`with ${what} arrives as it was said`, async () => {
      const loop = await loopback(many(1), () => value);
      try {
        assert.deepEqual(await loop.store.info(backgroundRequest(), { timeoutMs: 5000 }), value);
      } finally {
        await loop.close();
      }
    });
  }

  test('of a process that is not ready fails as the reference does', async () => {
    const loop = await loopback(many(1), () => {
      throw notReady();
    });
    try {
      await assert.rejects(loop.store.info(backgroundRequest()), (thrown) => {
        assert.ok(thrown instanceof Fault);
        assert.equal(thrown.facts['grpcCode'], 2);
        assert.equal(thrown.message, 'Not ready');
        return true;
      });
    } finally {
      await loop.close();
    }
  });
});

/** Lets the event loop run until the condition holds. */
async function until(condition: () => boolean, everyMs = 5): Promise<void> {
  for (let i = 0; i < 4000; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  assert.fail('never happened');
}

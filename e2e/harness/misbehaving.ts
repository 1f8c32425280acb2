// Endpoints in the test's own process: one that is in order, and ones that misbehave on the wire or above it.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { orAbort } from '../../pkg/async/deadline.ts';
import type { RequestContext } from '../../pkg/async/request.ts';
import type { Host } from '../../pkg/lifecycle/component.ts';
import { Labels } from '../../pkg/model/labels.ts';
import { GrpcServer } from '../../pkg/net/grpc/server.ts';
import { bindStream, bindUnary, type GrpcService } from '../../pkg/net/grpc/service.ts';
import { rawCodec } from '../../pkg/proto/codec.ts';
import { labelNamesMethod, labelValuesMethod, STORE_SERVICE, seriesMethod } from '../../pkg/proto/store-service.ts';
import { FakeStore, type FakeStoreOptions } from '../../pkg/store/fake-store.ts';
import { storeService } from '../../pkg/store/grpc-server.ts';
import { infoService } from '../../pkg/store/info.ts';
import { seriesRequestOf } from '../../pkg/store/messages.ts';
import { framesOf } from '../../pkg/store/response-batcher.ts';
import type { SeriesBatch, Store } from '../../pkg/store/store.ts';
import { silentLogger } from '../../pkg/telemetry/logger.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';

const host: Host = { signal: new AbortController().signal, spawn() {}, ready() {}, unready() {} };

/** Series to a frame. */
const BATCH_SERIES = 2;

export interface RunningStore {
  readonly port: number;
  stop(): Promise<void>;
}

/** Announces `store="<name>"` and samples from `minTime` on. */
export async function startFakeStore(
  name: string,
  service: GrpcService,
  times: { readonly minTime: number; readonly maxTime: number },
  port = 0,
): Promise<RunningStore> {
  const labels = Labels.of({ store: name });
  const info = infoService(() => ({
    component: 'store',
    labelSets: [labels],
    store: {
      ...times,
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      tsdbInfos: [{ labels, ...times }],
    },
    otherApis: [],
  }));
  const server = new GrpcServer(
    { logger: silentLogger, metrics: new Metrics(), services: [service, info] },
    { address: `127.0.0.1:${port}`, gracePeriodMs: 50, maxConnectionAgeMs: 0 },
  );
  await server.start(host);
  return { port: server.port, stop: () => server.stop() };
}

/** `count` series `m{i="…"}` of one store, two minutes of samples each, ending at `endMs`. */
export function series(count: number, endMs: number): string {
  const samples = Array.from({ length: 9 }, (_, i) => `${endMs - (8 - i) * 15_000}:${i}`).join(' ');
  return Array.from({ length: count }, (_, i) => `m{i="${String(i).padStart(3, '0')}"} ${samples}`).join('\n');
}

export function fakeStore(name: string, text: string, options: FakeStoreOptions = {}): Store {
  return new FakeStore(text, { batchSeries: BATCH_SERIES, externalLabels: Labels.of({ store: name }), ...options });
}

type Sending = (batches: AsyncIterable<SeriesBatch>, request: RequestContext) => AsyncIterable<SeriesBatch>;

/** A store's service that sends what the store has found in its own way, and every batch in a frame of its own. */
export function sending(store: Store, send: Sending = (batches) => batches): GrpcService {
  return {
    name: STORE_SERVICE,
    methods: [
      bindStream(seriesMethod, (request, message) => {
        const query = seriesRequestOf(message);
        return framesOf(send(store.series(request, query), request), BATCH_SERIES);
      }),
      ...storeService(store).methods.filter(({ method }) => method.path !== seriesMethod.path),
    ],
  };
}

/** One batch, then silence until the caller leaves. */
export async function* hangAfterFirst(batches: AsyncIterable<SeriesBatch>, request: RequestContext) {
  for await (const batch of batches) {
    yield batch;
    await orAbort(new Promise<never>(() => {}), request.signal);
  }
}

/** The batches the other way round, and those of each batch as well. */
export async function* backwards(batches: AsyncIterable<SeriesBatch>) {
  const all: SeriesBatch[] = [];
  for await (const batch of batches) all.push(batch);
  for (const batch of all.reverse()) yield { ...batch, series: [...batch.series].reverse() };
}

/** Every batch after a pause. */
export function slowly(pauseMs: number) {
  return async function* (batches: AsyncIterable<SeriesBatch>, request: RequestContext) {
    for await (const batch of batches) {
      await pause(pauseMs, undefined, { signal: request.signal });
      yield batch;
    }
  };
}

/** A Store service whose every answer is these bytes. */
export function garbageService(bytes: Uint8Array): GrpcService {
  return {
    name: STORE_SERVICE,
    methods: [
      bindStream({ ...seriesMethod, response: rawCodec }, async function* () {
        yield bytes;
      }),
      bindUnary({ ...labelNamesMethod, response: rawCodec }, async () => bytes),
      bindUnary({ ...labelValuesMethod, response: rawCodec }, async () => bytes),
    ],
  };
}

/** Accepts connections and does with them what it is told; `greeting` undefined says nothing at all, ever. */
export async function startTcp(greeting: Uint8Array | undefined): Promise<RunningStore> {
  return await listen((socket) => {
    if (greeting !== undefined) socket.on('data', () => socket.write(greeting));
    else socket.resume();
  });
}

export interface RunningProxy extends RunningStore {
  /** While frozen, nothing passes either way; connections stay open. */
  setFrozen(isFrozen: boolean): void;
  /** Ends every connection as a crash would. */
  reset(): void;
}

/** A wire to an endpoint. */
export async function startProxy(targetPort: number): Promise<RunningProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isFrozen = false;
  const running = await listen((near) => {
    const far = connect(targetPort, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (bytes) => {
        if (!isFrozen) to.write(bytes);
      });
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  return {
    ...running,
    setFrozen(frozen) {
      isFrozen = frozen;
    },
    reset() {
      for (const [near, far] of pairs) {
        near.resetAndDestroy();
        far.destroy();
      }
    },
  };
}

async function listen(onSocket: (socket: Socket) => void): Promise<RunningStore> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

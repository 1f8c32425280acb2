import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { type Client, credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProtoPath } from 'grpc-health-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { backgroundRequest, type RequestContext } from '../../async/request.ts';
import { Fault, kindOf, messageOf } from '../../errors/fault.ts';
import type { Host } from '../../lifecycle/component.ts';
import { infoMethod } from '../../proto/info-service.ts';
import { labelNamesMethod, labelValuesMethod, seriesMethod } from '../../proto/store-service.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { GrpcClient } from './client.ts';
import { GrpcServer } from './server.ts';
import { bindStream, bindUnary } from './service.ts';

const host: Host = { signal: new AbortController().signal, spawn() {}, ready() {}, unready() {} };

/** Whatever a handler is asked to do: the label of a LabelValues call names it. */
const seen: RequestContext[] = [];

async function answer(request: RequestContext, what: string): Promise<string[]> {
  seen.push(request);
  switch (what) {
    case 'throw':
      throw new TypeError('no such thing');
    case 'hang':
      return new Promise((_, reject) => {
        request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true });
      });
    default:
      return [what];
  }
}

function makeServer(metrics = new Metrics(), gracePeriodMs = 200): GrpcServer {
  const services = [
    {
      name: 'thanos.Store',
      methods: [
        bindUnary(labelValuesMethod, async (request, { label }) => ({ values: await answer(request, label) })),
        bindStream(seriesMethod, async function* (_request, message) {
          for (let i = 0; i < message.without_replica_labels.length; i++) yield Buffer.alloc(5 << 20, i);
        }),
      ],
    },
  ];
  return new GrpcServer(
    { logger: silentLogger, metrics, services },
    { address: '127.0.0.1:0', gracePeriodMs, maxConnectionAgeMs: 0 },
  );
}

describe('a server', () => {
  const metrics = new Metrics();
  const server = makeServer(metrics);
  let client: GrpcClient;
  beforeAll(async () => {
    await server.start(host);
    client = new GrpcClient({ metrics }, { address: `127.0.0.1:${server.port}` });
  });
  afterAll(async () => {
    client.close();
    await server.stop();
  });

  const ask = (label: string, request = backgroundRequest(), timeoutMs?: number) =>
    client.unary(request, labelValuesMethod, { label }, timeoutMs === undefined ? {} : { timeoutMs });

  test('answers, and sees tenant and request id', async () => {
    const { values } = await ask('x', { ...backgroundRequest(), tenant: 'team-a', requestId: '01J' });
    assert.deepEqual(values, ['x']);
    assert.equal(seen.at(-1)!.tenant, 'team-a');
    assert.equal(seen.at(-1)!.requestId, '01J');
    assert.equal(client.state, 'ready');
  });

  test('sends frames far above four megabytes', async () => {
    const message = { without_replica_labels: ['a', 'b', 'c'] };
    let bytes = 0;
    for await (const frame of client.stream(backgroundRequest(), seriesMethod, message)) bytes += frame.length;
    assert.equal(bytes, 15 << 20);
  });

  test('answers a throw with INTERNAL and counts it', async () => {
    await assert.rejects(
      ask('throw'),
      (thrown) => kindOf(thrown) === 'internal' && messageOf(thrown) === 'no such thing',
    );
    assert.match(await metrics.text(), /grpc_req_panics_recovered_total 1/);
  });

  test('does not know a method it does not serve', async () => {
    for (const call of [
      client.unary(backgroundRequest(), labelNamesMethod, {}),
      client.unary(backgroundRequest(), infoMethod, {}),
    ]) {
      await assert.rejects(call, (thrown) => thrown instanceof Fault && thrown.facts['grpcCode'] === 12);
    }
  });

  test('tells the handler when the caller leaves', async () => {
    const controller = new AbortController();
    const before = seen.length;
    const call = ask('hang', backgroundRequest(controller.signal));
    await arrived(before, call);
    const { signal } = seen.at(-1)!;
    controller.abort();
    await assert.rejects(call, (thrown) => kindOf(thrown) === 'canceled');
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    assert.equal(kindOf(signal.reason), 'canceled');
  });

  test('keeps a deadline', async () => {
    await assert.rejects(ask('hang', backgroundRequest(), 300), (thrown) => kindOf(thrown) === 'timeout');
    const { signal } = seen.at(-1)!;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    assert.equal(kindOf(signal.reason), 'timeout');
  });

  test('is not asked when the caller has left already', async () => {
    const before = seen.length;
    await assert.rejects(ask('x', backgroundRequest(AbortSignal.abort())), (thrown) => kindOf(thrown) === 'canceled');
    assert.equal(seen.length, before);
  });

  test('shows every code of its methods from the start', async () => {
    const text = await metrics.text();
    const labels = 'grpc_service="thanos.Store",grpc_method="Series",grpc_type="server_stream"';
    assert.ok(text.includes(`grpc_server_handled_total{${labels},grpc_code="DataLoss"} 0`), text);
    assert.ok(text.includes(`grpc_server_msg_sent_total{${labels}} 3`));
    assert.ok(text.includes(`grpc_client_msg_received_total{${labels}} 3`));
    assert.match(text, /grpc_server_handled_total\{[^}]*LabelValues[^}]*grpc_code="DeadlineExceeded"\} 1/);
    assert.match(text, /grpc_client_handled_total\{[^}]*LabelValues[^}]*grpc_code="Internal"\} 1/);
  });

  for (const [encoding, body, status] of [
    ['gzip', gzipSync(labelValuesMethod.request.encode({ label: 'zipped' })), '0'],
    ['snappy', Buffer.from('ff060000734e61507059', 'hex'), '12'],
    ['identity', Buffer.from('ffff', 'hex'), '13'],
  ] as const) {
    test(`answers a request in ${encoding} of ${body.length} bytes with status ${status}`, async () => {
      const header = Buffer.from([encoding === 'identity' ? 0 : 1, 0, 0, 0, body.length]);
      const got = await rawCall(server.port, labelValuesMethod.path, encoding, Buffer.concat([header, body]));
      assert.equal(got, status);
    });
  }

  test('answers health checks, and reflection in both versions', async () => {
    const address = `127.0.0.1:${server.port}`;
    const health = plainClient(loadSync(healthProtoPath), address, 'grpc', 'health', 'v1', 'Health');
    const check = (service: string): Promise<unknown> =>
      new Promise((resolve) => {
        const done = (error: { code: number } | null, reply: { status: unknown }): void => {
          resolve(error === null ? reply.status : error.code);
        };
        health.Check({ service }, done);
      });
    assert.equal(await check(''), 1);
    server.setServing(false);
    assert.equal(await check(''), 2);
    server.setServing(true);
    assert.equal(await check('nobody'), 5);
    health.close();

    for (const version of ['v1', 'v1alpha']) {
      const path = new URL(`proto/grpc/reflection/${version}/reflection.proto`, reflectionBuild());
      const reflection = plainClient(
        loadSync(path.pathname),
        address,
        'grpc',
        'reflection',
        version,
        'ServerReflection',
      );
      const stream = reflection.ServerReflectionInfo();
      const next = (): Promise<Record<string, Record<string, unknown[]>>> =>
        new Promise((resolve) => stream.once('data', resolve));
      stream.write({ listServices: '' });
      const { listServicesResponse } = await next();
      assert.deepEqual(listServicesResponse['service'].map((service) => (service as { name: string }).name).sort(), [
        'grpc.health.v1.Health',
        'thanos.Store',
      ]);
      stream.write({ fileContainingSymbol: 'thanos.Store' });
      const { fileDescriptorResponse } = await next();
      const files = fileDescriptorResponse['fileDescriptorProto'] as Buffer[];
      assert.equal(files.length, 2);
      assert.ok(files.some((file) => file.includes('response_batch_size')));
      const ended = new Promise((resolve) => stream.once('end', resolve));
      stream.end();
      await ended;
      reflection.close();
    }
  });
});

test('a stopping server lets short calls end and aborts long ones', async () => {
  const server = makeServer();
  await server.start(host);
  const client = new GrpcClient({}, { address: `127.0.0.1:${server.port}` });
  const before = seen.length;
  const hanging = client.unary(backgroundRequest(), labelValuesMethod, { label: 'hang' });
  const failed = assert.rejects(hanging);
  await arrived(before, hanging);
  await server.stop();
  await failed;
  assert.equal(seen.at(-1)!.signal.aborted, true);
  client.close();
  assert.equal(client.state, 'closed');
});

test('a port that is taken is said', async () => {
  const first = makeServer();
  await first.start(host);
  const second = new GrpcServer(
    { logger: silentLogger, metrics: new Metrics(), services: [] },
    { address: `127.0.0.1:${first.port}`, gracePeriodMs: 0, maxConnectionAgeMs: 0 },
  );
  await assert.rejects(
    second.start(host),
    (thrown) => kindOf(thrown) === 'conflict' && /in use, choose another with --grpc-address/.test(messageOf(thrown)),
  );
  await second.stop();
  await first.stop();
});

test('an address where nothing listens is unavailable', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const client = new GrpcClient({}, { address: `127.0.0.1:${port}` });
  await assert.rejects(client.unary(backgroundRequest(), infoMethod, {}), (thrown) => {
    assert.equal(kindOf(thrown), 'unavailable');
    // Said in each answer while a strict endpoint is away: in plain words.
    assert.match(messageOf(thrown), /^No connection established: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
    return true;
  });
  await assert.rejects(client.waitForReady(backgroundRequest(), 50), (thrown) => kindOf(thrown) === 'unavailable');
  client.close();
});

test('a peer that speaks something else fails the call and nothing more', async () => {
  const sockets: Socket[] = [];
  const garbage = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => garbage.once('listening', resolve));
  const { port } = garbage.address() as { port: number };
  const client = new GrpcClient({}, { address: `127.0.0.1:${port}` });
  await assert.rejects(client.unary(backgroundRequest(), infoMethod, {}, { timeoutMs: 500 }), (thrown) =>
    ['unavailable', 'timeout', 'internal'].includes(kindOf(thrown)),
  );
  client.close();
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => garbage.close(() => resolve()));
});

/** Where the reflection package keeps its protocol's text. */
function reflectionBuild(): URL {
  return new URL('../', import.meta.resolve('@grpc/reflection'));
}

// The generated client of a loaded definition is untyped by nature.
type LooseClient = Pick<Client, 'close'> & Record<'Check' | 'ServerReflectionInfo', (...args: unknown[]) => Duplex>;

function plainClient(definition: ReturnType<typeof loadSync>, address: string, ...path: string[]): LooseClient {
  let at: unknown = loadPackageDefinition(definition);
  for (const name of path) at = (at as Record<string, unknown>)[name];
  return new (at as new (...args: unknown[]) => LooseClient)(address, credentials.createInsecure());
}

/** One call with bytes of our making; its grpc-status. */
async function rawCall(port: number, path: string, encoding: string, body: Buffer): Promise<string> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  try {
    return await new Promise<string>((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-encoding': encoding,
      });
      const take = (headers: http2.IncomingHttpHeaders): void => {
        if (headers['grpc-status'] !== undefined) resolve(String(headers['grpc-status']));
      };
      stream.on('response', take);
      stream.on('trailers', take);
      stream.on('error', reject);
      stream.resume();
      stream.end(body);
    });
  } finally {
    session.close();
  }
}

/** Waits until the handler has been called once more; a call that fails on its way there ends the wait. */
async function arrived(before: number, call: Promise<unknown>): Promise<void> {
  while (seen.length === before) await Promise.race([new Promise(setImmediate), call]);
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as rawRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { orAbort } from '../../async/deadline.ts';
import { Fault, type FaultKind, kindOf, messageOf } from '../../errors/fault.ts';
import { Group } from '../../lifecycle/group.ts';
import { Probe } from '../../lifecycle/probe.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import type { ApiRequest, ApiRoute } from './api.ts';
import { HttpServer, type HttpServerConfig } from './server.ts';

interface Running {
  readonly port: number;
  readonly probe: Probe;
  readonly metrics: Metrics;
  stop(): Promise<void>;
}

const running: Running[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

async function serve(
  routes: readonly ApiRoute[],
  config: Partial<HttpServerConfig> = {},
  beforeDoor?: () => Promise<void>,
): Promise<Running> {
  const probe = new Probe();
  const metrics = new Metrics();
  const http = new HttpServer(
    { logger: silentLogger, metrics, probe },
    { address: '127.0.0.1:0', graceMs: 1000, ...config },
  );
  http.mount(routes);
  const controller = new AbortController();
  const middle = { name: 'middle', start: async () => beforeDoor?.(), stop: async () => {} };
  const listening = new Promise<void>((resolve) => {
    probe.watch((state) => (state.isReady || state.reasons[0] === 'starting middle') && resolve());
  });
  const run = new Group({ logger: silentLogger, probe }, { graceMs: 1000 }, [http, middle, http.door]).run(
    controller.signal,
  );
  if (beforeDoor === undefined) {
    await new Promise<void>((resolve) => {
      probe.watch((state) => state.isReady && resolve());
    });
  } else await Promise.race([listening, run]);
  const server = {
    port: http.address().port,
    probe,
    metrics,
    stop: async () => {
      controller.abort();
      await run;
    },
  };
  running.push(server);
  return server;
}

/** A request with nothing added to it. */
async function ask(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const request = rawRequest({
    port,
    host: '127.0.0.1',
    path,
    method: options.method ?? 'GET',
    headers: options.headers ?? {},
    agent: false,
  });
  request.end(options.body);
  const [response] = await once(request, 'response');
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  return {
    status: response.statusCode as number,
    headers: response.headers as Record<string, string>,
    bytes,
    text: bytes.toString(),
  };
}

function route(handle: ApiRoute['handle'], more: Partial<ApiRoute> = {}): ApiRoute {
  return { path: '/api/v1/query', methods: ['GET', 'POST'], handler: 'query', handle, ...more };
}

const echo = route(async (request) => ({
  data: { q: request.parameters.list('q'), url: request.urlParameters.list('q') },
}));

describe('probes and metrics', () => {
  test('answer as the contract says, before and after the process is ready', async () => {
    let go = () => {};
    const waits = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { port, probe } = await serve([echo], {}, () => waits);
    expect(await ask(port, '/-/healthy')).toMatchObject({ status: 200, text: 'OK' });
    expect(await ask(port, '/-/ready')).toMatchObject({ status: 503, text: 'NOT OK\nstarting middle\n' });
    const early = await ask(port, '/api/v1/query');
    expect([early.status, early.headers['content-type'], early.headers['cache-control']]).toEqual([
      503,
      'application/json',
      'no-store',
    ]);
    expect(JSON.parse(early.text)).toEqual({
      status: 'error',
      errorType: 'unavailable',
      error: 'not ready: starting middle',
    });
    go();
    await new Promise<void>((resolve) => probe.watch((state) => state.isReady && resolve()));
    expect(await ask(port, '/-/ready')).toMatchObject({ status: 200, text: 'OK' });
    expect((await ask(port, '/api/v1/query')).status).toBe(200);
    probe.unready('prometheus', 'heartbeat failed');
    expect(await ask(port, '/-/ready')).toMatchObject({ status: 503, text: 'NOT OK\nprometheus: heartbeat failed\n' });
    expect((await ask(port, '/api/v1/query')).status).toBe(503);
  });

  test('a process that is not healthy says why, and answers on: who looks for the reason must find it', async () => {
    const { port, probe } = await serve([echo]);
    probe.setHealthy(false, 'nothing was compacted in 2 passes');
    expect(await ask(port, '/-/healthy')).toMatchObject({
      status: 503,
      text: 'NOT OK\nnothing was compacted in 2 passes\n',
    });
    expect(await ask(port, '/-/ready')).toMatchObject({ status: 200, text: 'OK' });
    expect((await ask(port, '/api/v1/query')).status).toBe(200);
    probe.setHealthy(true);
    expect(await ask(port, '/-/healthy')).toMatchObject({ status: 200, text: 'OK' });
    probe.setHealthy(false);
    expect(await ask(port, '/-/healthy')).toMatchObject({ status: 503, text: 'NOT OK\n' });
  });

  test('metrics come gzipped to those who take it, in the format asked for', async () => {
    const { port } = await serve([echo]);
    await ask(port, '/api/v1/query?q=1');
    const plain = await ask(port, '/metrics');
    expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(plain.text).toContain('http_requests_total{code="200",handler="query",method="get"} 1');
    expect(plain.text).toContain(
      'http_request_duration_seconds_bucket{le="0.3",code="200",handler="query",method="get"} 1',
    );
    expect(plain.text).toContain('http_inflight_requests{handler="query",method="GET"} 0');
    expect(plain.text).toContain('http_response_size_bytes_count{code="200",handler="query",method="get"} 1');
    const packed = await ask(port, '/metrics', {
      headers: { 'accept-encoding': 'gzip', accept: 'application/openmetrics-text;version=1.0.0' },
    });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.bytes).toString()).toMatch(/# TYPE http_requests counter\n[\s\S]*# EOF\n$/);
  });
});

describe('an API route', () => {
  test('merges form and URL, the form first', async () => {
    const { port } = await serve([echo]);
    const answer = await ask(port, '/api/v1/query?q=u', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'q=f%26%3C&q=g',
    });
    expect(answer.text).toBe('{"status":"success","data":{"q":["f\\u0026\\u003c","g","u"],"url":["u"]}}');
    expect(answer.headers['content-type']).toBe('application/json');
  });

  for (const [what, notes, tail, cacheControl] of [
    ['no notes', {}, '}', undefined],
    ['empty notes', { warnings: [], infos: [] }, '}', undefined],
    ['a warning', { warnings: ['store <a> down'] }, ',"warnings":["store \\u003ca\\u003e down"]}', 'no-store'],
    ['an annotation', { warnings: ['PromQL warning: x'] }, ',"warnings":["PromQL warning: x"]}', undefined],
    ['infos', { infos: ['PromQL info: y'] }, ',"infos":["PromQL info: y"]}', undefined],
  ] as const) {
    test(`answers with ${what}`, async () => {
      const { port } = await serve([route(async () => ({ data: [1], ...notes }))]);
      const answer = await ask(port, '/api/v1/query');
      expect(answer.text).toBe(`{"status":"success","data":[1]${tail}`);
      expect(answer.headers['cache-control']).toBe(cacheControl);
    });
  }

  for (const [kind, status, errorType] of [
    ['invalid', 400, 'bad_data'],
    ['execution', 422, 'execution'],
    ['limit', 422, 'execution'],
    ['not-found', 404, 'not_found'],
    ['timeout', 503, 'timeout'],
    ['canceled', 503, 'canceled'],
    ['unavailable', 503, 'unavailable'],
    ['corrupt', 500, 'internal'],
    ['internal', 500, 'internal'],
  ] as const satisfies readonly (readonly [FaultKind, number, string])[]) {
    test(`answers ${status} ${errorType} for the kind ${kind}`, async () => {
      const { port } = await serve([
        route(async () => {
          throw new Fault(kind, 'why & how');
        }),
      ]);
      const answer = await ask(port, '/api/v1/query');
      expect([answer.status, answer.text, answer.headers['cache-control']]).toEqual([
        status,
        `{"status":"error","errorType":"${errorType}","error":"why \\u0026 how"}`,
        'no-store',
      ]);
    });
  }

  test('gives the handler path parts, tenant and request id, and sends the id back', async () => {
    let seen: ApiRequest | undefined;
    const { port } = await serve([
      route(
        async (request) => {
          seen = request;
          return { data: null };
        },
        { path: '/api/v1/label/:name/values', methods: ['GET'], handler: 'label_values' },
      ),
    ]);
    const answer = await ask(port, '/api/v1/label/a%2Fb%20%C3%A9/values', {
      headers: { 'x-request-id': 'mine', 'thanos-tenant': 'team' },
    });
    expect(answer.headers['x-request-id']).toBe('mine');
    expect(seen?.pathParameters).toEqual({ name: 'a/b é' });
    expect([seen?.context.tenant, seen?.context.requestId]).toEqual(['team', 'mine']);
    const own = (await ask(port, '/api/v1/label/x/values')).headers['x-request-id'];
    expect(own).toMatch(/^[0-9A-Z]{26}$/);
    expect((await ask(port, '/api/v1/label/x/values', { headers: { 'thanos-tenant': '..' } })).status).toBe(400);
  });

  test('refuses a form beyond the limit, on the same connection', async () => {
    const { port } = await serve([echo], { bodyLimitBytes: 100 });
    const answer = await ask(port, '/api/v1/query', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `q=${'x'.repeat(1000)}`,
    });
    expect([answer.status, JSON.parse(answer.text).error]).toEqual([400, 'http: request body too large']);
  });

  test('works below a prefix, and its metrics can name the tenant', async () => {
    const { port } = await serve([echo], { routePrefix: '/p', hasTenantMetrics: true });
    expect((await ask(port, '/p/api/v1/query', { headers: { 'thanos-tenant': 't1' } })).status).toBe(200);
    expect((await ask(port, '/api/v1/query')).status).toBe(404);
    expect((await ask(port, '/metrics')).text).toContain(
      'http_requests_total{code="200",handler="query",method="get",tenant="t1"} 1',
    );
  });

  test('passes a plain answer through', async () => {
    const { port } = await serve([
      route(async () => ({ plain: { status: 202, headers: { 'Content-Type': 'text/html' }, body: '<p>' } })),
    ]);
    expect(await ask(port, '/api/v1/query')).toMatchObject({ status: 202, text: '<p>' });
  });
});

describe('methods and paths', () => {
  const cases: readonly (readonly [string, string, number, string, Record<string, string>])[] = [
    ['PUT', '/api/v1/query', 405, 'Method Not Allowed\n', { allow: 'GET, OPTIONS, POST' }],
    ['DELETE', '/api/v1/query', 405, 'Method Not Allowed\n', { allow: 'GET, OPTIONS, POST' }],
    ['HEAD', '/api/v1/query', 405, '', { allow: 'GET, OPTIONS, POST' }],
    ['OPTIONS', '/api/v1/query', 204, '', { 'access-control-allow-origin': '*' }],
    ['POST', '/-/healthy', 405, 'Method Not Allowed\n', { allow: 'GET, HEAD' }],
    ['GET', '/nowhere', 404, '404 page not found\n', { 'content-type': 'text/plain; charset=utf-8' }],
    ['GET', '/api/v1/Query', 404, '404 page not found\n', {}],
    ['GET', '/api/v1/query/?q=1', 301, '', { location: '/api/v1/query?q=1' }],
    ['POST', '/api/v1/query/', 307, '', { location: '/api/v1/query' }],
    ['GET', '//api/v1/query/', 404, '404 page not found\n', {}],
    ['GET', '/%zz', 404, '404 page not found\n', {}],
  ];
  for (const [method, path, status, text, headers] of cases) {
    test(`${method} ${path} is ${status}`, async () => {
      const { port } = await serve([echo]);
      const answer = await ask(port, path, { method });
      expect([answer.status, answer.text]).toEqual([status, text]);
      expect(answer.headers).toMatchObject(headers);
    });
  }

  test('CORS headers go out always, unless switched off', async () => {
    const headers = {
      'access-control-allow-headers': 'Accept, Accept-Encoding, Authorization, Content-Type, Origin',
      'access-control-allow-methods': 'GET, POST, OPTIONS',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Date',
    };
    expect((await ask((await serve([echo])).port, '/api/v1/query')).headers).toMatchObject(headers);
    const off = await ask((await serve([echo], { sendsCors: false })).port, '/api/v1/query');
    expect(Object.keys(off.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('compression', () => {
  for (const [bytes, accept, encoding] of [
    [900, 'gzip', undefined],
    [3000, 'gzip', 'gzip'],
    [3000, 'br, gzip;q=0.5', 'gzip'],
    [3000, 'gzip;q=0', undefined],
    [3000, undefined, undefined],
  ] as const) {
    test(`${bytes} bytes to a client that takes ${accept} go out as ${encoding}`, async () => {
      const { port } = await serve([route(async () => ({ data: 'x'.repeat(bytes) }))]);
      const answer = await ask(port, '/api/v1/query', {
        headers: accept === undefined ? {} : { 'accept-encoding': accept },
      });
      expect([answer.headers['content-encoding'], answer.headers['vary']]).toEqual([encoding, 'Accept-Encoding']);
      const body = encoding === undefined ? answer.bytes : gunzipSync(answer.bytes);
      expect(body.toString()).toBe(`{"status":"success","data":"${'x'.repeat(bytes)}"}`);
    });
  }
});

describe('a streamed answer', () => {
  for (const encoding of ['identity', 'gzip']) {
    test(`is joined from its pieces (${encoding})`, async () => {
      async function* pieces() {
        yield '[';
        for (let i = 0; i < 20_000; i++) yield i === 0 ? '0' : Buffer.from(`,${i}`);
        yield ']';
      }
      const { port } = await serve([route(async () => ({ chunks: pieces(), warnings: ['w'] }))]);
      const answer = await ask(port, '/api/v1/query', { headers: { 'accept-encoding': encoding } });
      const body = encoding === 'gzip' ? gunzipSync(answer.bytes) : answer.bytes;
      const { data, warnings } = JSON.parse(body.toString());
      expect([data.length, data[19_999], warnings]).toEqual([20_000, 19_999, ['w']]);
    });
  }

  test('that fails before its first kilobyte is an error answer', async () => {
    async function* pieces() {
      yield '[1';
      throw new Fault('corrupt', 'bad chunk');
    }
    const { port } = await serve([route(async () => ({ chunks: pieces() }))]);
    const answer = await ask(port, '/api/v1/query');
    expect([answer.status, JSON.parse(answer.text).error]).toEqual([500, 'bad chunk']);
  });

  test('that fails later is cut off, never ended as if whole', async () => {
    async function* pieces() {
      yield `["${'x'.repeat(200_000)}"`;
      throw new Fault('corrupt', 'bad chunk');
    }
    const { port } = await serve([route(async () => ({ chunks: pieces() }))]);
    await assert.rejects(ask(port, '/api/v1/query'), /aborted|socket hang up|ECONNRESET/);
  });

  test('is pulled no faster than the client reads, and ended when the client leaves', async () => {
    let pulledBytes = 0;
    let ended: () => void = () => {};
    const isEnded = new Promise<void>((resolve) => {
      ended = resolve;
    });
    async function* pieces() {
      try {
        for (;;) {
          pulledBytes += 65_536;
          yield Buffer.alloc(65_536, 0x20);
        }
      } finally {
        ended();
      }
    }
    let signal: AbortSignal | undefined;
    const { port, metrics } = await serve([
      route(async (request) => {
        signal = request.context.signal;
        return { chunks: pieces() };
      }),
    ]);
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /api/v1/query HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'readable'); // Nobody reads from here on.
    let before = -1;
    while (before !== pulledBytes) {
      before = pulledBytes;
      for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(pulledBytes).toBeLessThan(16 * 2 ** 20);
    socket.destroy();
    await isEnded;
    expect(signal?.aborted).toBe(true);
    while (!(await metrics.text()).includes('http_inflight_requests{handler="query",method="GET"} 0')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});

describe('stopping', () => {
  test('lets requests in hand finish and refuses new ones', async () => {
    let go = () => {};
    let begun = () => {};
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const waits = new Promise<void>((resolve) => {
      go = resolve;
    });
    const server = await serve([
      route(async () => {
        begun();
        await waits;
        return { data: 'done' };
      }),
    ]);
    const inHand = ask(server.port, '/api/v1/query');
    await isBegun;
    const stopped = server.stop();
    const late = await ask(server.port, '/api/v1/query');
    expect([late.status, JSON.parse(late.text).error]).toEqual([503, 'not ready: stopping']);
    go();
    expect((await inHand).text).toBe('{"status":"success","data":"done"}');
    await stopped;
  });

  test('drops what is not done within the grace period', async () => {
    let begun = () => {};
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const server = await serve(
      [
        route(async (request) => {
          begun();
          return { data: await orAbort(new Promise(() => {}), request.context.signal) };
        }),
      ],
      { graceMs: 10 },
    );
    const inHand = ask(server.port, '/api/v1/query');
    await isBegun;
    const stopped = server.stop();
    const answer = await inHand;
    expect([answer.status, JSON.parse(answer.text).errorType]).toEqual([503, 'canceled']);
    await stopped;
  });

  test('a client that leaves aborts its handler', async () => {
    let signalled: (kind: string) => void = () => {};
    const outcome = new Promise<string>((resolve) => {
      signalled = resolve;
    });
    let begun = () => {};
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const { port } = await serve([
      route(async (request) => {
        begun();
        return orAbort(new Promise<never>(() => {}), request.context.signal).catch((thrown) => {
          signalled(kindOf(thrown));
          throw thrown;
        });
      }),
    ]);
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /api/v1/query HTTP/1.1\r\nHost: x\r\n\r\n');
    await isBegun;
    socket.destroy();
    expect(await outcome).toBe('canceled');
  });
});

test('an address in use names the flag to change', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as { port: number };
  try {
    await assert.rejects(
      serve([], { address: `127.0.0.1:${port}` }, async () => {}),
      (thrown) =>
        messageOf(thrown) ===
        `start http: listen on 127.0.0.1:${port}: address already in use, choose another with --http-address`,
    );
  } finally {
    blocker.close();
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type FaultKind, kindOf, messageOf } from '../../errors/fault.ts';
import { HttpClient, type HttpClientConfig } from './client.ts';

const never = new AbortController().signal;
const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function clientOf(baseUrl: string, config: Partial<HttpClientConfig> = {}): HttpClient {
  const client = new HttpClient({ baseUrl, timeoutMs: 5000, ...config });
  closers.push(() => client.close());
  return client;
}

function failsWith(kind: FaultKind, text: string | RegExp) {
  return (thrown: unknown): boolean => {
    expect(messageOf(thrown)).toMatch(text);
    expect(kindOf(thrown)).toBe(kind);
    return true;
  };
}

function openSockets(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((thrown, count) => (thrown === null ? resolve(count) : reject(thrown)));
  });
}

test('a call keeps the prefix, sends query, headers, credentials and body, and takes the answer', async () => {
  const { url } = await serve(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    response.setHeader('X-Seen', `${request.headers.authorization} ${request.headers['x-a']}`);
    response.end(`${request.method} ${request.url} ${Buffer.concat(pieces)}`);
  });
  const client = clientOf(`${url.replace('//', '//us%40er:pw@')}/prefix/`, { headers: { 'x-a': '1' } });
  const reply = await client.fetchBytes(never, '/api', {
    method: 'POST',
    query: new URLSearchParams({ q: 'a b' }),
    body: 'body',
  });
  expect(Buffer.from(reply.body).toString()).toBe('POST /prefix/api?q=a+b body');
  expect([reply.status, reply.headers['x-seen']]).toEqual([200, `Basic ${btoa('us@er:pw')} 1`]);
  expect(client.urlOf('/x')).toBe(`${url}/prefix/x`);
});

for (const [status, kind] of [
  [400, 'invalid'],
  [401, 'denied'],
  [404, 'not-found'],
  [429, 'limit'],
  [500, 'unavailable'],
  [503, 'unavailable'],
  [504, 'timeout'],
] as const) {
  test(`status ${status} is ${kind}, with the start of its body`, async () => {
    const { url } = await serve((_, response) => {
      response.statusCode = status;
      response.end(`because\n${'x'.repeat(100_000)}`);
    });
    const client = clientOf(url);
    await assert.rejects(client.fetchOk(never, '/p'), failsWith(kind, `GET ${url}/p: status ${status}: because`));
    await assert.rejects(client.streamOk(never, '/p'), failsWith(kind, `GET ${url}/p: status ${status}: because`));
    expect((await client.fetchBytes(never, '/p')).status).toBe(status);
  });
}

test('redirects are followed, but not for ever', async () => {
  const { url } = await serve((request, response) => {
    if (request.url === '/end') {
      response.end('there');
      return;
    }
    response.writeHead(302, { Location: request.url === '/once' ? '/end' : '/loop' });
    response.end();
  });
  const client = clientOf(url);
  expect(Buffer.from((await client.fetchOk(never, '/once')).body).toString()).toBe('there');
  await assert.rejects(client.fetchOk(never, '/loop'), failsWith('unavailable', 'Redirect loop'));
});

test('nobody listening is unavailable, a bad URL is invalid', async () => {
  const { server, url } = await serve(() => {});
  server.close();
  await once(server, 'close');
  await assert.rejects(clientOf(url).fetchBytes(never, '/'), failsWith('unavailable', /^GET http.*ECONNREFUSED/));
  for (const bad of ['localhost:9090', 'ftp://x', 'http://']) {
    assert.throws(
      () => new HttpClient({ baseUrl: bad, timeoutMs: 1 }),
      failsWith('invalid', 'not an http or https URL'),
    );
  }
});

test('an answer that is no HTTP is unavailable', async () => {
  const server = createTcpServer((socket) => socket.end('garbage\r\n\r\n')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await assert.rejects(
    clientOf(`http://127.0.0.1:${port}`).fetchBytes(never, '/'),
    failsWith('unavailable', /^GET http/),
  );
});

test('no answer in time is a timeout, whether the head or the body is late', async () => {
  const { url } = await serve((request, response) => {
    if (request.url === '/body') response.write('first');
  });
  const client = clientOf(url, { timeoutMs: 30 });
  await assert.rejects(client.fetchBytes(never, '/head'), failsWith('timeout', 'no answer within 30 ms'));
  await assert.rejects(client.fetchBytes(never, '/body'), failsWith('timeout', 'no answer within 30 ms'));
});

test('a body that breaks off is unavailable', async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half');
    setImmediate(() => response.destroy());
  });
  await assert.rejects(clientOf(url).fetchBytes(never, '/'), failsWith('unavailable', /^GET /));
});

test('an abort in the body is canceled and frees the socket', async () => {
  const { server, url } = await serve((_, response) => {
    response.write('first');
  });
  const controller = new AbortController();
  const reply = await clientOf(url).stream(controller.signal, '/');
  const read = (async () => {
    for await (const _ of reply.body) controller.abort();
  })();
  await assert.rejects(read, failsWith('canceled', 'canceled'));
  while ((await openSockets(server)) > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('an endless body is pulled no faster than it is read; leaving the loop frees the socket', async () => {
  let sentBytes = 0;
  const { server, url } = await serve((_, response) => {
    const piece = Buffer.alloc(65_536);
    const write = (): void => {
      while (!response.destroyed) {
        sentBytes += piece.length;
        if (!response.write(piece)) break;
      }
    };
    response.on('drain', write);
    write();
  });
  const reply = await clientOf(url).stream(never, '/');
  let readBytes = 0;
  for await (const piece of reply.body) {
    readBytes += piece.length;
    if (readBytes < 4 * 2 ** 20) continue;
    for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(sentBytes - readBytes).toBeLessThan(32 * 2 ** 20);
    break;
  }
  while ((await openSockets(server)) > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('cancel frees the socket of a body nobody reads', async () => {
  const { server, url } = await serve((_, response) => {
    response.write('first');
  });
  const reply = await clientOf(url).stream(never, '/');
  reply.cancel();
  while ((await openSockets(server)) > 0) await new Promise((resolve) => setImmediate(resolve));
});

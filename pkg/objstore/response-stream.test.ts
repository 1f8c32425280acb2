import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { HttpTransport, newExchange } from './http-transport.ts';
import { objectStream, responseStream } from './response-stream.ts';
import { parseS3Config } from './s3-config.ts';

const SIZE = 8 * 1024 * 1024;

describe('the body of an answer', () => {
  const { signal } = new AbortController();
  const body = Buffer.alloc(SIZE, Buffer.from(Uint8Array.from({ length: 251 }, (_, i) => i)));
  let accepted: Socket[];
  let server: http.Server;
  let transport: HttpTransport;

  beforeEach(async () => {
    accepted = [];
    server = http.createServer((_, response) => response.end(body));
    server.on('connection', (socket) => accepted.push(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const config = { bucket: 'b', endpoint: 'localhost:1', insecure: true, access_key: 'k', secret_key: 's' };
    transport = new HttpTransport((await parseS3Config(config, {})).transport);
  });

  afterEach(() => {
    transport.close();
    server.closeAllConnections();
    server.close();
  });

  function send(): Promise<http.IncomingMessage> {
    const { port } = server.address() as AddressInfo;
    return transport.send(newExchange(signal), new URL(`http://127.0.0.1:${port}/object`), { method: 'GET' });
  }

  test('has the bytes of the object, and lets go of each piece when the next is asked for', async () => {
    const pieces: Uint8Array[] = [];
    let at = 0;
    for await (const piece of objectStream(signal, 'object', await send())) {
      assert.ok(body.subarray(at, at + piece.length).equals(piece), `other bytes from ${at} on`);
      at += piece.length;
      pieces.push(piece);
    }
    assert.equal(at, SIZE);
    const kept = pieces.reduce((sum, piece) => sum + piece.length, 0);
    assert.ok(kept < SIZE / 16, `${kept} bytes are still held`);
  });

  test('is kept where it is to be read as a whole', async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of responseStream(signal, 'object', await send())) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(body));
  });

  test('does not mix with that of another, read at the same time', async () => {
    const streams = await Promise.all([send(), send(), send()]);
    await Promise.all(
      streams.map(async (response) => {
        let at = 0;
        for await (const piece of objectStream(signal, 'object', response)) {
          assert.ok(body.subarray(at, at + piece.length).equals(piece), `other bytes from ${at} on`);
          at += piece.length;
        }
        assert.equal(at, SIZE);
      }),
    );
    assert.equal(accepted.length, 3);
  });

  test('waits in the connection while nobody reads', async () => {
    const response = await send();
    const stream = objectStream(signal, 'object', response);
    await stream.next();
    // Another answer in the meantime: what the first would have done by itself it has done.
    for await (const _ of objectStream(signal, 'object', await send())) {
      // Read and thrown away.
    }
    assert.ok(response.readableLength < SIZE / 16, `${response.readableLength} bytes wait in memory`);
    await stream.return();
  });

  test('goes over a connection again, but not over one that said more than it was asked', async () => {
    const read = async () => {
      for await (const _ of objectStream(signal, 'object', await send())) {
        // Read and thrown away.
      }
    };
    await read();
    await read();
    assert.equal(accepted.length, 1);
    const closed = once(accepted[0], 'close');
    accepted[0].write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong');
    await closed;
    await read();
    assert.equal(accepted.length, 2);
  });
});

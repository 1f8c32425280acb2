// Stands between a browser and one of our servers, and answers chosen paths in its stead: late, wrong, or with far too much.

import { once } from 'node:events';
import { createServer, request as forward, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export type Meddling = (response: ServerResponse) => void | Promise<void>;

export class MeddlingProxy {
  /** What is done in place of passing a request on, by path. Change it at any time. */
  readonly meddlings = new Map<string, Meddling>();
  readonly #server: Server;

  private constructor(targetUrl: string) {
    const target = new URL(targetUrl);
    this.#server = createServer((incoming, response) => {
      response.on('error', () => {}); // The browser left, which is what some stories are about.
      const meddling = this.meddlings.get(new URL(incoming.url ?? '/', 'http://localhost').pathname);
      if (meddling !== undefined) {
        void meddling(response);
        return;
      }
      const onward = forward(
        {
          host: target.hostname,
          port: target.port,
          path: incoming.url,
          method: incoming.method,
          headers: incoming.headers,
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      incoming.pipe(onward);
    });
  }

  static async start(targetUrl: string): Promise<MeddlingProxy> {
    const proxy = new MeddlingProxy(targetUrl);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** The API's envelope around some data. */
export function success(data: unknown): Meddling {
  return (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ status: 'success', data }));
  };
}

/** An answer of so many bytes that is a single text. */
export function endless(sizeBytes: number): Meddling {
  return async (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const piece = 'x'.repeat(1 << 20);
    const pieces = function* () {
      yield '{"status":"success","data":"';
      for (let sent = 0; sent < sizeBytes; sent += piece.length) yield piece;
      yield '"}';
    };
    // The browser may have enough of it, which is what this is for.
    await pipeline(Readable.from(pieces()), response).catch(() => {});
  };
}

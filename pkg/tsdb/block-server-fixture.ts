// Tests: a web server over a directory that answers range requests, and what it was asked.

import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

export interface BlockServer {
  readonly url: string;
  /** Method, path and range of each request. */
  readonly asked: string[];
  /** What to do wrong from now on. */
  wrong: 'nothing' | 'no-ranges' | 'hides-size' | 'short' | 'changed' | 'broken' | 'denied';
  close(): Promise<void>;
}

export async function serveDirectory(directory: string): Promise<BlockServer> {
  const asked: string[] = [];
  let changes = 0;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    asked.push(`${request.method} ${path} ${request.headers.range ?? ''}`);
    const file = join(directory, path);
    const isFile = statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
    if (wrong.is === 'broken' || wrong.is === 'denied' || !isFile) {
      response.writeHead(wrong.is === 'broken' ? 500 : wrong.is === 'denied' ? 403 : 404).end();
      return;
    }
    const bytes = readFileSync(file);
    if (range === null || wrong.is === 'no-ranges') {
      response.writeHead(200, { 'content-length': bytes.length }).end(request.method === 'HEAD' ? undefined : bytes);
      return;
    }
    const [from, to] = [Number(range[1]), Math.min(bytes.length - 1, Number(range[2]))];
    if (from >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    const part = bytes.subarray(from, wrong.is === 'short' ? Math.max(from, to - 5) : to + 1);
    response.writeHead(206, {
      ...(wrong.is === 'hides-size' ? {} : { 'content-range': `bytes ${from}-${to}/${bytes.length}` }),
      etag: wrong.is === 'changed' ? `"${changes++}"` : `"${bytes.length}"`,
    });
    response.end(part);
  });
  const wrong: { is: BlockServer['wrong'] } = { is: 'nothing' };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    get wrong() {
      return wrong.is;
    },
    set wrong(is) {
      wrong.is = is;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// An HTTP proxy for tests that fails as networks and servers do: refuses, drops the connection before or after the server
// has done its work, cuts answers short, and is slow. Which request meets which fault follows from a seed.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface FaultyLink {
  /** host:port */
  readonly address: string;
  /** Faults met so far, by name. */
  readonly met: ReadonlyMap<string, number>;
  /** Connections of clients that are open now. */
  readonly openCount: number;
  stop(): Promise<void>;
}

const faults = ['none', 'none', 'none', 'slow', 'refused', 'busy', 'dropped', 'lost', 'cut'] as const;

/** Stands in front of `target` (host:port). */
export async function startFaultyLink(target: string, seed: number): Promise<FaultyLink> {
  const met = new Map<string, number>();
  const sockets = new Set<Socket>();
  let state = seed;
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const [host, port] = target.split(':');

  const server = http.createServer((request, response) => {
    const fault = faults[Math.floor(draw() * faults.length)];
    met.set(fault, (met.get(fault) ?? 0) + 1);
    if (fault === 'dropped') {
      request.socket.destroy();
      return;
    }
    if (fault === 'refused' || fault === 'busy') {
      request.resume();
      request.on('end', () => response.writeHead(fault === 'busy' ? 503 : 500).end('no'));
      return;
    }
    const { method, url: path, headers } = request;
    const sent = http.request({ host, port, method, path, headers, agent: false }, (answer) => {
      if (fault === 'lost') {
        answer.resume();
        request.socket.destroy();
        return;
      }
      const { location, ...rest } = answer.headers;
      const passed = location === undefined ? rest : { ...rest, location: location.replace(target, address) };
      const begin = (): void => {
        response.writeHead(answer.statusCode ?? 500, passed);
        if (fault === 'cut') {
          answer.once('data', (part: Buffer) => {
            response.write(part.subarray(0, part.length >> 1), () => request.socket.destroy());
            answer.destroy();
          });
          answer.once('end', () => request.socket.destroy());
        } else answer.pipe(response);
      };
      if (fault === 'slow') setTimeout(begin, 20);
      else begin();
    });
    sent.on('error', () => request.socket.destroy());
    request.pipe(sent);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    met,
    get openCount() {
      return sockets.size;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

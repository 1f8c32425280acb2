// A slow link to an HTTP server: request bodies pass at a fixed rate, in small pieces, and are counted. A client that
// dies takes its request with it, as on a real link.

import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';

const PIECE_BYTES = 16 << 10;
const HOLD_MS = 20;

export class SlowLink {
  /** host:port to talk to in place of the server's own. */
  readonly endpoint: string;
  /** Bytes of request bodies passed so far. */
  uploadedBytes = 0;
  /** Names of objects whose upload has begun, and of those whose upload was answered well; in order, repeated if done again. */
  readonly begun: string[] = [];
  readonly uploaded: string[] = [];
  /** Names of objects that were asked to be deleted; '' stands for a list of them. */
  readonly deleted: string[] = [];
  /** Changes it is true of wait where they are, until it is another function. They are counted from 0. */
  holds: (name: string, number: number) => boolean = () => false;
  #changeCount = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(target: string, bytesPerSecond: number): Promise<SlowLink> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const link = new SlowLink(server);
    server.on('request', (incoming, outgoing) => link.#pass(target, bytesPerSecond, incoming, outgoing));
    return link;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(target: string, bytesPerSecond: number, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const [host, port] = target.split(':');
    const { method, url: path = '/', headers } = incoming;
    const name = path.split('?')[0].split('/').slice(2).join('/');
    const isDeletion = method === 'DELETE' || (method === 'POST' && path.includes('?delete'));
    if (method === 'PUT') this.begun.push(name);
    if (isDeletion) this.deleted.push(name);
    const number = isDeletion || method === 'PUT' ? this.#changeCount++ : undefined;
    const isHeld = (): boolean => number !== undefined && this.holds(name, number);
    const passed = request({ host, port, method, path, headers }, (answer) => {
      if (method === 'PUT' && answer.statusCode === 200) this.uploaded.push(name);
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      pipeline(answer, outgoing).catch(() => {}); // Either end may die, which is the point.
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) passed.destroy();
    });
    pipeline(incoming, (body) => this.#slowly(isHeld, body, bytesPerSecond), passed).catch(() => passed.destroy());
  }

  /** How many changes were asked for so far, held ones too. */
  get changeCount(): number {
    return this.#changeCount;
  }

  async *#slowly(isHeld: () => boolean, body: AsyncIterable<Buffer>, bytesPerSecond: number): AsyncIterable<Buffer> {
    while (isHeld()) await pause(HOLD_MS);
    for await (const bytes of body) {
      for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
        const piece = bytes.subarray(from, from + PIECE_BYTES);
        await pause((piece.length / bytesPerSecond) * 1000);
        this.uploadedBytes += piece.length;
        yield piece;
      }
    }
  }
}

// A Google Cloud Storage for tests, on the loopback: the calls of its JSON API that a bucket needs, as the API's reference
// describes them. It keeps objects in memory and can break an upload in the middle.

import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compareUtf8 } from '../pkg/bytes/compare.ts';

interface StoredObject {
  readonly bytes: Buffer;
  readonly generation: number;
  readonly updated: string;
}

interface Session {
  readonly name: string;
  bytes: Buffer;
}

export interface RunningGcs {
  /** What STORAGE_EMULATOR_HOST gets. */
  readonly url: string;
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** Puts an object there without a request. */
  seed(name: string, bytes: Buffer): void;
  readonly sessions: ReadonlyMap<string, Session>;
  /** Method and path of each request. */
  readonly asked: readonly string[];
  /** The next part of an upload keeps this many bytes, then its connection breaks. */
  breakNextPartAfter: number | undefined;
  /** How many of the next requests are refused for speed. */
  refusals: number;
  stop(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Starts one with an empty bucket of this name on a free port. */
export async function startGcs(bucket: string): Promise<RunningGcs> {
  const objects = new Map<string, StoredObject>();
  const sessions = new Map<string, Session>();
  const asked: string[] = [];
  let generations = 1_700_000_000_000_000;

  const put = (name: string, bytes: Buffer, condition: string | null): object => {
    const there = objects.get(name);
    if (condition !== null && condition !== String(there?.generation ?? 0)) {
      throw new Refusal(412, 'At least one of the pre-conditions you specified did not hold.');
    }
    objects.set(name, { bytes, generation: ++generations, updated: new Date().toISOString() });
    return about(name);
  };
  const about = (name: string): object => {
    const found = objects.get(name);
    if (found === undefined) throw new Refusal(404, `No such object: ${bucket}/${name}`);
    const { bytes, generation, updated } = found;
    return { kind: 'storage#object', name, bucket, generation: `${generation}`, size: `${bytes.length}`, updated };
  };

  const list = (query: URLSearchParams): object => {
    const prefix = query.get('prefix') ?? '';
    const delimiter = query.get('delimiter') ?? '';
    const from = query.get('startOffset') ?? '';
    const after = query.get('pageToken') ?? '';
    const limit = Math.min(1000, Number(query.get('maxResults') ?? 1000));
    const items: object[] = [];
    const prefixes = new Set<string>();
    let last = '';
    for (const name of [...objects.keys()].sort(compareUtf8)) {
      if (!name.startsWith(prefix) || compareUtf8(name, from) < 0) continue;
      const slash = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
      const listed = slash < 0 ? name : name.slice(0, slash + 1);
      if (after !== '' && compareUtf8(listed, after) <= 0) continue;
      if (listed === last) continue;
      if (items.length + prefixes.size === limit) return { items, prefixes: [...prefixes], nextPageToken: last };
      if (slash < 0) items.push(about(name));
      else prefixes.add(listed);
      last = listed;
    }
    return { kind: 'storage#objects', ...(items.length > 0 ? { items } : {}), prefixes: [...prefixes] };
  };

  const putPart = (session: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void => {
    const held = sessions.get(session);
    if (held === undefined) throw new Refusal(404, 'no such upload');
    const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(request.headers['content-range'] ?? '');
    if (range === null) throw new Refusal(400, 'no content-range');
    if (range[1] !== undefined) {
      if (Number(range[1]) !== held.bytes.length) throw new Refusal(400, `expected bytes from ${held.bytes.length}`);
      if (range[2] === '*' && body.length % (256 * 1024) !== 0) throw new Refusal(400, 'not a multiple of 256 KiB');
      const kept = body.subarray(0, running.breakNextPartAfter);
      held.bytes = Buffer.concat([held.bytes, kept]);
      if (running.breakNextPartAfter !== undefined) {
        running.breakNextPartAfter = undefined;
        response.destroy();
        return;
      }
    }
    if (range[2] !== '*' && held.bytes.length === Number(range[2])) {
      sessions.delete(session);
      answer(response, 200, put(held.name, held.bytes, null));
      return;
    }
    const arrived = held.bytes.length === 0 ? {} : { range: `bytes=0-${held.bytes.length - 1}` };
    response.writeHead(308, { 'content-length': 0, ...arrived }).end();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', running.url);
    const query = url.searchParams;
    asked.push(`${request.method} ${url.pathname}`);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    if (running.refusals > 0) {
      running.refusals--;
      throw new Refusal(429, 'slow down');
    }
    const root = `/storage/v1/b/${bucket}/o`;
    const session = query.get('upload_id');
    if (url.pathname === `/upload${root}` && session !== null) {
      if (request.method !== 'DELETE') return putPart(session, request, body, response);
      if (!sessions.delete(session)) throw new Refusal(404, 'no such upload');
      response.writeHead(499, { 'content-length': 0 }).end();
      return;
    }
    if (url.pathname === `/upload${root}` && query.get('uploadType') === 'resumable') {
      const id = randomUUID();
      sessions.set(id, { name: query.get('name') ?? '', bytes: Buffer.alloc(0) });
      response.writeHead(200, { location: `${running.url}/upload${root}?uploadType=resumable&upload_id=${id}` }).end();
      return;
    }
    if (url.pathname === `/upload${root}` && query.get('uploadType') === 'multipart') {
      const { name, md5Hash, bytes } = related(request.headers['content-type'] ?? '', body);
      if (createHash('md5').update(bytes).digest('base64') !== md5Hash) throw new Refusal(400, 'wrong md5Hash');
      return answer(response, 200, put(name, bytes, query.get('ifGenerationMatch')));
    }
    if (url.pathname === root && request.method === 'GET') return answer(response, 200, list(query));
    if (!url.pathname.startsWith(`${root}/`)) throw new Refusal(404, 'The specified bucket does not exist.');
    const name = decodeURIComponent(url.pathname.slice(root.length + 1));
    const found = about(name);
    if (request.method === 'DELETE') {
      objects.delete(name);
      response.writeHead(204).end();
      return;
    }
    if (query.get('alt') !== 'media') return answer(response, 200, found);
    sendBytes(request, response, objects.get(name) as StoredObject);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((thrown: unknown) => {
      const status = thrown instanceof Refusal ? thrown.status : 500;
      const message = (thrown as Error).message;
      answer(response, status, {
        error: { code: status, message, errors: [{ message, reason: reasons[status] ?? 'x' }] },
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const running: RunningGcs = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    seed: (name, bytes) => {
      put(name, bytes, null);
    },
    sessions,
    asked,
    breakNextPartAfter: undefined,
    refusals: 0,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return running;
}

const reasons: Readonly<Record<number, string>> = {
  404: 'notFound',
  412: 'conditionNotMet',
  429: 'rateLimitExceeded',
};

function answer(response: ServerResponse, status: number, value: object): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendBytes(request: IncomingMessage, response: ServerResponse, object: StoredObject): void {
  const headers = { 'x-goog-generation': String(object.generation) };
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (range === null) {
    response.writeHead(200, { ...headers, 'content-length': object.bytes.length }).end(object.bytes);
    return;
  }
  const first = Number(range[1]);
  if (first >= object.bytes.length) throw new Refusal(416, 'The requested range cannot be satisfied.');
  const bytes = object.bytes.subarray(first, Number(range[2]) + 1);
  response.writeHead(206, { ...headers, 'content-length': bytes.length }).end(bytes);
}

/** The two parts of a multipart/related body. */
function related(contentType: string, body: Buffer): { name: string; md5Hash: string; bytes: Buffer } {
  const boundary = /boundary=(\S+)/.exec(contentType)?.[1] ?? '';
  const head = body.indexOf('\r\n\r\n') + 4;
  const headEnd = body.indexOf(`\r\n--${boundary}`, head);
  const data = body.indexOf('\r\n\r\n', headEnd) + 4;
  const dataEnd = body.lastIndexOf(`\r\n--${boundary}--`);
  const { name, md5Hash } = JSON.parse(body.subarray(head, headEnd).toString()) as { name: string; md5Hash: string };
  return { name, md5Hash, bytes: Buffer.from(body.subarray(data, dataEnd)) };
}

// Google Cloud Storage, by its JSON API. Google's client finds and renews credentials; requests are sent here, because the
// client has no signals, keeps sockets of abandoned streams, and takes none of the HTTP settings of a bucket file.

import { createHash, randomUUID } from 'node:crypto';
import type http from 'node:http';
import { faultOf, orAbort, throwIfAborted, withTimeout } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { during, Fault, kindOf, messageOf } from '../errors/fault.ts';
import type {
  Bucket,
  ConditionalWrites,
  ListedObject,
  ListOptions,
  ObjectAttributes,
  UploadOptions,
} from './bucket.ts';
import { conditionFailed, readSmall } from './conditional-writes.ts';
import type { GcsConfig } from './gcs-config.ts';
import { parseGcsListing, parseGcsObject } from './gcs-json.ts';
import { type HttpRequestInit, HttpTransport, newExchange } from './http-transport.ts';
import { checkObjectName, directoryOf } from './object-name.ts';
import { optionalClient } from './optional-client.ts';
import type { OnRequest } from './request-meter.ts';
import { isFound, objectStream, readRangeBy, responseStream } from './response-stream.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { statusFault } from './status-fault.ts';
import { largePartsGate, partsOf } from './upload-parts.ts';

export interface GcsDeps {
  /** Repeats single requests of listings and uploads. Without one each is sent once. */
  readonly policy?: RetryPolicy;
  /** Told of each request before it is sent. */
  readonly onRequest?: OnRequest;
}

/** The value of the Authorization header that is good now. */
type Authorize = () => Promise<string | undefined>;

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
/** An upload that fails must still be able to clean up after its caller left. */
const CLEAN_UP_TIMEOUT_MS = 10_000;
/** The status of an upload that goes on. */
const RESUME_INCOMPLETE = 308;
/** What a dropped upload answers. */
const CLIENT_CLOSED = 499;

/** Loads the client and opens a bucket. Nothing is sent yet. */
export async function openGcsBucket(deps: GcsDeps, config: GcsConfig): Promise<Bucket> {
  const authorize: Authorize = config.isAnonymous ? async () => undefined : await authorizer(config);
  return new GcsBucket(
    { ...deps, authorize, transport: new HttpTransport(config.transport, { onRequest: deps.onRequest }) },
    config,
  );
}

async function authorizer({ account }: GcsConfig): Promise<Authorize> {
  const { Storage } = await optionalClient('@google-cloud/storage', () => import('@google-cloud/storage'));
  const given = account === undefined ? {} : { credentials: account };
  const { authClient } = new Storage({ ...given, scopes: [SCOPE] });
  return async () => {
    try {
      return `Bearer ${await authClient.getAccessToken()}`;
    } catch (thrown) {
      throw new Fault('denied', `no GCS credentials: ${messageOf(thrown)}`, { cause: thrown });
    }
  };
}

class GcsBucket implements Bucket {
  readonly name: string;
  readonly #config: GcsConfig;
  readonly #policy: RetryPolicy | undefined;
  readonly #transport: HttpTransport;
  readonly #authorize: Authorize;
  readonly #largeParts = largePartsGate();

  constructor(deps: GcsDeps & { readonly transport: HttpTransport; readonly authorize: Authorize }, config: GcsConfig) {
    this.name = config.bucket;
    this.#config = config;
    this.#policy = deps.policy;
    this.#transport = deps.transport;
    this.#authorize = deps.authorize;
  }

  readonly conditional: ConditionalWrites = {
    read: async (request, name) => {
      checkObjectName(name);
      try {
        const response = await this.#fetch(request.signal, name, {});
        const version = String(response.headers['x-goog-generation'] ?? '');
        return { bytes: await readSmall(name, responseStream(request.signal, name, response)), version };
      } catch (thrown) {
        if (kindOf(thrown) === 'not-found') return undefined;
        throw thrown;
      }
    },
    write: async (request, name, bytes, expected) => {
      checkObjectName(name);
      // A version of another provider's making can be none of ours.
      if (expected !== undefined && !/^\d+$/.test(expected)) throw conditionFailed(name, expected);
      try {
        return (await this.#put(request, name, bytes, { ifGenerationMatch: expected ?? '0' })).version;
      } catch (thrown) {
        const isGone = expected !== undefined && kindOf(thrown) === 'not-found';
        if (isGone || kindOf(thrown) === 'conflict') throw during(`put ${name}`, conditionFailed(name, expected));
        throw thrown;
      }
    },
  };

  async *list(request: RequestContext, directory: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    const top = directoryOf(directory);
    const { startAfter = '' } = options;
    let pageToken = '';
    do {
      const query = {
        prefix: top === '' ? '' : `${top}/`,
        delimiter: options.recursive === true ? '' : '/',
        startOffset: startAfter,
        maxResults: '1000',
        fields: 'prefixes,items(name,size,updated),nextPageToken',
        pageToken,
      };
      const what = `list ${top === '' ? this.name : top}`;
      const page = await this.#repeated(request.signal, what, async () =>
        parseGcsListing(await this.#text(request.signal, what, this.#url('o', query), { method: 'GET' })),
      );
      for (const item of page.items) {
        // A listing starts at the name, not after it.
        if (startAfter !== '' && compareUtf8(item.name, startAfter) <= 0) continue;
        yield options.attributes === true ? item : { name: item.name };
      }
      pageToken = page.next;
    } while (pageToken !== '');
  }

  async get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    checkObjectName(name);
    return objectStream(request.signal, name, await this.#fetch(request.signal, name, {}));
  }

  async getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    checkObjectName(name);
    if (length <= 0) {
      await this.attributes(request, name);
      return new Uint8Array();
    }
    return readRangeBy(request.signal, name, async () => {
      const range = `bytes=${offset}-${offset + length - 1}`;
      const response = await this.#fetch(request.signal, name, { range });
      if (response.statusCode === 206) return response;
      response.destroy();
      throw new Fault('unsupported', `get range of ${name}: the server does not know ranges`);
    });
  }

  async exists(request: RequestContext, name: string): Promise<boolean> {
    return isFound(this.attributes(request, name));
  }

  async attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    checkObjectName(name);
    const url = this.#url(`o/${encodeURIComponent(name)}`, { fields: 'name,size,updated,generation' });
    return parseGcsObject(await this.#text(request.signal, `look at ${name}`, url, { method: 'GET' })).attributes;
  }

  async upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    { sizeBytes }: UploadOptions = {},
  ): Promise<void> {
    checkObjectName(name);
    let session: URL | undefined;
    let offset = 0;
    try {
      for await (const { bytes, isLast } of partsOf(body, {
        name,
        partSizeBytes: this.#config.chunkSizeBytes,
        sizeBytes,
        gate: this.#largeParts,
        signal: request.signal,
      })) {
        throwIfAborted(request.signal);
        const size = offset + bytes.length;
        if (isLast && session === undefined) {
          await this.#repeated(request.signal, `put ${name}`, () => this.#put(request, name, bytes, {}));
          return;
        }
        session ??= await this.#beginUpload(request, name);
        await this.#putPart(request, name, { session, bytes, offset, isLast });
        offset = size;
      }
    } catch (thrown) {
      if (session !== undefined) await this.#dropUpload(name, session);
      throw thrown;
    }
  }

  async delete(request: RequestContext, name: string): Promise<void> {
    checkObjectName(name);
    try {
      const url = this.#url(`o/${encodeURIComponent(name)}`, {});
      await this.#text(request.signal, `delete ${name}`, url, { method: 'DELETE' });
    } catch (thrown) {
      if (kindOf(thrown) !== 'not-found') throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#transport.close();
  }

  /** One request with name, sum and bytes: the server refuses bytes that do not add up. */
  async #put(
    request: RequestContext,
    name: string,
    bytes: Uint8Array,
    conditions: Readonly<Record<string, string>>,
  ): Promise<{ readonly version: string }> {
    const boundary = randomUUID();
    const md5Hash = createHash('md5').update(bytes).digest('base64');
    const about = JSON.stringify({ name, md5Hash, contentType: 'application/octet-stream' });
    const body = Buffer.concat([
      Buffer.from(`--${boundary}\r\ncontent-type: application/json; charset=utf-8\r\n\r\n${about}\r\n`),
      Buffer.from(`--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`),
      bytes,
      Buffer.from(`\r\n--${boundary}--`),
    ]);
    const headers = { 'content-type': `multipart/related; boundary=${boundary}`, 'content-length': body.length };
    const url = this.#url('o', { uploadType: 'multipart', ...conditions }, '/upload');
    return parseGcsObject(await this.#text(request.signal, `put ${name}`, url, { method: 'POST', headers, body }));
  }

  async #beginUpload(request: RequestContext, name: string): Promise<URL> {
    const what = `begin upload of ${name}`;
    return await this.#repeated(request.signal, what, async () => {
      const url = this.#url('o', { uploadType: 'resumable', name }, '/upload');
      const headers = { 'content-length': 0, 'x-upload-content-type': 'application/octet-stream' };
      const response = await this.#send(request.signal, what, url, { method: 'POST', headers });
      await readSmall(name, responseStream(request.signal, name, response));
      const { location } = response.headers;
      if (location === undefined) throw new Fault('unavailable', `${what}: the server says not where`);
      return new URL(location, url);
    });
  }

  /** What a broken try got across is not sent again: the server is asked how far it is. */
  async #putPart(
    request: RequestContext,
    name: string,
    part: { readonly session: URL; readonly bytes: Buffer; readonly offset: number; readonly isLast: boolean },
  ): Promise<void> {
    const { session, bytes, isLast } = part;
    const end = part.offset + bytes.length;
    const total = isLast ? String(end) : '*';
    const what = `put part of ${name} from ${part.offset}`;
    let isBroken = false;
    await this.#repeated(request.signal, what, async () => {
      let from = part.offset;
      if (isBroken) {
        const arrived = await this.#arrived(request.signal, name, session);
        if (arrived === undefined) return;
        from = arrived;
      }
      isBroken = true;
      while (from < end || isLast) {
        const body = bytes.subarray(from - part.offset);
        const range = body.length === 0 ? `bytes */${total}` : `bytes ${from}-${end - 1}/${total}`;
        const headers = { 'content-length': body.length, 'content-range': range };
        const response = await this.#send(request.signal, what, session, { method: 'PUT', headers, body });
        await readSmall(name, responseStream(request.signal, name, response));
        if (response.statusCode !== RESUME_INCOMPLETE) return;
        const arrived = arrivedOf(response);
        if (arrived <= from) throw new Fault('unavailable', `${what}: the server kept nothing of it`);
        from = arrived;
      }
    });
  }

  /** How many bytes of an upload the server has; undefined when it is finished. */
  async #arrived(signal: AbortSignal, name: string, session: URL): Promise<number | undefined> {
    const headers = { 'content-length': 0, 'content-range': 'bytes */*' };
    const response = await this.#send(signal, `ask for ${name}`, session, { method: 'PUT', headers });
    await readSmall(name, responseStream(signal, name, response));
    return response.statusCode === RESUME_INCOMPLETE ? arrivedOf(response) : undefined;
  }

  /** Drops what an upload that will not be completed has sent; when even that fails it expires by itself. */
  async #dropUpload(name: string, session: URL): Promise<void> {
    const limit = withTimeout(new AbortController().signal, CLEAN_UP_TIMEOUT_MS);
    try {
      const init = { method: 'DELETE', headers: { 'content-length': 0 } };
      await this.#text(limit.signal, `drop upload of ${name}`, session, init);
    } catch {
      // The failure of the upload is the one to tell.
    } finally {
      limit.release();
    }
  }

  #fetch(signal: AbortSignal, name: string, headers: http.OutgoingHttpHeaders): Promise<http.IncomingMessage> {
    const url = this.#url(`o/${encodeURIComponent(name)}`, { alt: 'media' });
    return this.#send(signal, `get ${name}`, url, { method: 'GET', headers });
  }

  #url(path: string, query: Readonly<Record<string, string>>, service = ''): URL {
    const bucket = encodeURIComponent(this.name);
    const url = new URL(`${this.#config.endpoint}${service}/storage/v1/b/${bucket}/${path}`);
    for (const [key, value] of Object.entries(query)) if (value !== '') url.searchParams.set(key, value);
    return url;
  }

  async #text(signal: AbortSignal, what: string, url: URL, init: HttpRequestInit): Promise<string> {
    const response = await this.#send(signal, what, url, init);
    const parts: Uint8Array[] = [];
    for await (const part of responseStream(signal, what, response)) parts.push(part);
    return Buffer.concat(parts).toString('utf8');
  }

  #repeated<T>(signal: AbortSignal, what: string, send: () => Promise<T>): Promise<T> {
    return this.#policy === undefined ? send() : this.#policy.run(signal, what, send);
  }

  async #send(signal: AbortSignal, what: string, url: URL, init: HttpRequestInit): Promise<http.IncomingMessage> {
    throwIfAborted(signal);
    const authorization = await orAbort(this.#authorize(), signal);
    const headers = authorization === undefined ? { ...init.headers } : { ...init.headers, authorization };
    const exchange = newExchange(signal);
    let response: http.IncomingMessage;
    try {
      response = await this.#transport.send(exchange, url, { ...init, headers });
    } catch (thrown) {
      if (signal.aborted) throw faultOf(signal);
      const kind = thrown instanceof Fault ? thrown.kind : 'unavailable';
      throw new Fault(kind, `${what}: ${messageOf(thrown)}`, { cause: thrown });
    }
    const status = response.statusCode ?? 0;
    const isDropped = init.method === 'DELETE' && status === CLIENT_CLOSED;
    if (status < 300 || status === RESUME_INCOMPLETE || isDropped) return response;
    const text = exchange.errorText || Buffer.from(await bodyOf(signal, what, response)).toString('utf8');
    const { reason, message } = wordsOf(text);
    const isThrottled = reason === 'rateLimitExceeded' || reason === 'userRateLimitExceeded';
    const { retryAfterMs } = exchange;
    throw statusFault(what, { status, code: reason, words: message, isThrottled, retryAfterMs });
  }
}

function bodyOf(signal: AbortSignal, what: string, response: http.IncomingMessage): Promise<Uint8Array> {
  return readSmall(what, responseStream(signal, what, response));
}

/** `Range: bytes=0-9` says that ten have arrived; no such header, that none have. */
function arrivedOf(response: http.IncomingMessage): number {
  const last = /^bytes=0-(\d+)$/.exec(response.headers.range ?? '')?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

/** The reason and message of an error in JSON; of another one its first words. */
function wordsOf(text: string): { readonly reason: string; readonly message: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string; errors?: { reason?: string }[] } };
    return { reason: error?.errors?.[0]?.reason ?? '', message: error?.message ?? '' };
  } catch {
    return { reason: '', message: text.slice(0, 200) };
  }
}

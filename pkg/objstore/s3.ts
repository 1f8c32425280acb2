// S3 and everything that speaks it, through the minio client. Listings and uploads of many requests repeat single pages
// and parts; the client's own retries are off.

import { createHash } from 'node:crypto';
import type http from 'node:http';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { throwIfAborted, withTimeout } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { during, Fault, kindOf } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import {
  type Bucket,
  bodyOf,
  type ConditionalWrites,
  isReadOnce,
  type ListedObject,
  type ListOptions,
  type ObjectAttributes,
  type UploadOptions,
} from './bucket.ts';
import { conditionFailed, readSmall } from './conditional-writes.ts';
import { HttpTransport, newExchange } from './http-transport.ts';
import { checkObjectName, directoryOf } from './object-name.ts';
import type { OnRequest } from './request-meter.ts';
import { isFound, objectStream, readRangeBy, responseStream } from './response-stream.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { S3Client } from './s3-client.ts';
import type { S3Config } from './s3-config.ts';
import { s3Fault } from './s3-fault.ts';
import { parseS3Page, type S3Page, type S3PageRequest, s3PageQuery } from './s3-listing.ts';
import { type SignedRequest, signV2 } from './s3-signature-v2.ts';
import { largePartsGate, partsOf } from './upload-parts.ts';

/** What S3 allows for one upload. */
const MAX_PARTS = 10_000;
/** What S3 allows for one request. */
const MAX_PUT_BYTES = 5 * 1024 ** 3;
/** Of a body that can be read only once and goes up in one request. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** An upload that fails must still be able to clean up after its caller left. */
const CLEAN_UP_TIMEOUT_MS = 10_000;

export interface S3Deps {
  /** Repeats single requests of listings and uploads. Without one each is sent once. */
  readonly policy?: RetryPolicy;
  /** Told of each request before it is sent. */
  readonly onRequest?: OnRequest;
  /** For `trace.enable`. */
  readonly logger?: Logger;
  /** How names of hosts become addresses; the system's way by default. */
  readonly lookup?: LookupFunction;
}

/** Loads the client and opens a bucket. Nothing is sent yet. */
export async function openS3Bucket(deps: S3Deps, config: S3Config): Promise<Bucket> {
  const { S3Client } = await import('./s3-client.ts');
  const sign = (request: SignedRequest): http.OutgoingHttpHeaders => {
    const isVirtual = String(request.headers['host'] ?? '').startsWith(`${config.bucket}.`);
    return signV2(request, client.credentials, isVirtual ? config.bucket : '', new Date());
  };
  const transport = new HttpTransport(config.transport, {
    logger: deps.logger,
    onRequest: deps.onRequest,
    lookup: deps.lookup,
    ...(config.isSignedV2 ? { sign } : {}),
  });
  let client: S3Client;
  try {
    client = new S3Client(transport, config);
  } catch (thrown) {
    transport.close();
    throw new Fault('invalid', `S3 configuration: ${(thrown as Error).message}`, { cause: thrown });
  }
  return new S3Bucket({ ...deps, client, transport }, config);
}

class S3Bucket implements Bucket {
  readonly name: string;
  readonly #client: S3Client;
  readonly #transport: HttpTransport;
  readonly #policy: RetryPolicy | undefined;
  readonly #config: S3Config;
  readonly #largeParts = largePartsGate();

  constructor(deps: S3Deps & { readonly client: S3Client; readonly transport: HttpTransport }, config: S3Config) {
    this.name = config.bucket;
    this.#client = deps.client;
    this.#transport = deps.transport;
    this.#policy = deps.policy;
    this.#config = config;
  }

  readonly conditional: ConditionalWrites = {
    read: async (request, name) => {
      checkObjectName(name);
      try {
        const response = await this.#send(request.signal, `get ${name}`, () =>
          this.#client.makeRequestAsync({ method: 'GET', bucketName: this.name, objectName: name }),
        );
        const bytes = await readSmall(name, responseStream(request.signal, name, response));
        return { bytes, version: versionOf(name, response) };
      } catch (thrown) {
        if (kindOf(thrown) === 'not-found') return undefined;
        throw thrown;
      }
    },
    write: async (request, name, bytes, expected) => {
      checkObjectName(name);
      const condition = expected === undefined ? { 'if-none-match': '*' } : { 'if-match': expected };
      const headers = { ...this.#config.uploadHeaders, ...this.#checksum(bytes), ...condition };
      try {
        const response = await this.#send(request.signal, `put ${name}`, () =>
          this.#client.makeRequestAsync(
            { method: 'PUT', bucketName: this.name, objectName: name, headers },
            Buffer.from(bytes),
          ),
        );
        await readSmall(name, responseStream(request.signal, name, response));
        return versionOf(name, response);
      } catch (thrown) {
        const isGone = expected !== undefined && kindOf(thrown) === 'not-found';
        if (isGone || kindOf(thrown) === 'conflict') throw during(`put ${name}`, conditionFailed(name, expected));
        throw thrown;
      }
    },
  };

  async *list(request: RequestContext, directory: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    const top = directoryOf(directory);
    const startAfter = options.startAfter ?? '';
    const prefix = top === '' ? '' : `${top}/`;
    const delimiter = options.recursive === true ? '' : '/';
    let token = '';
    for (;;) {
      const page = await this.#page(request, {
        version: this.#config.listVersion,
        prefix,
        delimiter,
        startAfter,
        token,
      });
      for (const item of page.items) {
        // Asked to start after `dir/x`, servers differ on whether `dir/` comes once more.
        if (startAfter !== '' && compareUtf8(item.name, startAfter) <= 0) continue;
        yield options.attributes === true ? item : { name: item.name };
      }
      if (page.next === undefined) return;
      token = page.next;
    }
  }

  async get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    checkObjectName(name);
    const response = await this.#send(request.signal, `get ${name}`, () =>
      this.#client.makeRequestAsync({ method: 'GET', bucketName: this.name, objectName: name }),
    );
    return objectStream(request.signal, name, response);
  }

  async getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    if (length <= 0) {
      await this.attributes(request, name);
      return new Uint8Array();
    }
    const headers = { range: `bytes=${offset}-${offset + length - 1}` };
    return readRangeBy(request.signal, name, () =>
      this.#send(request.signal, `get range of ${name}`, () =>
        this.#client.makeRequestAsync({ method: 'GET', bucketName: this.name, objectName: name, headers }, '', [206]),
      ),
    );
  }

  async exists(request: RequestContext, name: string): Promise<boolean> {
    return isFound(this.attributes(request, name));
  }

  async attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    checkObjectName(name);
    const found = await this.#send(request.signal, `look at ${name}`, () => this.#client.statObject(this.name, name));
    return { sizeBytes: found.size, lastModified: found.lastModified.getTime() };
  }

  async upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options: UploadOptions = {},
  ): Promise<void> {
    checkObjectName(name);
    if (this.#config.isOnePart) return await this.#putWhole(request, name, body, options);
    const { sizeBytes } = options;
    const partSizeBytes = Math.max(this.#config.partSizeBytes, Math.ceil((sizeBytes ?? 0) / MAX_PARTS));
    const [gate, { signal }] = [this.#largeParts, request];
    let uploadId: string | undefined;
    const etags: { part: number; etag: string }[] = [];
    try {
      for await (const { bytes, isLast } of partsOf(body, { name, partSizeBytes, sizeBytes, gate, signal })) {
        throwIfAborted(request.signal);
        if (isLast && uploadId === undefined) {
          await this.#put(request, name, bytes);
          return;
        }
        if (etags.length === MAX_PARTS) throw new Fault('limit', `${name} is larger than ${MAX_PARTS} parts`);
        uploadId ??= await this.#beginParts(request, name);
        etags.push(await this.#putPart(request, name, { uploadId, part: etags.length + 1, bytes }));
      }
      const id = uploadId ?? '';
      await this.#repeated(request.signal, `complete ${name}`, () =>
        this.#client.completeMultipartUpload(this.name, name, id, etags),
      );
    } catch (thrown) {
      if (uploadId !== undefined) await this.#dropParts(name, uploadId);
      throw thrown;
    }
  }

  async delete(request: RequestContext, name: string): Promise<void> {
    checkObjectName(name);
    try {
      await this.#send(request.signal, `delete ${name}`, () => this.#client.removeObject(this.name, name));
    } catch (thrown) {
      if (kindOf(thrown) !== 'not-found') throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#transport.close();
  }

  #page(request: RequestContext, page: S3PageRequest): Promise<S3Page> {
    return this.#repeated(request.signal, `list ${page.prefix === '' ? this.name : page.prefix}`, async () => {
      const query = s3PageQuery(page);
      const response = await this.#client.makeRequestAsync({ method: 'GET', bucketName: this.name, query });
      const parts: Uint8Array[] = [];
      for await (const part of responseStream(request.signal, page.prefix, response)) parts.push(part);
      return parseS3Page(Buffer.concat(parts).toString('utf8'), page.version);
    });
  }

  async #put(request: RequestContext, name: string, bytes: Buffer): Promise<void> {
    await this.#repeated(request.signal, `put ${name}`, () =>
      this.#client.makeRequestAsyncOmit(
        {
          method: 'PUT',
          bucketName: this.name,
          objectName: name,
          headers: { ...this.#config.uploadHeaders, ...this.#checksum(bytes) },
        },
        bytes,
      ),
    );
  }

  /** One request for all of it: read once for its size and sums, and once more while it is sent. */
  async #putWhole(
    request: RequestContext,
    name: string,
    given: AsyncIterable<Uint8Array>,
    { sizeBytes }: UploadOptions,
  ): Promise<void> {
    const body = isReadOnce(given) ? bodyOf(await readAtMost(name, given)) : given;
    const sums = await sumsOf(request.signal, body);
    if (sizeBytes !== undefined && sums.sizeBytes !== sizeBytes) {
      throw new Fault('invalid', `body of ${name} has ${sums.sizeBytes} bytes, ${sizeBytes} were promised`);
    }
    if (sums.sizeBytes > MAX_PUT_BYTES) throw new Fault('limit', `${name} is larger than one request may be`);
    const headers = {
      ...this.#config.uploadHeaders,
      ...(this.#config.sendContentMd5 ? { 'content-md5': sums.md5 } : {}),
      'content-length': sums.sizeBytes,
    };
    await this.#repeated(request.signal, `put ${name}`, async () => {
      const response = await this.#client.makeRequestStreamAsync(
        { method: 'PUT', bucketName: this.name, objectName: name, headers },
        Readable.from(copiesOf(body), { objectMode: false }),
        this.#client.sumsBodies ? sums.sha256 : '',
        [200],
        '',
      );
      for await (const _ of responseStream(request.signal, name, response)) {
        // The answer's body says nothing; the connection is free again once it is read.
      }
    });
  }

  #beginParts(request: RequestContext, name: string): Promise<string> {
    return this.#repeated(request.signal, `begin upload of ${name}`, () =>
      this.#client.initiateNewMultipartUpload(this.name, name, { ...this.#config.uploadHeaders }),
    );
  }

  #putPart(
    request: RequestContext,
    name: string,
    of: { readonly uploadId: string; readonly part: number; readonly bytes: Buffer },
  ): Promise<{ part: number; etag: string }> {
    return this.#repeated(request.signal, `put part ${of.part} of ${name}`, async () => {
      const { etag, part } = await this.#client.uploadPart(
        {
          bucketName: this.name,
          objectName: name,
          uploadID: of.uploadId,
          partNumber: of.part,
          headers: this.#checksum(of.bytes),
        },
        of.bytes,
      );
      return { part, etag };
    });
  }

  /** Frees the parts of an upload that will not be completed; when even that fails the bucket's own rules must do it. */
  async #dropParts(name: string, uploadId: string): Promise<void> {
    const limit = withTimeout(new AbortController().signal, CLEAN_UP_TIMEOUT_MS);
    try {
      await this.#send(limit.signal, `drop parts of ${name}`, () =>
        this.#client.abortMultipartUpload(this.name, name, uploadId),
      );
    } catch {
      // The failure of the upload is the one to tell.
    } finally {
      limit.release();
    }
  }

  #checksum(bytes: Uint8Array): Record<string, string> {
    if (!this.#config.sendContentMd5) return {};
    return { 'content-md5': createHash('md5').update(bytes).digest('base64') };
  }

  #repeated<T>(signal: AbortSignal, what: string, call: () => Promise<T>): Promise<T> {
    const send = () => this.#send(signal, what, call);
    return this.#policy === undefined ? send() : this.#policy.run(signal, what, send);
  }

  async #send<T>(signal: AbortSignal, what: string, call: () => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    const exchange = newExchange(signal);
    try {
      this.#client.signWith(await this.#config.credentials.current(signal));
      return await this.#transport.run(exchange, call);
    } catch (thrown) {
      throw s3Fault(what, thrown, exchange);
    }
  }
}

/** The entity tag with its quotes, as conditions want it. */
function versionOf(name: string, response: http.IncomingMessage): string {
  const { etag } = response.headers;
  if (etag === undefined || etag === '') throw new Fault('unsupported', `the server names no version of ${name}`);
  return etag;
}

async function readAtMost(name: string, body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > MAX_HELD_BYTES) {
      throw new Fault(
        'limit',
        `with disable_multipart ${name} would have to be held in memory: it can be read only once`,
      );
    }
    parts.push(new Uint8Array(part)); // A copy: the piece is good until the next.
  }
  return Buffer.concat(parts);
}

/** For a reader that asks for the next piece before it is done with the last. */
async function* copiesOf(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const part of body) yield Buffer.from(part);
}

async function sumsOf(
  signal: AbortSignal,
  body: AsyncIterable<Uint8Array>,
): Promise<{ readonly sizeBytes: number; readonly md5: string; readonly sha256: string }> {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')];
  let sizeBytes = 0;
  for await (const part of body) {
    throwIfAborted(signal);
    md5.update(part);
    sha256.update(part);
    sizeBytes += part.length;
  }
  return { sizeBytes, md5: md5.digest('base64'), sha256: sha256.digest('hex') };
}

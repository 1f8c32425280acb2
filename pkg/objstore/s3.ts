// S3 and everything that speaks it, through the minio client. Listings and uploads of many requests repeat single pages
// and parts; the client's own retries are off.

import { createHash } from 'node:crypto';
import type http from 'node:http';
import type { Client } from 'minio';
import { faultOf, throwIfAborted, withTimeout } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { Fault, kindOf } from '../errors/fault.ts';
import type { Bucket, ListedObject, ListOptions, ObjectAttributes, UploadOptions } from './bucket.ts';
import { ByteStream } from './byte-stream.ts';
import { checkObjectName, directoryOf } from './object-name.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { S3Config } from './s3-config.ts';
import { s3Fault } from './s3-fault.ts';
import { parseS3Page, type S3Page, type S3PageRequest, s3PageQuery } from './s3-listing.ts';
import { type S3Exchange, S3Transport } from './s3-transport.ts';

/** What S3 allows for one upload. */
const MAX_PARTS = 10_000;
/** An upload that fails must still be able to clean up after its caller left. */
const CLEAN_UP_TIMEOUT_MS = 10_000;

export interface S3Deps {
  /** Repeats single requests of listings and uploads. Without one each is sent once. */
  readonly policy?: RetryPolicy;
}

/** Loads the client and opens a bucket. Nothing is sent yet. */
export async function openS3Bucket(deps: S3Deps, config: S3Config): Promise<Bucket> {
  const { Client } = await import('minio');
  const transport = new S3Transport(config.transport);
  try {
    const client = new Client({
      endPoint: config.host,
      port: config.port,
      useSSL: !config.transport.isInsecure,
      region: config.region === '' ? undefined : config.region,
      accessKey: config.credentials.accessKey,
      secretKey: config.credentials.secretKey,
      sessionToken: config.credentials.sessionToken === '' ? undefined : config.credentials.sessionToken,
      pathStyle: config.lookup !== 'virtual-hosted',
      transport,
      transportAgent: transport.agent,
      retryOptions: { disableRetry: true },
    });
    return new S3Bucket({ ...deps, client, transport }, config);
  } catch (thrown) {
    transport.close();
    throw new Fault('invalid', `S3 configuration: ${(thrown as Error).message}`, { cause: thrown });
  }
}

class S3Bucket implements Bucket {
  readonly name: string;
  readonly #client: Client;
  readonly #transport: S3Transport;
  readonly #policy: RetryPolicy | undefined;
  readonly #config: S3Config;

  constructor(deps: S3Deps & { readonly client: Client; readonly transport: S3Transport }, config: S3Config) {
    this.name = config.bucket;
    this.#client = deps.client;
    this.#transport = deps.transport;
    this.#policy = deps.policy;
    this.#config = config;
  }

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
    return streamOf(request.signal, name, response);
  }

  async getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    if (length <= 0) {
      await this.attributes(request, name);
      return new Uint8Array();
    }
    const headers = { range: `bytes=${offset}-${offset + length - 1}` };
    let response: http.IncomingMessage;
    try {
      response = await this.#send(request.signal, `get range of ${name}`, () =>
        this.#client.makeRequestAsync({ method: 'GET', bucketName: this.name, objectName: name, headers }, '', [206]),
      );
    } catch (thrown) {
      // The object is there and ends before the range begins.
      if (thrown instanceof Fault && thrown.facts['status'] === 416) return new Uint8Array();
      throw thrown;
    }
    const parts: Uint8Array[] = [];
    for await (const part of streamOf(request.signal, name, response)) parts.push(part);
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  async exists(request: RequestContext, name: string): Promise<boolean> {
    try {
      await this.attributes(request, name);
      return true;
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return false;
      throw thrown;
    }
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
    const { sizeBytes } = options;
    const partSizeBytes = Math.max(this.#config.partSizeBytes, Math.ceil((sizeBytes ?? 0) / MAX_PARTS));
    let uploadId: string | undefined;
    const etags: { part: number; etag: string }[] = [];
    let size = 0;
    try {
      for await (const { bytes, isLast } of partsOf(body, partSizeBytes)) {
        throwIfAborted(request.signal);
        size += bytes.length;
        if ((isLast && sizeBytes !== undefined && size !== sizeBytes) || size > (sizeBytes ?? size)) {
          throw new Fault('invalid', `body of ${name} has ${size} bytes, ${sizeBytes} were promised`);
        }
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
      for await (const part of streamOf(request.signal, page.prefix, response)) parts.push(part);
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

  #checksum(bytes: Buffer): Record<string, string> {
    if (!this.#config.sendContentMd5) return {};
    return { 'content-md5': createHash('md5').update(bytes).digest('base64') };
  }

  #repeated<T>(signal: AbortSignal, what: string, call: () => Promise<T>): Promise<T> {
    const send = () => this.#send(signal, what, call);
    return this.#policy === undefined ? send() : this.#policy.run(signal, what, send);
  }

  async #send<T>(signal: AbortSignal, what: string, call: () => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    const exchange: S3Exchange = { signal, status: 0, retryAfterMs: 0, errorText: '' };
    try {
      return await this.#transport.run(exchange, call);
    } catch (thrown) {
      throw s3Fault(what, thrown, exchange);
    }
  }
}

function streamOf(signal: AbortSignal, name: string, response: http.IncomingMessage): ByteStream {
  const iterator: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
  return new ByteStream({
    async pull() {
      throwIfAborted(signal);
      try {
        const next = await iterator.next();
        return next.done === true ? undefined : next.value;
      } catch (thrown) {
        if (signal.aborted) throw faultOf(signal);
        throw new Fault('unavailable', `read ${name}: connection broke`, { cause: thrown });
      }
    },
    async close() {
      if (!response.readableEnded) response.destroy();
    },
  });
}

/** Cuts a body into parts of one size; the last is shorter, and the only one for a small body. Holds one part at a time. */
async function* partsOf(
  body: AsyncIterable<Uint8Array>,
  partSizeBytes: number,
): AsyncIterable<{ readonly bytes: Buffer; readonly isLast: boolean }> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (let rest of body) {
    // A full part is sent when more follows, so that the last one is known as such.
    while (heldBytes + rest.length > partSizeBytes) {
      const head = rest.subarray(0, partSizeBytes - heldBytes);
      rest = rest.subarray(head.length);
      held.push(head);
      yield { bytes: Buffer.concat(held), isLast: false };
      held = [];
      heldBytes = 0;
    }
    if (rest.length > 0) held.push(rest);
    heldBytes += rest.length;
  }
  yield { bytes: Buffer.concat(held), isLast: true };
}

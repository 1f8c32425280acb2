// Azure Blob Storage, through Microsoft's client over our own transport.

import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ContainerClient } from '@azure/storage-blob';
import { faultOf, throwIfAborted } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { during, Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { AzureConfig } from './azure-config.ts';
import { azureContainer } from './azure-credentials.ts';
import { azureHttp } from './azure-http.ts';
import type {
  Bucket,
  ConditionalWrites,
  ListedObject,
  ListOptions,
  ObjectAttributes,
  UploadOptions,
} from './bucket.ts';
import { conditionFailed, readSmall } from './conditional-writes.ts';
import { HttpTransport } from './http-transport.ts';
import { checkObjectName, directoryOf } from './object-name.ts';
import type { OnRequest } from './request-meter.ts';
import { isFound, objectStream, readRangeBy, responseStream } from './response-stream.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { statusFault } from './status-fault.ts';
import { largePartsGate, partsOf } from './upload-parts.ts';

export interface AzureDeps {
  /** Repeats single requests of listings and uploads. Without one each is sent once. */
  readonly policy?: RetryPolicy;
  /** Told of each request before it is sent. */
  readonly onRequest?: OnRequest;
  /** Names asked for in one page of a listing; as many as the service gives unless said otherwise. */
  readonly pageItems?: number;
}

/** The memory one upload holds; grows for objects too large for as many blocks as the service takes. */
const BLOCK_BYTES = 8 * 1024 * 1024;
const MAX_BLOCKS = 50_000;
const PAGE_ITEMS = 1000;

/** Loads the client and opens a container. Nothing is sent yet. */
export async function openAzureBucket(deps: AzureDeps, config: AzureConfig): Promise<Bucket> {
  const transport = new HttpTransport(config.transport, { onRequest: deps.onRequest });
  const options = { httpClient: azureHttp(transport), retryOptions: { maxTries: 1 } };
  return new AzureBucket({ ...deps, transport, container: await azureContainer(config, options) }, config);
}

class AzureBucket implements Bucket {
  readonly name: string;
  readonly #container: ContainerClient;
  readonly #transport: HttpTransport;
  readonly #policy: RetryPolicy | undefined;
  readonly #createsContainer: boolean;
  readonly #pageItems: number;
  readonly #largeParts = largePartsGate();

  constructor(
    deps: AzureDeps & { readonly transport: HttpTransport; readonly container: ContainerClient },
    config: AzureConfig,
  ) {
    this.name = config.container;
    this.#container = deps.container;
    this.#transport = deps.transport;
    this.#policy = deps.policy;
    this.#createsContainer = config.createsContainer;
    this.#pageItems = deps.pageItems ?? PAGE_ITEMS;
  }

  readonly conditional: ConditionalWrites = {
    read: async (request, name) => {
      checkObjectName(name);
      try {
        const { body, version } = await this.#download(request, name);
        return { bytes: await readSmall(name, responseStream(request.signal, name, body)), version };
      } catch (thrown) {
        if (kindOf(thrown) === 'not-found') return undefined;
        throw thrown;
      }
    },
    write: async (request, name, bytes, expected) => {
      checkObjectName(name);
      const conditions = expected === undefined ? { ifNoneMatch: '*' } : { ifMatch: expected };
      try {
        return await this.#put(request, name, bytes, conditions);
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
    const prefix = top === '' ? '' : `${top}/`;
    let token: string | undefined;
    do {
      const what = `list ${top === '' ? this.name : top}`;
      const page = await this.#repeated(request.signal, what, () =>
        this.#page(request, what, { prefix, token, isRecursive: options.recursive === true }),
      );
      for (const item of page.items) {
        // The service cannot start at a name.
        if (startAfter !== '' && compareUtf8(item.name, startAfter) <= 0) continue;
        yield options.attributes === true ? item : { name: item.name };
      }
      token = page.next;
    } while (token !== undefined && token !== '');
  }

  async get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    checkObjectName(name);
    return objectStream(request.signal, name, (await this.#download(request, name)).body);
  }

  async getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    checkObjectName(name);
    if (length <= 0) {
      await this.attributes(request, name);
      return new Uint8Array();
    }
    return readRangeBy(
      request.signal,
      name,
      async () => (await this.#download(request, name, { offset, length })).body,
    );
  }

  async exists(request: RequestContext, name: string): Promise<boolean> {
    return isFound(this.attributes(request, name));
  }

  async attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    checkObjectName(name);
    const found = await this.#send(request.signal, `look at ${name}`, () =>
      this.#container.getBlobClient(name).getProperties({ abortSignal: request.signal }),
    );
    return { sizeBytes: found.contentLength ?? 0, lastModified: found.lastModified?.getTime() ?? 0 };
  }

  async upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    { sizeBytes }: UploadOptions = {},
  ): Promise<void> {
    checkObjectName(name);
    const blob = this.#container.getBlockBlobClient(name);
    const [gate, { signal }] = [this.#largeParts, request];
    const ids: string[] = [];
    const partSizeBytes = Math.max(BLOCK_BYTES, Math.ceil((sizeBytes ?? 0) / MAX_BLOCKS));
    // Blocks that are never committed are nobody's object, and the service drops them after a week.
    for await (const { bytes, isLast } of partsOf(body, { name, partSizeBytes, sizeBytes, gate, signal })) {
      throwIfAborted(signal);
      if (isLast && ids.length === 0) {
        await this.#repeated(signal, `put ${name}`, () => this.#put(request, name, bytes, {}));
        return;
      }
      if (ids.length === MAX_BLOCKS) throw new Fault('limit', `${name} is larger than ${MAX_BLOCKS} blocks`);
      const id = Buffer.from(String(ids.length).padStart(6, '0')).toString('base64');
      const sums = { transactionalContentMD5: md5Of(bytes), abortSignal: signal };
      await this.#repeated(signal, `put block ${ids.length} of ${name}`, () =>
        this.#writing(signal, `put block of ${name}`, () => blob.stageBlock(id, bytes, bytes.length, sums)),
      );
      ids.push(id);
    }
    await this.#repeated(signal, `complete ${name}`, () =>
      this.#send(signal, `complete ${name}`, () => blob.commitBlockList(ids, { abortSignal: signal })),
    );
  }

  async delete(request: RequestContext, name: string): Promise<void> {
    checkObjectName(name);
    try {
      await this.#send(request.signal, `delete ${name}`, () =>
        this.#container.deleteBlob(name, { abortSignal: request.signal, deleteSnapshots: 'include' }),
      );
    } catch (thrown) {
      if (kindOf(thrown) !== 'not-found') throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#transport.close();
  }

  async #page(
    request: RequestContext,
    what: string,
    of: { readonly prefix: string; readonly token: string | undefined; readonly isRecursive: boolean },
  ): Promise<{ readonly items: readonly ListedObject[]; readonly next: string | undefined }> {
    const asked = { prefix: of.prefix, abortSignal: request.signal };
    const paging = { maxPageSize: this.#pageItems, ...(of.token === undefined ? {} : { continuationToken: of.token }) };
    return await this.#writing(request.signal, what, async () => {
      const pages = of.isRecursive
        ? this.#container.listBlobsFlat(asked).byPage(paging)
        : this.#container.listBlobsByHierarchy('/', asked).byPage(paging);
      const { value: page, done } = await pages.next();
      if (done === true || page === undefined) return { items: [], next: undefined };
      const segment = page.segment as {
        blobItems: typeof page.segment.blobItems;
        blobPrefixes?: readonly { name: string }[];
      };
      const items: ListedObject[] = (segment.blobPrefixes ?? []).map(({ name }) => ({ name }));
      for (const { name, properties } of segment.blobItems) {
        if (name.endsWith('/')) continue;
        const { contentLength = 0, lastModified } = properties;
        items.push({ name, attributes: { sizeBytes: contentLength, lastModified: lastModified.getTime() } });
      }
      items.sort((a, b) => compareUtf8(a.name, b.name));
      return { items, next: page.continuationToken };
    });
  }

  async #download(
    request: RequestContext,
    name: string,
    range: { readonly offset: number; readonly length: number } | undefined = undefined,
  ): Promise<{ readonly body: Readable; readonly version: string }> {
    const { readableStreamBody, etag } = await this.#send(request.signal, `get ${name}`, () =>
      this.#container
        .getBlobClient(name)
        .download(range?.offset ?? 0, range?.length, { abortSignal: request.signal, maxRetryRequests: 0 }),
    );
    return { body: readableStreamBody as Readable, version: etag ?? '' };
  }

  /** The new version. */
  #put(
    request: RequestContext,
    name: string,
    bytes: Uint8Array,
    conditions: { readonly ifMatch?: string; readonly ifNoneMatch?: string },
  ): Promise<string> {
    const { signal } = request;
    const options = { abortSignal: signal, conditions, transactionalContentMD5: md5Of(bytes) };
    return this.#writing(signal, `put ${name}`, async () => {
      const { etag } = await this.#container.getBlockBlobClient(name).upload(bytes, bytes.length, options);
      return etag ?? '';
    });
  }

  /** What needs the container makes it, where that is wanted. */
  async #writing<T>(signal: AbortSignal, what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await this.#send(signal, what, call);
    } catch (thrown) {
      const isMissing = thrown instanceof Fault && thrown.facts['code'] === 'ContainerNotFound';
      if (!isMissing || !this.#createsContainer) throw thrown;
      await this.#send(signal, 'create the container', () =>
        this.#container.createIfNotExists({ abortSignal: signal }),
      );
      return await this.#send(signal, what, call);
    }
  }

  #repeated<T>(signal: AbortSignal, what: string, send: () => Promise<T>): Promise<T> {
    return this.#policy === undefined ? send() : this.#policy.run(signal, what, send);
  }

  async #send<T>(signal: AbortSignal, what: string, call: () => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    try {
      return await call();
    } catch (thrown) {
      if (signal.aborted) throw faultOf(signal);
      throw azureFault(what, thrown);
    }
  }
}

const throttlingCodes: ReadonlySet<string> = new Set(['ServerBusy', 'OperationTimedOut', 'TooManyRequests']);

/** What the client threw: an answer with its status, or no answer. */
function azureFault(what: string, thrown: unknown): Fault {
  if (thrown instanceof Fault) return during(what, thrown);
  const { statusCode, code, name, cause } = thrown as {
    readonly statusCode?: number;
    readonly code?: string;
    readonly name?: string;
    readonly cause?: unknown;
  };
  if (statusCode === undefined) {
    if (cause instanceof Fault) return during(what, cause);
    const isOfIdentity = /Credential|Authentication/.test(name ?? '');
    return new Fault(isOfIdentity ? 'denied' : 'unavailable', `${what}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const words = messageOf(thrown).split('\n')[0];
  const isThrottled = statusCode === 503 || throttlingCodes.has(code ?? '');
  return statusFault(what, { status: statusCode, code: code ?? '', words, isThrottled, cause: thrown });
}

function md5Of(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}

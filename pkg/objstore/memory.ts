// A bucket in memory: for tests, and as the plainest reading of the contract.

import { throwIfAborted } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { Fault } from '../errors/fault.ts';
import type {
  Bucket,
  ConditionalWrites,
  ListedObject,
  ListOptions,
  ObjectAttributes,
  UploadOptions,
} from './bucket.ts';
import { ByteStream } from './byte-stream.ts';
import { conditionFailed } from './conditional-writes.ts';
import { checkObjectName, directoryOf } from './object-name.ts';

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly lastModified: number;
  readonly version: string;
}

export class MemoryBucket implements Bucket {
  readonly name: string;
  readonly #objects = new Map<string, StoredObject>();
  readonly #now: () => number;
  #writes = 0;

  constructor(name = 'memory', now: () => number = Date.now) {
    this.name = name;
    this.#now = now;
  }

  readonly conditional: ConditionalWrites = {
    read: async (request, name) => {
      throwIfAborted(request.signal);
      const found = this.#objects.get(name);
      return found === undefined ? undefined : { bytes: found.bytes.slice(), version: found.version };
    },
    write: async (request, name, bytes, expected) => {
      throwIfAborted(request.signal);
      checkObjectName(name);
      if (this.#objects.get(name)?.version !== expected) throw conditionFailed(name, expected);
      return this.#put(name, bytes.slice());
    },
  };

  async *list(request: RequestContext, directory: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    const top = directoryOf(directory);
    const prefix = top === '' ? '' : `${top}/`;
    const { startAfter } = options;
    let lastDirectory = '';
    for (const name of [...this.#objects.keys()].sort(compareUtf8)) {
      throwIfAborted(request.signal);
      if (!name.startsWith(prefix)) continue;
      const slash = options.recursive === true ? -1 : name.indexOf('/', prefix.length);
      const listed = slash < 0 ? name : name.slice(0, slash + 1);
      if (startAfter !== undefined && compareUtf8(listed, startAfter) <= 0) continue;
      if (slash < 0) {
        const object = this.#objects.get(name);
        if (object === undefined) continue; // Deleted while the listing was read.
        yield options.attributes === true ? { name, attributes: attributesOf(object) } : { name };
      } else if (listed !== lastDirectory) {
        lastDirectory = listed;
        yield { name: listed };
      }
    }
  }

  async get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    let rest: Uint8Array | undefined = this.#find(request, name).bytes;
    return new ByteStream({
      async pull() {
        throwIfAborted(request.signal);
        const bytes = rest;
        rest = undefined;
        return bytes === undefined || bytes.length === 0 ? undefined : bytes.slice();
      },
      async close() {},
    });
  }

  async getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#find(request, name).bytes.slice(offset, offset + length);
  }

  async exists(request: RequestContext, name: string): Promise<boolean> {
    throwIfAborted(request.signal);
    return this.#objects.has(name);
  }

  async attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    return attributesOf(this.#find(request, name));
  }

  async upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options: UploadOptions = {},
  ): Promise<void> {
    checkObjectName(name);
    const parts: Uint8Array[] = [];
    for await (const part of body) {
      throwIfAborted(request.signal);
      parts.push(new Uint8Array(part)); // A copy: the piece is good until the next.
    }
    throwIfAborted(request.signal);
    const bytes = new Uint8Array(Buffer.concat(parts));
    if (options.sizeBytes !== undefined && options.sizeBytes !== bytes.length) {
      throw new Fault(
        'invalid',
        `upload of ${name}: body has ${bytes.length} bytes, ${options.sizeBytes} were promised`,
      );
    }
    this.#put(name, bytes);
  }

  async delete(request: RequestContext, name: string): Promise<void> {
    throwIfAborted(request.signal);
    this.#objects.delete(name);
  }

  async close(): Promise<void> {}

  #put(name: string, bytes: Uint8Array): string {
    const version = String(++this.#writes);
    this.#objects.set(name, { bytes, lastModified: this.#now(), version });
    return version;
  }

  #find(request: RequestContext, name: string): StoredObject {
    throwIfAborted(request.signal);
    const object = this.#objects.get(name);
    if (object === undefined) throw new Fault('not-found', `no object ${name}`);
    return object;
  }
}

function attributesOf(object: StoredObject): ObjectAttributes {
  return { sizeBytes: object.bytes.length, lastModified: object.lastModified };
}

// Tries again what may be tried again. A stream that breaks goes on by ranges from where it broke, a listing from the
// last name that came; an upload is repeated only when its body can be read once more.

import type { RequestContext } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import {
  type Bucket,
  type ConditionalWrites,
  isReadOnce,
  type ListedObject,
  type ListOptions,
  type ObjectAttributes,
  type UploadOptions,
} from './bucket.ts';
import { ByteStream } from './byte-stream.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** A broken stream is continued in ranges of this size, so that memory stays bounded. */
const RESUME_BYTES = 4 * 1024 * 1024;

export class RetryingBucket implements Bucket {
  readonly name: string;
  readonly conditional?: ConditionalWrites;
  readonly #inner: Bucket;
  readonly #policy: RetryPolicy;

  constructor(deps: { readonly policy: RetryPolicy }, inner: Bucket) {
    this.name = inner.name;
    this.#inner = inner;
    this.#policy = deps.policy;
    if (inner.conditional !== undefined) this.conditional = retriedConditional(inner.conditional, deps.policy);
  }

  async *list(request: RequestContext, directory: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    let startAfter = options.startAfter;
    const begin = () => {
      const resumed = startAfter === undefined ? options : { ...options, startAfter };
      return this.#inner.list(request, directory, resumed)[Symbol.asyncIterator]();
    };
    let iterator = begin();
    let isBroken = false;
    try {
      for (;;) {
        const next = await this.#policy.run(request.signal, `list ${directory}`, async () => {
          if (isBroken) iterator = begin();
          isBroken = true; // A generator that threw is over.
          const item = await iterator.next();
          isBroken = false;
          return item;
        });
        if (next.done === true) return;
        startAfter = next.value.name;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  async get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    const stream = await this.#policy.run(request.signal, `get ${name}`, () => this.#inner.get(request, name));
    let iterator: AsyncIterator<Uint8Array> | undefined = stream[Symbol.asyncIterator]();
    let offset = 0;
    let isAtEnd = false;

    const resume = async (): Promise<Uint8Array | undefined> => {
      if (isAtEnd) return undefined;
      const bytes = await this.getRange(request, name, offset, RESUME_BYTES);
      isAtEnd = bytes.length < RESUME_BYTES;
      return bytes.length === 0 ? undefined : bytes;
    };
    const pull = async (): Promise<Uint8Array | undefined> => {
      if (iterator === undefined) return resume();
      const next = await iterator.next();
      return next.done === true ? undefined : next.value;
    };
    return new ByteStream({
      pull: async () => {
        const bytes = await this.#policy.run(request.signal, `read ${name}`, async () => {
          try {
            return await pull();
          } catch (thrown) {
            iterator = undefined; // The next try, if there is one, goes on by ranges.
            throw thrown;
          }
        });
        offset += bytes?.length ?? 0;
        return bytes;
      },
      close: async () => {
        await iterator?.return?.();
      },
    });
  }

  getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#policy.run(request.signal, `get range of ${name}`, () =>
      this.#inner.getRange(request, name, offset, length),
    );
  }

  exists(request: RequestContext, name: string): Promise<boolean> {
    return this.#policy.run(request.signal, `look for ${name}`, () => this.#inner.exists(request, name));
  }

  attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    return this.#policy.run(request.signal, `look at ${name}`, () => this.#inner.attributes(request, name));
  }

  upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options?: UploadOptions,
  ): Promise<void> {
    const work = () => this.#inner.upload(request, name, body, options);
    return this.#policy.run(request.signal, `upload ${name}`, work, { canRepeat: !isReadOnce(body) });
  }

  delete(request: RequestContext, name: string): Promise<void> {
    return this.#policy.run(request.signal, `delete ${name}`, () => this.#inner.delete(request, name));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/**
 * A try that failed without an answer may have written. The next one then meets its own write as a conflict, and knows it
 * by the bytes.
 */
function retriedConditional(inner: ConditionalWrites, policy: RetryPolicy): ConditionalWrites {
  return {
    ...inner,
    read: (request, name) => policy.run(request.signal, `read ${name}`, () => inner.read(request, name)),
    write: (request, name, bytes, expected) => {
      let isRepeated = false;
      return policy.run(request.signal, `write ${name}`, async () => {
        try {
          return await inner.write(request, name, bytes, expected);
        } catch (thrown) {
          if (isRepeated && kindOf(thrown) === 'conflict') {
            const found = await inner.read(request, name);
            if (found !== undefined && Buffer.compare(found.bytes, bytes) === 0) return found.version;
          }
          isRepeated = true;
          throw thrown;
        }
      });
    },
  };
}

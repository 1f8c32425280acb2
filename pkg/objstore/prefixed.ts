// A bucket inside a prefix of another: `name` becomes `prefix/name`, and back in listings.

import type { RequestContext } from '../async/request.ts';
import type {
  Bucket,
  ConditionalWrites,
  LinkTo,
  ListedObject,
  ListOptions,
  ObjectAttributes,
  UploadOptions,
} from './bucket.ts';
import { prefixedConditional } from './conditional-writes.ts';
import { checkObjectName, directoryOf } from './object-name.ts';

export class PrefixedBucket implements Bucket {
  readonly name: string;
  readonly conditional?: ConditionalWrites;
  readonly linkTo?: LinkTo;
  readonly #inner: Bucket;
  /** With its final `/`. */
  readonly #prefix: string;

  /** The prefix may have `/` around it. Closing this closes the inner bucket. */
  constructor(inner: Bucket, prefix: string) {
    const trimmed = prefix.replace(/^\/+|\/+$/g, '');
    checkObjectName(trimmed);
    this.name = inner.name;
    this.#inner = inner;
    this.#prefix = `${trimmed}/`;
    const { linkTo } = inner;
    if (linkTo !== undefined) this.linkTo = (request, name, path) => linkTo(request, this.#prefix + name, path);
    if (inner.conditional !== undefined) this.conditional = prefixedConditional(inner.conditional, this.#prefix);
  }

  async *list(request: RequestContext, directory: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    const { startAfter } = options;
    const inside = startAfter === undefined ? options : { ...options, startAfter: this.#prefix + startAfter };
    for await (const { name, ...rest } of this.#inner.list(request, this.#prefix + directoryOf(directory), inside)) {
      yield { name: name.slice(this.#prefix.length), ...rest };
    }
  }

  get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#inner.get(request, this.#prefix + name);
  }

  getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#inner.getRange(request, this.#prefix + name, offset, length);
  }

  exists(request: RequestContext, name: string): Promise<boolean> {
    return this.#inner.exists(request, this.#prefix + name);
  }

  attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    return this.#inner.attributes(request, this.#prefix + name);
  }

  upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options?: UploadOptions,
  ): Promise<void> {
    return this.#inner.upload(request, this.#prefix + name, body, options);
  }

  delete(request: RequestContext, name: string): Promise<void> {
    return this.#inner.delete(request, this.#prefix + name);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

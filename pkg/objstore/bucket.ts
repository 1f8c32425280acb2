// Objects in a bucket: the contract every provider, decorator and fake keeps (its tests are in conformance.ts).

import type { RequestContext } from '../async/request.ts';
import { Fault } from '../errors/fault.ts';

export interface ObjectAttributes {
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
}

export interface ListedObject {
  /** Full name from the bucket's root; a directory ends with `/`. */
  readonly name: string;
  /** Only with `attributes: true`, and never for directories. */
  readonly attributes?: ObjectAttributes;
}

export interface ListOptions {
  /** All objects below, instead of direct children. Directories are not listed then. */
  readonly recursive?: boolean;
  /** Size and time of each object, where the provider lists them anyway or by one more call each. */
  readonly attributes?: boolean;
  /** Only names that order after this full name by UTF-8 bytes: to go on where a listing broke off. */
  readonly startAfter?: string;
}

export interface UploadOptions {
  /** Known size in bytes; a mismatch fails the upload. */
  readonly sizeBytes?: number;
  /**
   * A local file that has the bytes of the body and that nobody writes into any more: where it can, the bucket gives it a
   * second name instead of reading the body.
   */
  readonly ownFile?: string;
}

export interface VersionedObject {
  /** Yours to keep. */
  readonly bytes: Uint8Array;
  /** Another text after each write; nothing else may be read into it. */
  readonly version: string;
}

/**
 * Writes that happen only if nobody wrote in between: for a few small objects that several processes change, such as a
 * lease. Whether a server keeps to the conditions only a trial tells (`keepsConditions` of conditional-writes.ts).
 */
export interface ConditionalWrites {
  /** True where it is our own code that keeps to the conditions: there no trial is needed. */
  readonly isCertain?: boolean;
  /** An object with its version, read as one; undefined for a missing one. `limit` past 1 MiB. */
  read(request: RequestContext, name: string): Promise<VersionedObject | undefined>;
  /**
   * Writes if the object still has version `expected`, or is missing where that is undefined; gives back the new version.
   * `conflict` when it is not so, and then nothing is written. A failure of another kind leaves open whether it was
   * written. Bytes should differ from each earlier writer's: a repeated try knows its own write by them.
   */
  write(request: RequestContext, name: string, bytes: Uint8Array, expected: string | undefined): Promise<string>;
}

/**
 * Gives the object a second name, the local path `path`, at which there must be nothing yet. Both are one file from then on:
 * nobody may write into it, while deleting either leaves the other. False when that cannot be, whatever the reason: `get`
 * tells what is wrong, if anything is.
 */
export type LinkTo = (request: RequestContext, name: string, path: string) => Promise<boolean>;

/**
 * Names use `/`, have no leading one, and are UTF-8. Every method gives up when `request.signal` aborts and frees its
 * socket. Failures are Faults: `not-found` for a missing object, `denied`, `unavailable`, `timeout`, `canceled`.
 */
export interface Bucket {
  /** For metrics and logs, e.g. the bucket's name or the directory. */
  readonly name: string;
  /** Direct children of a directory ('' is the root; a final `/` may be given or not), sorted by name by most providers. A missing directory is empty. */
  list(request: RequestContext, directory: string, options?: ListOptions): AsyncIterable<ListedObject>;
  /**
   * The whole object, streamed; a piece is good until the next is asked for. The caller must read to the end, or call
   * `return` on the iterator.
   */
  get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>>;
  /** Bytes [offset, offset + length) in one array; shorter only when the object ends before. */
  getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array>;
  /** False for directories. */
  exists(request: RequestContext, name: string): Promise<boolean>;
  attributes(request: RequestContext, name: string): Promise<ObjectAttributes>;
  /**
   * The whole object becomes visible, or nothing does. Replaces what is there. A piece of the body is good until the next
   * is asked for, so that a file of any size goes through one buffer.
   */
  upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options?: UploadOptions,
  ): Promise<void>;
  /** Deleting a missing object is `not-found` on no provider: it succeeds. */
  delete(request: RequestContext, name: string): Promise<void>;
  /** Absent where the provider has no such thing. */
  readonly conditional?: ConditionalWrites;
  /** Absent where objects are no local files. */
  readonly linkTo?: LinkTo;
  close(): Promise<void>;
}

/** Reads a whole object into memory; refuses with `limit` past `maxBytes`. For small objects such as meta.json. */
export async function readAll(
  request: RequestContext,
  bucket: Bucket,
  name: string,
  maxBytes = 64 * 1024 * 1024,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of await bucket.get(request, name)) {
    size += part.length;
    if (size > maxBytes) throw new Fault('limit', `object ${name} is larger than ${maxBytes} bytes`);
    parts.push(new Uint8Array(part)); // A copy: the piece is good until the next.
  }
  return Buffer.concat(parts);
}

/** An upload body from bytes already in memory. It can be read more than once, so an upload of it can be tried again. */
export function bodyOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
  };
}

/** Whether an upload body is an iterator itself, and so gone after one reading. */
export function isReadOnce(body: AsyncIterable<Uint8Array>): boolean {
  return typeof (body as Partial<AsyncIterator<Uint8Array>>).next === 'function';
}

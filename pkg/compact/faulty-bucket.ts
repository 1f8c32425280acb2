// Tests: a bucket one of whose calls goes wrong, in one of the ways calls go wrong, and after whose crash nothing works.

import { Fault } from '../errors/fault.ts';
import type { Bucket } from '../objstore/bucket.ts';

/**
 * `before`: nothing is done. `after`: a change is made all the same, and of what is read half is given. `crash`: nothing is
 * done, and no later call is answered either. `crash after`: the same, but a change is made.
 */
export const callFaults = ['before', 'after', 'crash', 'crash after'] as const;
export type CallFault = (typeof callFaults)[number];

export interface FaultyBucket {
  readonly bucket: Bucket;
  /** What was called so far: operation and object, and how often it was called before, from 0. */
  readonly calls: readonly string[];
  /** Aborts with the crash. */
  readonly life: AbortSignal;
}

const READS = new Set(['list', 'get']);

/** `fatal` is the call as it stands in `calls`; none when undefined. `nameOf` gives the same name to an object of each run. */
export function faultyBucket(
  bucket: Bucket,
  nameOf: (object: string) => string,
  fatal?: string,
  fault: CallFault = 'before',
): FaultyBucket {
  const calls: string[] = [];
  const counts = new Map<string, number>();
  const life = new AbortController();
  const isCrash = fault === 'crash' || fault === 'crash after';
  const isAfter = fault === 'after' || fault === 'crash after';
  const broken = (name: string): Fault => {
    if (isCrash) life.abort(new Fault('canceled', 'crashed'));
    return new Fault(isCrash ? 'canceled' : 'unavailable', `the bucket failed at ${name}`);
  };
  /** Counts a call; true when it is the one. */
  const isFatal = (name: string): boolean => {
    if (life.signal.aborted) throw broken(name);
    const known = nameOf(name);
    const count = counts.get(known) ?? 0;
    counts.set(known, count + 1);
    calls.push(`${known} ${count}`);
    return calls.at(-1) === fatal;
  };
  const call = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (!isFatal(name)) return work();
    if (isAfter) await work();
    throw broken(name);
  };
  const read = async function* <T>(name: string, items: AsyncIterable<T>, isHit: boolean): AsyncIterable<T> {
    if (!isHit) return yield* items;
    if (isAfter) {
      for await (const item of items) {
        yield item instanceof Uint8Array ? (item.subarray(0, item.length >> 1) as T) : item;
        break;
      }
    }
    throw broken(name);
  };
  const { conditional } = bucket;
  const faulty: Bucket = {
    name: bucket.name,
    list: (request, directory, options) => {
      const name = `list ${directory}`;
      return read(name, bucket.list(request, directory, options), isFatal(name));
    },
    get: async (request, name) => {
      const isHit = isFatal(`get ${name}`);
      // What is not there is not there: only its body can break.
      return read(`get ${name}`, await bucket.get(request, name), isHit);
    },
    getRange: (request, name, ...range) => call(`getRange ${name}`, () => bucket.getRange(request, name, ...range)),
    exists: (request, name) => call(`exists ${name}`, () => bucket.exists(request, name)),
    attributes: (request, name) => call(`attributes ${name}`, () => bucket.attributes(request, name)),
    upload: (request, name, ...rest) => call(`upload ${name}`, () => bucket.upload(request, name, ...rest)),
    delete: (request, name) => call(`delete ${name}`, () => bucket.delete(request, name)),
    close: () => bucket.close(),
    ...(conditional && {
      conditional: {
        read: (request, name) => call(`read ${name}`, () => conditional.read(request, name)),
        write: (request, name, ...rest) => call(`write ${name}`, () => conditional.write(request, name, ...rest)),
      },
    }),
  };
  return { bucket: faulty, calls, life: life.signal };
}

/** Whether a call changes the bucket. */
export function isChange(call: string): boolean {
  const [operation] = call.split(' ', 1);
  return operation === 'upload' || operation === 'delete' || operation === 'write';
}

/** Whether half of what a call gives can be given. */
export function isStream(call: string): boolean {
  return READS.has(call.split(' ', 1)[0]);
}

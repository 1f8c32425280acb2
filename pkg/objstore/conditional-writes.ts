// What providers and decorators share about writes on a condition, and the trial that tells whether a server keeps to it:
// some that speak S3 ignore the headers and write in any case.

import { randomUUID } from 'node:crypto';
import type { RequestContext } from '../async/request.ts';
import { Fault, kindOf } from '../errors/fault.ts';
import type { Bucket, ConditionalWrites } from './bucket.ts';

/** What a conditional read may hold in memory. */
export const MAX_CONDITIONAL_BYTES = 1024 * 1024;

/** Where trials put their objects; readers of blocks look only at directories named by a ULID. */
export const SCRATCH_DIRECTORY = 'tributary/scratch';

/** The failure of a write whose condition does not hold. */
export function conditionFailed(name: string, expected: string | undefined): Fault {
  return new Fault(
    'conflict',
    expected === undefined ? `${name} is there already` : `${name} is no longer version ${expected}`,
  );
}

/** Collects a small object; `limit` when it is not small. */
export async function readSmall(name: string, body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > MAX_CONDITIONAL_BYTES) {
      throw new Fault('limit', `object ${name} is larger than ${MAX_CONDITIONAL_BYTES} bytes`);
    }
    parts.push(new Uint8Array(part)); // A copy: the piece is good until the next.
  }
  return new Uint8Array(Buffer.concat(parts));
}

/**
 * Whether the bucket has conditional writes and keeps to them, by trying on a scratch object, which is deleted again.
 * Costs about six requests; the answer holds as long as the server stays the same.
 */
export async function keepsConditions(request: RequestContext, bucket: Bucket): Promise<boolean> {
  const { conditional } = bucket;
  if (conditional === undefined) return false;
  const name = `${SCRATCH_DIRECTORY}/${randomUUID()}`;
  try {
    const first = await conditional.write(request, name, Buffer.from('first'), undefined);
    if (!(await isRefused(request, conditional, name, undefined))) return false;
    const second = await conditional.write(request, name, Buffer.from('second'), first);
    return first !== second && (await isRefused(request, conditional, name, first));
  } catch (thrown) {
    // A server that knows the headers but not for writes says so.
    if (kindOf(thrown) === 'unsupported' || kindOf(thrown) === 'conflict') return false;
    throw thrown;
  } finally {
    await bucket.delete(request, name).catch(() => {});
  }
}

async function isRefused(
  request: RequestContext,
  conditional: ConditionalWrites,
  name: string,
  expected: string | undefined,
): Promise<boolean> {
  try {
    await conditional.write(request, name, Buffer.from(`wrong ${randomUUID()}`), expected);
    return false;
  } catch (thrown) {
    if (kindOf(thrown) === 'conflict') return true;
    throw thrown;
  }
}

/** The conditional writes of a bucket whose names are put below a prefix. */
export function prefixedConditional(inner: ConditionalWrites, prefix: string): ConditionalWrites {
  return {
    ...inner,
    read: (request, name) => inner.read(request, prefix + name),
    write: (request, name, bytes, expected) => inner.write(request, prefix + name, bytes, expected),
  };
}

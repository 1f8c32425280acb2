// Tries all a bucket must do, on a scratch object, and says what is missing: before a fleet is pointed at it.

import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../async/clock.ts';
import { withTimeout } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { type Bucket, bodyOf, readAll } from './bucket.ts';
import { keepsConditions, SCRATCH_DIRECTORY } from './conditional-writes.ts';

export interface PreflightDeps {
  readonly bucket: Bucket;
  readonly clock?: Clock;
}

export interface PreflightConfig {
  /** Only what a reader needs: list and, where there is an object, read. */
  readonly isReadOnly: boolean;
  readonly stepTimeoutMs: number;
}

export interface PreflightStep {
  readonly name: string;
  readonly result: 'ok' | 'failed' | 'warning' | 'skipped';
  readonly latencyMs: number;
  /** What is wrong and what would mend it; '' when all is well. */
  readonly advice: string;
}

const BODY = Buffer.from('tributary looks whether this bucket can be written, read and cleaned. You may delete this.');
/** Signatures stop being accepted at 15 minutes; consistency delays are off long before. */
const MAX_SKEW_MS = 60_000;

/** What a denied step means, in words of the common providers. */
const permissions: Readonly<Record<string, string>> = {
  list: 'allow listing: s3:ListBucket, storage.objects.list, or Storage Blob Data Reader',
  write:
    'allow writing: s3:PutObject, storage.objects.create, Storage Blob Data Contributor, or a directory this user may write',
  read: 'allow reading: s3:GetObject, storage.objects.get, or Storage Blob Data Reader',
  'ranged read': 'allow reading: s3:GetObject, storage.objects.get, or Storage Blob Data Reader',
  attributes: 'allow reading: s3:GetObject, storage.objects.get, or Storage Blob Data Reader',
  'missing object': 'allow listing, without which a missing object looks like a forbidden one: s3:ListBucket',
  overwrite: 'allow replacing objects: s3:PutObject, storage.objects.delete, or no retention lock on the bucket',
  delete: 'allow deleting: s3:DeleteObject, storage.objects.delete, or Storage Blob Data Contributor',
};

/** What a server says of keys, clock or region rather than of a permission: all other steps would fail alike. */
const decisiveCodes: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'the server does not know the access key: correct access_key, or the account behind the endpoint',
  SignatureDoesNotMatch: 'the secret key does not belong to the access key: correct secret_key',
  InvalidToken: 'the session token is not valid: renew session_token',
  ExpiredToken: 'the session token has expired: renew session_token',
  RequestTimeTooSkewed: "this clock is too far from the server's: synchronise it",
  AuthorizationHeaderMalformed: 'the bucket is in another region: correct region, or leave it out',
  PermanentRedirect: 'the bucket is in another region: correct endpoint and region',
  AuthenticationFailed: 'the keys are wrong: correct storage_account_key or the identity, and look at the clock',
};

/** Runs the steps in turn; each is given as it ends, and none after a list that says why all would fail. What was written is deleted again. */
export async function* preflight(
  request: RequestContext,
  { bucket, clock = systemClock }: PreflightDeps,
  { isReadOnly, stepTimeoutMs }: PreflightConfig,
): AsyncIterable<PreflightStep> {
  const name = `${SCRATCH_DIRECTORY}/${randomUUID()}`;
  let failedWrite = false;

  const step = async (title: string, work: (limited: RequestContext) => Promise<string | undefined>) => {
    const limit = withTimeout(request.signal, stepTimeoutMs, `no answer within ${stepTimeoutMs / 1000}s`);
    const since = clock.now();
    try {
      const warning = await work({ ...request, signal: limit.signal });
      const latencyMs = clock.now() - since;
      const result = warning === undefined ? 'ok' : 'warning';
      return { name: title, result, latencyMs, advice: warning ?? '' } as const;
    } catch (thrown) {
      if (request.signal.aborted) throw thrown;
      return {
        name: title,
        result: 'failed',
        latencyMs: clock.now() - since,
        advice: adviceOf(title, thrown),
      } as const;
    } finally {
      limit.release();
    }
  };

  let first: string | undefined;
  let isHopeless = false;
  yield await step('list', async (limited) => {
    try {
      for await (const item of bucket.list(limited, '')) {
        if (!item.name.endsWith('/')) first ??= item.name;
      }
    } catch (thrown) {
      isHopeless = kindOf(thrown) === 'not-found' || decisiveAdvice(thrown) !== undefined;
      throw thrown;
    }
    return undefined;
  });
  if (isHopeless) return;
  yield await step('missing object', async (limited) => {
    if (await bucket.exists(limited, name)) throw new Fault('internal', 'it says that a missing object is there');
    return undefined;
  });
  if (isReadOnly) {
    const readable = first;
    if (readable === undefined) {
      yield { name: 'read', result: 'skipped', latencyMs: 0, advice: 'there is no object at the root to read' };
    } else {
      yield await step('read', async (limited) => {
        await bucket.getRange(limited, readable, 0, 1);
        return undefined;
      });
    }
    return;
  }
  try {
    const write = await step('write', async (limited) => {
      await bucket.upload(limited, name, bodyOf(BODY), { sizeBytes: BODY.length });
      return undefined;
    });
    failedWrite = write.result === 'failed';
    yield write;
    if (failedWrite) return;
    yield await step('read', async (limited) => {
      if (Buffer.compare(await readAll(limited, bucket, name), BODY) !== 0) {
        throw new Fault('corrupt', 'other bytes came back than were written');
      }
      return undefined;
    });
    yield await step('ranged read', async (limited) => {
      const bytes = await bucket.getRange(limited, name, 10, 5);
      if (Buffer.compare(bytes, BODY.subarray(10, 15)) !== 0) {
        throw new Fault('unsupported', 'it does not answer the range that was asked for: is there a proxy between?');
      }
      return undefined;
    });
    yield await step('attributes', async (limited) => {
      const { sizeBytes, lastModified } = await bucket.attributes(limited, name);
      if (sizeBytes !== BODY.length) throw new Fault('corrupt', `it says ${sizeBytes} bytes of ${BODY.length}`);
      const skewMs = lastModified - clock.now();
      if (Math.abs(skewMs) <= MAX_SKEW_MS) return undefined;
      const seconds = Math.round(Math.abs(skewMs) / 1000);
      const side = skewMs > 0 ? 'behind' : 'ahead of';
      return `this clock is ${seconds}s ${side} the bucket's: synchronise it`;
    });
    yield await step('list what was written', async (limited) => {
      for await (const item of bucket.list(limited, SCRATCH_DIRECTORY)) if (item.name === name) return undefined;
      return 'a listing does not show what was just written: blocks may be seen late';
    });
    yield await step('overwrite', async (limited) => {
      await bucket.upload(limited, name, bodyOf(Buffer.from('again')));
      return undefined;
    });
    yield await step('conditional write', async (limited) =>
      (await keepsConditions(limited, bucket))
        ? undefined
        : 'writes are not conditional here: two compactors cannot be kept apart, run one only',
    );
  } finally {
    if (!failedWrite && request.signal.aborted) await bucket.delete(request, name).catch(() => {});
  }
  yield await step('delete', async (limited) => {
    await bucket.delete(limited, name);
    if (await bucket.exists(limited, name))
      return 'a deleted object is still there: is the bucket versioned or locked?';
    return undefined;
  });
}

function adviceOf(title: string, thrown: unknown): string {
  const text = messageOf(thrown);
  const decisive = decisiveAdvice(thrown);
  if (decisive !== undefined) return `${text}; ${decisive}`;
  switch (kindOf(thrown)) {
    case 'denied':
      return title in permissions ? `${text}; ${permissions[title]}` : text;
    case 'not-found':
      return `${text}; does the bucket exist, in this region and under this name?`;
    case 'timeout':
    case 'unavailable':
      return `${text}; is the endpoint right and reachable from here?`;
    default:
      return text;
  }
}

function decisiveAdvice(thrown: unknown): string | undefined {
  const code = thrown instanceof Fault ? thrown.facts['code'] : undefined;
  return typeof code === 'string' && Object.hasOwn(decisiveCodes, code) ? decisiveCodes[code] : undefined;
}

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { Fault } from '../errors/fault.ts';
import { type Bucket, bodyOf } from './bucket.ts';
import { MemoryBucket } from './memory.ts';
import { type PreflightStep, preflight } from './preflight.ts';

const request = backgroundRequest();
const config = { isReadOnly: false, stepTimeoutMs: 1000 };

/** A memory bucket with some of its calls replaced. */
function bucketWith(calls: (inner: MemoryBucket) => Partial<Bucket>, now: () => number = Date.now): Bucket {
  const inner = new MemoryBucket('b', now);
  const whole: Bucket = {
    name: inner.name,
    list: (...args) => inner.list(...args),
    get: (...args) => inner.get(...args),
    getRange: (...args) => inner.getRange(...args),
    exists: (...args) => inner.exists(...args),
    attributes: (...args) => inner.attributes(...args),
    upload: (...args) => inner.upload(...args),
    delete: (...args) => inner.delete(...args),
    conditional: inner.conditional,
    close: () => inner.close(),
  };
  return { ...whole, ...calls(inner) };
}

const bad = (steps: readonly PreflightStep[]) =>
  steps.filter(({ result }) => result !== 'ok').map(({ name, result, advice }) => [name, result, advice]);

describe('the preflight of a bucket', () => {
  test('finds nothing to say about a good one, and leaves nothing behind', async () => {
    const bucket = new MemoryBucket();
    const steps = await collectAll(preflight(request, { bucket }, config));
    assert.deepEqual(bad(steps), []);
    assert.deepEqual(
      steps.map(({ name }) => name),
      [
        'list',
        'missing object',
        'write',
        'read',
        'ranged read',
        'attributes',
        'list what was written',
        'overwrite',
        'conditional write',
        'delete',
      ],
    );
    assert.deepEqual(await collectAll(bucket.list(request, '', { recursive: true })), []);
  });

  const denied = async (): Promise<never> => {
    throw new Fault('denied', 'AccessDenied: no');
  };
  for (const [what, calls, expected] of [
    ['nobody may write to', () => ({ upload: denied }), [['write', 'failed', /no; allow writing: s3:PutObject/]]],
    ['nobody may delete from', () => ({ delete: denied }), [['delete', 'failed', /no; allow deleting/]]],
    [
      'hides what is missing',
      () => ({ exists: denied }),
      [
        ['missing object', 'failed', /allow listing/],
        ['delete', 'failed', /allow deleting/],
      ],
    ],
    [
      'ignores ranges',
      (inner: MemoryBucket) => ({ getRange: (_, name) => inner.getRange(request, name, 0, 99) }),
      [['ranged read', 'failed', /proxy between/]],
    ],
    ['has no conditions', () => ({ conditional: undefined }), [['conditional write', 'warning', /run one only/]]],
    [
      'ignores conditions',
      (inner: MemoryBucket) => ({ conditional: careless(inner) }),
      [['conditional write', 'warning', /run one only/]],
    ],
    ['shows writes late', () => ({ list: async function* () {} }), [['list what was written', 'warning', /seen late/]]],
  ] as const satisfies readonly (readonly [string, (inner: MemoryBucket) => Partial<Bucket>, readonly unknown[]])[]) {
    test(`says what is wrong with one that ${what}`, async () => {
      const found = bad(await collectAll(preflight(request, { bucket: bucketWith(calls) }, config)));
      assert.equal(found.length, expected.length, JSON.stringify(found));
      for (const [i, [name, result, advice]] of expected.entries()) {
        assert.deepEqual(found[i].slice(0, 2), [name, result]);
        assert.match(found[i][2], advice);
      }
    });
  }

  for (const [what, kind, code, advice] of [
    ['an access key nobody knows', 'denied', 'InvalidAccessKeyId', /correct access_key/],
    ['a wrong secret', 'denied', 'SignatureDoesNotMatch', /correct secret_key/],
    ['an old token', 'denied', 'ExpiredToken', /renew session_token/],
    ['a wrong region', 'invalid', 'AuthorizationHeaderMalformed', /correct region/],
    ['no such bucket', 'not-found', 'NoSuchBucket', /does the bucket exist/],
  ] as const) {
    test(`ends with the first step at ${what}, and speaks of no permission`, async () => {
      const list = (): AsyncIterable<never> => {
        throw new Fault(kind, `${code}: words`, { facts: { code } });
      };
      const steps = await collectAll(preflight(request, { bucket: bucketWith(() => ({ list })) }, config));
      assert.deepEqual(
        steps.map(({ name, result }) => [name, result]),
        [['list', 'failed']],
      );
      assert.match(steps[0].advice, advice);
      assert.doesNotMatch(steps[0].advice, /allow /);
    });
  }

  test('says how far the clocks are apart', async () => {
    for (const [aheadMs, side] of [
      [600_000, 'behind'],
      [-600_000, 'ahead of'],
    ] as const) {
      const bucket = bucketWith(
        () => ({}),
        () => Date.now() + aheadMs,
      );
      const [found] = bad(await collectAll(preflight(request, { bucket }, config)));
      assert.equal(found[0], 'attributes');
      assert.match(found[2], new RegExp(`this clock is \\d+s ${side} the bucket's`));
    }
  });

  test('of a reader writes nothing', async () => {
    const bucket = bucketWith(() => ({ upload: denied, delete: denied }));
    const readOnly = { ...config, isReadOnly: true };
    const [skipped] = bad(await collectAll(preflight(request, { bucket }, readOnly)));
    assert.deepEqual(skipped.slice(0, 2), ['read', 'skipped']);
    const memory = new MemoryBucket();
    await memory.upload(request, 'object', bodyOf(Buffer.from('x')));
    assert.deepEqual(bad(await collectAll(preflight(request, { bucket: memory }, readOnly))), []);
  });

  test('does not wait for ever', async () => {
    const bucket = bucketWith(() => ({
      exists: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    }));
    const steps = collectAll(preflight(request, { bucket }, { isReadOnly: true, stepTimeoutMs: 5 }));
    const found = bad(await steps).find(([name]) => name === 'missing object');
    assert.match(found?.[2] ?? '', /endpoint right and reachable/);
  });
});

function careless(inner: MemoryBucket): Bucket['conditional'] {
  let n = 0;
  return {
    read: async () => undefined,
    write: async (asked, name, bytes) => {
      await inner.upload(asked, name, bodyOf(bytes));
      return String(n++);
    },
  };
}

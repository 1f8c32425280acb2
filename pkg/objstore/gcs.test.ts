import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type RunningGcs, startGcs } from '../../dev/gcs-server.ts';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type Bucket, bodyOf, readAll } from './bucket.ts';
import { testBucket } from './conformance.ts';
import { openBucket } from './factory.ts';
import { openGcsBucket } from './gcs.ts';
import { parseGcsConfig } from './gcs-config.ts';
import { RetryPolicy } from './retry-policy.ts';

const request = backgroundRequest();

/** The address of a server by somebody else, with a bucket `metrics`: see docs/decisions/google-requests.md. */
const foreign = process.env['TRIBUTARY_GCS'];
if (foreign !== undefined) {
  for (const [what, keys] of [
    ['', {}],
    [' in small parts', { chunk_size_bytes: 1 }],
  ] as const) {
    testBucket(`GCS on ${foreign}${what}`, async () => {
      const prefix = `conformance/${randomBytes(8).toString('hex')}`;
      const yaml = JSON.stringify({ type: 'gcs', prefix, config: { bucket: 'metrics', ...keys } });
      const env = { STORAGE_EMULATOR_HOST: foreign };
      return { bucket: await openBucket({ logger: silentLogger, metrics: new Metrics(), env }, yaml) };
    });
  }
}

describe('GCS against a server of its JSON API', () => {
  let gcs: RunningGcs;
  beforeAll(async () => {
    gcs = await startGcs('metrics');
  });
  afterAll(async () => gcs.stop());

  const open = async (keys: Record<string, unknown> = {}): Promise<Bucket> => {
    const policy = new RetryPolicy({ logger: silentLogger }, { attempts: 3, minDelayMs: 0, maxDelayMs: 0 });
    const env = { STORAGE_EMULATOR_HOST: gcs.url };
    return openGcsBucket({ policy }, await parseGcsConfig({ bucket: 'metrics', ...keys }, env));
  };

  testBucket('GCS', async () => ({ bucket: await open() }));
  testBucket('GCS in small parts, as the factory wraps it', async () => {
    const yaml = JSON.stringify({
      type: 'gcs',
      prefix: 'a/b',
      config: { bucket: 'metrics', chunk_size_bytes: 1, use_grpc: true, grpc_conn_pool_size: 2 },
    });
    const env = { STORAGE_EMULATOR_HOST: gcs.url };
    return { bucket: await openBucket({ logger: silentLogger, metrics: new Metrics(), env }, yaml) };
  });

  for (const [what, kept] of [
    ['nothing', 0],
    ['a part', 256 * 1024],
    ['all', 512 * 1024],
  ] as const) {
    test(`a part of an upload that broke with ${what} of it arrived goes on where it broke`, async () => {
      const bucket = await open({ chunk_size_bytes: 512 * 1024 });
      const bytes = randomBytes(1024 * 1024 + 3);
      for (const sizeBytes of [bytes.length, 1024 * 1024, 600 * 1024]) {
        gcs.breakNextPartAfter = kept;
        await bucket.upload(request, 'broken/part', bodyOf(bytes.subarray(0, sizeBytes)), { sizeBytes });
        assert.ok(Buffer.from(await readAll(request, bucket, 'broken/part')).equals(bytes.subarray(0, sizeBytes)));
      }
      await bucket.close();
    });
  }

  test('an upload that fails in the middle leaves nothing on the server', async () => {
    const bucket = await open({ chunk_size_bytes: 256 * 1024 });
    async function* body(): AsyncIterable<Uint8Array> {
      yield new Uint8Array(600_000);
      throw new Error('the body broke');
    }
    await assert.rejects(bucket.upload(request, 'never', body()), /the body broke/);
    assert.equal(gcs.sessions.size, 0);
    assert.equal(gcs.objects.has('never'), false);
    await bucket.close();
  });

  test('a listing of more than one page has every name once', async () => {
    const bucket = await open();
    const names = Array.from({ length: 1203 }, (_, i) => `pages/${String(i).padStart(5, '0')}`);
    for (const name of names) gcs.seed(name, Buffer.from('x'));
    const listed = await collectAll(bucket.list(request, 'pages'));
    assert.deepEqual(
      listed.map(({ name }) => name),
      names,
    );
    await bucket.close();
  });

  test('a refusal for speed says so', async () => {
    const bucket = await open();
    gcs.refusals = 1;
    await assert.rejects(bucket.exists(request, 'x'), (thrown) => {
      assert.equal(kindOf(thrown), 'unavailable');
      assert.match(String(thrown), /look at x: rateLimitExceeded: slow down/);
      assert.equal((thrown as { facts: { throttled: boolean } }).facts.throttled, true);
      return true;
    });
    await bucket.close();
  });

  test('a missing bucket is not-found', async () => {
    const bucket = await open({ bucket: 'other' });
    await assert.rejects(collectAll(bucket.list(request, '')), (thrown) => kindOf(thrown) === 'not-found');
    await bucket.close();
  });
});

describe('the GCS configuration', () => {
  for (const [what, keys, message] of [
    ['no bucket', {}, /config\.bucket: no gcs bucket/],
    ['an unknown key', { bucket: 'b', buckt: 'c' }, /unknown key "buckt", did you mean "bucket"/],
    [
      'an account that is no JSON',
      { bucket: 'b', service_account: 'secret words' },
      /service_account: expected the JSON/,
    ],
  ] as const) {
    test(`with ${what} is refused, and no secret is told`, async () => {
      await assert.rejects(parseGcsConfig(keys, {}), (thrown) => {
        assert.match(String(thrown), message);
        assert.doesNotMatch(String(thrown), /secret words/);
        return true;
      });
    });
  }

  test('of an account gives its key to Google’s client, which fails before anything is sent when it is none', async () => {
    const account = { type: 'service_account', client_email: 'a@b', private_key: 'not a key' };
    const config = await parseGcsConfig({ bucket: 'b', service_account: JSON.stringify(account) }, {});
    assert.equal(config.endpoint, 'https://storage.googleapis.com');
    const bucket = await openGcsBucket({}, config);
    await assert.rejects(bucket.exists(request, 'x'), (thrown) => {
      assert.equal(kindOf(thrown), 'denied');
      assert.match(String(thrown), /no GCS credentials/);
      return true;
    });
    await bucket.close();
  });
});

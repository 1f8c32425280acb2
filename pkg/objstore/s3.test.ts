import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { peer, type RunningMinio, startMinio } from '../../dev/peers.ts';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type Bucket, bodyOf, readAll } from './bucket.ts';
import { testBucket } from './conformance.ts';
import { openBucket } from './factory.ts';
import { openS3Bucket } from './s3.ts';
import { parseS3Config } from './s3-config.ts';

const program = await peer('minio');
const request = backgroundRequest();

describe.skipIf(program === undefined)('S3 against a real MinIO (needs the minio program)', () => {
  let minio: RunningMinio;
  beforeAll(async () => {
    minio = await startMinio(program ?? '', ['plain', 'listed-v1', 'factory', 'parts']);
  });
  afterAll(async () => minio?.stop());

  const open = async (bucket: string, keys: Record<string, unknown> = {}): Promise<Bucket> =>
    openS3Bucket({}, await parseS3Config({ ...base(bucket), ...keys }, {}));
  const base = (bucket: string) => ({
    bucket,
    endpoint: minio.endpoint,
    insecure: true,
    access_key: minio.accessKey,
    secret_key: minio.secretKey,
  });

  testBucket('S3', async () => ({ bucket: await open('plain') }));
  testBucket('S3 listed by version 1', async () => ({
    bucket: await open('listed-v1', { list_objects_version: 'v1' }),
  }));
  testBucket('S3 as the factory wraps it', async () => {
    const yaml = JSON.stringify({ type: 's3', prefix: '/some/where/', config: base('factory') });
    return { bucket: await openBucket({ logger: silentLogger, metrics: new Metrics(), env: {} }, yaml) };
  });

  test('an upload of many parts is one object, also when its size was not told', async () => {
    const bucket = await open('parts', { part_size: 5 * 1024 * 1024, sse_config: { type: '' } });
    const size = 12 * 1024 * 1024 + 5;
    const bytes = Buffer.alloc(size, 'abcdefghijklm');
    for (const sizeBytes of [size, undefined]) {
      await bucket.upload(request, 'big', bodyOf(bytes), { sizeBytes });
      assert.ok(Buffer.from(await readAll(request, bucket, 'big')).equals(bytes));
    }
    await bucket.close();
  });

  test('an upload that breaks after some parts leaves neither object nor parts', async () => {
    const bucket = await open('parts', { part_size: 5 * 1024 * 1024 });
    async function* body(): AsyncIterable<Uint8Array> {
      yield new Uint8Array(11 * 1024 * 1024);
      throw new Error('the body broke');
    }
    await assert.rejects(bucket.upload(request, 'broken', body()), /the body broke/);
    assert.equal(await bucket.exists(request, 'broken'), false);
    const uploads = join(minio.directory, '.minio.sys', 'multipart');
    const left = readdirSync(uploads, { recursive: true }).filter((name) => String(name).endsWith('part.1'));
    assert.deepEqual(left, []);
    await bucket.close();
  });

  test('a listing of more than one page has every name once', async () => {
    for (const list_objects_version of ['v1', 'v2']) {
      const bucket = await open('parts', { list_objects_version });
      const names = Array.from({ length: 1203 }, (_, i) => `pages/${String(i).padStart(5, '0')}/x`);
      if (list_objects_version === 'v1') {
        for (let i = 0; i < names.length; i += 50) {
          await Promise.all(
            names.slice(i, i + 50).map((name) => bucket.upload(request, name, bodyOf(Buffer.from('x')))),
          );
        }
      }
      const flat = await collectAll(bucket.list(request, 'pages', { recursive: true }));
      assert.deepEqual(
        flat.map(({ name }) => name),
        names,
      );
      const folders = await collectAll(bucket.list(request, 'pages/'));
      assert.deepEqual(
        folders.map(({ name }) => name),
        names.map((name) => name.slice(0, -1)),
      );
      await bucket.close();
    }
  });

  test('user metadata and storage class go with an upload', async () => {
    const put_user_metadata = { team: 'metrics', 'X-Amz-Storage-Class': 'REDUCED_REDUNDANCY' };
    const bucket = await open('parts', { put_user_metadata });
    await bucket.upload(request, 'with-metadata', bodyOf(Buffer.from('x')));
    const { Client } = await import('minio');
    const [endPoint, port] = minio.endpoint.split(':');
    const { accessKey, secretKey } = minio;
    const client = new Client({ endPoint, port: Number(port), useSSL: false, accessKey, secretKey });
    const { metaData } = await client.statObject('parts', 'with-metadata');
    assert.equal(metaData['team'], 'metrics');
    await bucket.close();
  });

  test('wrong keys are denied, a missing bucket is not-found', async () => {
    const stranger = await open('parts', { secret_key: 'wrong' });
    await assert.rejects(readAll(request, stranger, 'x'), (thrown) => kindOf(thrown) === 'denied');
    await stranger.close();
    const missing = await open('no-such-bucket');
    await assert.rejects(readAll(request, missing, 'x'), (thrown) => kindOf(thrown) === 'not-found');
    await assert.rejects(collectAll(missing.list(request, '')), (thrown) => kindOf(thrown) === 'not-found');
    await missing.close();
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { peer, type RunningMinio, startMinio } from '../../dev/peers.ts';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { type Bucket, bodyOf, readAll } from './bucket.ts';
import { openS3Bucket, type S3Deps } from './s3.ts';
import { parseS3Config } from './s3-config.ts';

const program = await peer('minio');
const request = backgroundRequest();
const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(program === undefined || !hasOpenssl)(
  'S3 with TLS and keys against a real MinIO (needs minio and openssl)',
  () => {
    let minio: RunningMinio;
    let directory: string;
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 's3-tls-'));
      mkdirSync(join(directory, 'CAs'));
      const own = ['-keyout', join(directory, 'private.key'), '-out', join(directory, 'public.crt')];
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
      const names = ['-subj', '/CN=s3', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:s3.test,DNS:*.s3.test'];
      execFileSync('openssl', ['req', '-x509', ...curve, ...own, ...names], { stdio: 'ignore' });
      writeFileSync(join(directory, 'one.key'), randomBytes(32));
      writeFileSync(join(directory, 'other.key'), randomBytes(32));
      const env = {
        MINIO_DOMAIN: 's3.test',
        MINIO_KMS_SECRET_KEY: `tributary-key:${randomBytes(32).toString('base64')}`,
      };
      minio = await startMinio(program ?? '', ['keys', 'hosted'], { certificates: directory, env });
    });
    afterAll(async () => {
      await minio?.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    const open = async (keys: Record<string, unknown> = {}, deps: S3Deps = {}): Promise<Bucket> => {
      const config = {
        bucket: 'keys',
        endpoint: minio.endpoint,
        access_key: minio.accessKey,
        secret_key: minio.secretKey,
        http_config: { tls_config: { ca_file: join(directory, 'public.crt') } },
        ...keys,
      };
      return openS3Bucket(deps, await parseS3Config(config, {}));
    };
    const using = async (keys: Record<string, unknown>, work: (bucket: Bucket) => Promise<void>): Promise<void> => {
      const bucket = await open(keys);
      try {
        await work(bucket);
      } finally {
        await bucket.close();
      }
    };
    const big = randomBytes(5 * 1024 * 1024 + 77);

    /** Small and in parts, whole and in ranges. */
    const holds = async (bucket: Bucket, folder: string): Promise<void> => {
      await bucket.upload(request, `${folder}/small`, bodyOf(Buffer.from('0123456789')));
      await bucket.upload(request, `${folder}/big`, bodyOf(big), { sizeBytes: big.length });
      assert.equal(Buffer.from(await readAll(request, bucket, `${folder}/small`)).toString(), '0123456789');
      assert.ok(Buffer.from(await readAll(request, bucket, `${folder}/big`)).equals(big));
      const range = await bucket.getRange(request, `${folder}/big`, 5_242_870, 50);
      assert.ok(Buffer.from(range).equals(big.subarray(5_242_870, 5_242_920)));
      assert.equal((await bucket.attributes(request, `${folder}/big`)).sizeBytes, big.length);
      assert.equal(await bucket.exists(request, `${folder}/none`), false);
      const listed = await collectAll(bucket.list(request, folder));
      assert.deepEqual(
        listed.map(({ name }) => name),
        [`${folder}/big`, `${folder}/small`],
      );
      await bucket.delete(request, `${folder}/small`);
      assert.equal(await bucket.exists(request, `${folder}/small`), false);
    };
    const parts = { part_size: 5 * 1024 * 1024 };
    const virtual = async (keys: Record<string, unknown>): Promise<Bucket> => {
      const endpoint = `s3.test:${minio.endpoint.split(':')[1]}`;
      const lookup: LookupFunction = (_, options, done) => {
        if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
        else done(null, '127.0.0.1', 4);
      };
      return open({ ...parts, bucket: 'hosted', endpoint, bucket_lookup_type: 'virtual-hosted', ...keys }, { lookup });
    };

    for (const [what, keys] of [
      ['a certificate of an authority of our own', {}],
      ['SSE-S3', { sse_config: { type: 'SSE-S3' } }],
      ['SSE-KMS', { sse_config: { type: 'SSE-KMS', kms_key_id: 'tributary-key', kms_encryption_context: { a: 'b' } } }],
      ['signatures of version 2', { signature_version2: true }],
      ['everything in one request', { disable_multipart: true }],
    ] as const) {
      test(`with ${what} objects read back as they were uploaded`, async () => {
        await using({ ...parts, ...keys }, (bucket) => holds(bucket, what.replaceAll(' ', '-')));
      });
    }

    test('with SSE-C objects read back with the key, and not without it or with another', async () => {
      const sse = (name: string) => ({ sse_config: { type: 'SSE-C', encryption_key: join(directory, name) } });
      await using({ ...parts, ...sse('one.key') }, async (bucket) => {
        await holds(bucket, 'customer');
        await bucket.upload(request, 'customer/small', bodyOf(Buffer.from('secret')));
      });
      await using(sse('other.key'), async (bucket) => {
        await assert.rejects(readAll(request, bucket, 'customer/small'), (thrown) => kindOf(thrown) === 'denied');
      });
      await using({}, async (bucket) => {
        await assert.rejects(readAll(request, bucket, 'customer/small'), (thrown) => kindOf(thrown) === 'invalid');
      });
    });

    for (const [what, keys] of [
      ['signatures of version 4', {}],
      ['signatures of version 2', { signature_version2: true }],
    ] as const) {
      test(`a bucket named in the host serves all calls, with ${what}`, async () => {
        const bucket = await virtual(keys);
        try {
          await holds(bucket, `in-host-${what.slice(-1)}`);
        } finally {
          await bucket.close();
        }
      });
    }

    test('an authority nobody knows is refused, and accepted when verification is off', async () => {
      await using({ http_config: {} }, async (bucket) => {
        await assert.rejects(bucket.exists(request, 'x'), /self-signed certificate/);
      });
      await using({ http_config: { insecure_skip_verify: true } }, async (bucket) => {
        assert.equal(await bucket.exists(request, 'x'), false);
      });
    });

    test('a server that asks for a client certificate is shown one', async () => {
      const [cert_file, key_file] = [join(directory, 'public.crt'), join(directory, 'private.key')];
      const [cert, key] = [readFileSync(cert_file), readFileSync(key_file)];
      const server = createServer({ cert, key, ca: cert, requestCert: true, rejectUnauthorized: true }, (_, response) =>
        response
          .writeHead(200, { 'content-length': '3', 'last-modified': new Date(0).toUTCString(), etag: '"x"' })
          .end(),
      ).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const tls = (files: Record<string, string>) => ({
        ...{ endpoint, region: 'r' },
        http_config: { tls_config: { ca_file: cert_file, ...files } },
      });
      try {
        await using(tls({ cert_file, key_file }), async (bucket) => {
          assert.equal(await bucket.exists(request, 'x'), true);
        });
        await using(tls({}), async (bucket) => {
          await assert.rejects(bucket.exists(request, 'x'), (thrown) => kindOf(thrown) === 'unavailable');
        });
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });

    test('traced, each request is a line of the log without its keys', async () => {
      const lines: string[] = [];
      const logger: Logger = {
        ...silentLogger,
        debug: (text, fields) => lines.push(JSON.stringify({ text, ...fields })),
      };
      const bucket = await open({ trace: { enable: true }, region: 'us-east-1' }, { logger });
      await bucket.exists(request, 'traced');
      await bucket.close();
      assert.equal(lines.length, 1);
      assert.match(lines[0], /"method":"HEAD".*"path":"\/keys\/traced","status":404/);
      assert.doesNotMatch(lines[0], /minioadmin|Signature/);
    });
  },
);

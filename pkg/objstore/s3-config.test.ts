import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { parseS3Config } from './s3-config.ts';

const customerKey = (encryption_key: string) => ({ type: 'SSE-C', encryption_key });
const least = { bucket: 'b', endpoint: 'localhost:9000', access_key: 'a', secret_key: 's' };

const { signal } = new AbortController();

describe('the S3 configuration', () => {
  test('has the defaults of the contract', async () => {
    const config = await parseS3Config(least, {});
    assert.deepEqual(config.endpoint, { host: 'localhost', isInsecure: false, lookup: 'auto', isDualStack: false });
    assert.equal(config.port, 9000);
    assert.equal(config.listVersion, 'v2');
    assert.equal(config.sendContentMd5, true);
    assert.deepEqual(config.uploadHeaders, {});
    assert.deepEqual(config.transport, {
      isInsecure: false,
      isTraced: false,
      idleConnTimeoutMs: 90_000,
      responseHeaderTimeoutMs: 120_000,
      tlsHandshakeTimeoutMs: 10_000,
      maxIdleConnsPerHost: 100,
      maxConnsPerHost: 0,
      tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined, insecureSkipVerify: false },
    });
  });

  test('takes every key of the reference that says what we do', async () => {
    const config = await parseS3Config(
      {
        ...least,
        region: 'eu',
        disable_dualstack: true,
        aws_sdk_auth: false,
        session_token: 't',
        insecure: true,
        signature_version2: true,
        put_user_metadata: { 'X-Amz-Storage-Class': 'IA', team: 'x', 'Content-Type': 'y' },
        http_config: {
          idle_conn_timeout: '1m30s',
          insecure_skip_verify: true,
          max_conns_per_host: 5,
          tls_config: null,
        },
        trace: { enable: true },
        list_objects_version: 'v1',
        bucket_lookup_type: 'virtual-hosted',
        send_content_md5: false,
        disable_multipart: true,
        part_size: 10_000_000,
        sse_config: { type: 'SSE-KMS', kms_key_id: 'k', kms_encryption_context: { a: 'b' } },
        sts_endpoint: 'https://sts.test',
        max_retries: 3,
      },
      {},
    );
    assert.equal(config.endpoint.lookup, 'virtual-hosted');
    assert.equal(config.partSizeBytes, 10_000_000);
    assert.deepEqual([config.isOnePart, config.isSignedV2, config.transport.isTraced], [true, true, true]);
    assert.equal(config.transport.idleConnTimeoutMs, 90_000);
    assert.equal(config.transport.tls.insecureSkipVerify, true);
    assert.deepEqual(config.uploadHeaders, {
      'x-amz-storage-class': 'IA',
      'x-amz-meta-team': 'x',
      'content-type': 'y',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'k',
      'x-amz-server-side-encryption-context': Buffer.from('{"a":"b"}').toString('base64'),
    });
  });

  for (const [what, keys, kind, message] of [
    ['no bucket', { bucket: undefined }, 'invalid', /config\.bucket: no s3 bucket/],
    ['no endpoint', { endpoint: '' }, 'invalid', /config\.endpoint: no s3 endpoint/],
    ['a scheme', { endpoint: 'http://localhost' }, 'invalid', /without a scheme/],
    ['a port out of range', { endpoint: 'localhost:99999' }, 'invalid', /host:port/],
    ['one key of two', { secret_key: '' }, 'invalid', /go together/],
    ['an unknown key', { acess_key: 'x' }, 'invalid', /unknown key "acess_key", did you mean "access_key"/],
    ['an unknown key below', { http_config: { foo: 1 } }, 'invalid', /config\.http_config: unknown key "foo"/],
    ['a bad duration', { http_config: { idle_conn_timeout: 'soon' } }, 'invalid', /idle_conn_timeout: not a duration/],
    ['small parts', { part_size: 1000 }, 'invalid', /at least 5242880 bytes/],
    ['a bad lookup', { bucket_lookup_type: 'dns' }, 'invalid', /bucket_lookup_type/],
    ['KMS without a key', { sse_config: { type: 'SSE-KMS' } }, 'invalid', /kms_key_id: is required/],
    ['a missing CA', { http_config: { tls_config: { ca_file: '/no/such' } } }, 'not-found', /tls_config\.ca_file/],
    ['a certificate alone', { http_config: { tls_config: { cert_file: '/x' } } }, 'invalid', /needs key_file/],
    ['SSE-C over plain HTTP', { insecure: true, sse_config: { type: 'SSE-C' } }, 'invalid', /SSE-C needs TLS/],
    ['SSE-C without a key', { sse_config: { type: 'SSE-C' } }, 'invalid', /encryption_key: is required for SSE-C/],
    ['SSE-C and a missing key', { sse_config: customerKey('/no/such') }, 'not-found', /sse_config\.encryption_key/],
    ['SSE-C and a short key', { sse_config: customerKey('/dev/null') }, 'invalid', /32 bytes, \/dev\/null has 0/],
    ['two ways to the keys', { aws_sdk_auth: true }, 'invalid', /aws_sdk_auth and access_key/],
  ] as const) {
    test(`with ${what} is refused`, async () => {
      await assert.rejects(parseS3Config({ ...least, ...keys }, {}), (thrown) => {
        assert.equal(kindOf(thrown), kind);
        assert.match(String(thrown), message);
        return true;
      });
    });
  }

  test('keys come from the environment, then from the shared file, when there are none', async () => {
    const directory = mkdtempSync(join(tmpdir(), 's3-'));
    try {
      const file = join(directory, 'credentials');
      writeFileSync(
        file,
        '[default]\naws_access_key_id = d\naws_secret_access_key=e\n\n[other]\naws_access_key_id=o\naws_secret_access_key=p\naws_session_token=q\n',
      );
      const bare = { bucket: 'b', endpoint: 'h' };
      const fromEnv = { AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' };
      const shared = { AWS_SHARED_CREDENTIALS_FILE: file };
      for (const [env, expected] of [
        [{ ...fromEnv, ...shared }, ['k', 's', 't']],
        [shared, ['d', 'e', '']],
        [{ ...shared, AWS_PROFILE: 'other' }, ['o', 'p', 'q']],
      ] as const) {
        const credentials = await (await parseS3Config(bare, env)).credentials.current(signal);
        assert.deepEqual([credentials.accessKey, credentials.secretKey, credentials.sessionToken], expected);
      }
      const nowhere = { HOME: directory, AWS_EC2_METADATA_DISABLED: 'true' };
      await assert.rejects(parseS3Config(bare, nowhere), /no S3 credentials: set access_key/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

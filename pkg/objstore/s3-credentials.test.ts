import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { kindOf } from '../errors/fault.ts';
import { s3Address } from './s3-address.ts';
import { type CredentialSearch, findCredentials } from './s3-credentials.ts';

const { signal } = new AbortController();

describe('S3 keys that nobody wrote down', () => {
  let server: Server;
  let home: string;
  let base: string;
  let asked: string[];
  let answer: (request: IncomingMessage, body: string) => { status?: number; text: string };
  beforeEach(async () => {
    asked = [];
    home = mkdtempSync(join(tmpdir(), 'aws-'));
    server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += String(part);
      asked.push(`${request.method} ${request.url}`);
      const { status = 200, text } = answer(request, body);
      response.writeHead(status).end(text);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(home, { recursive: true });
  });

  const find = (env: Record<string, string>, more: Partial<CredentialSearch> = {}) =>
    findCredentials({ env: { HOME: home, ...env }, stsEndpoint: '', isSdkOrder: false, ...more });
  const keysOf = async (env: Record<string, string>, more: Partial<CredentialSearch> = {}): Promise<string> => {
    const { accessKey, secretKey, sessionToken } = await (await find(env, more)).current(signal);
    return [accessKey, secretKey, sessionToken].join(' ');
  };
  const json = (n: number, expiration = '2100-01-01T00:00:00Z'): string =>
    JSON.stringify({
      Code: 'Success',
      AccessKeyId: `key${n}`,
      SecretAccessKey: `secret${n}`,
      Token: `token${n}`,
      Expiration: expiration,
    });

  test('come from the metadata service of the instance, by a session token', async () => {
    answer = ({ method, url, headers }) => {
      if (method === 'PUT') return { text: 'session' };
      if (headers['x-aws-ec2-metadata-token'] !== 'session') return { status: 401, text: '' };
      return { text: url?.endsWith('/') ? 'the role' : json(1) };
    };
    assert.equal(await keysOf({ AWS_EC2_METADATA_SERVICE_ENDPOINT: base }), 'key1 secret1 token1');
    assert.deepEqual(asked, [
      'PUT /latest/api/token',
      'GET /latest/meta-data/iam/security-credentials/',
      'GET /latest/meta-data/iam/security-credentials/the%20role',
    ]);
  });

  test('come from an older metadata service without one', async () => {
    answer = ({ method, url }) =>
      method === 'PUT' ? { status: 405, text: '' } : { text: url?.endsWith('/') ? 'role' : json(2) };
    assert.equal(await keysOf({ AWS_EC2_METADATA_SERVICE_ENDPOINT: base }), 'key2 secret2 token2');
  });

  test('come from the agent of a container, which wants its token', async () => {
    answer = ({ headers }) => (headers.authorization === 'let me' ? { text: json(3) } : { status: 401, text: '' });
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${base}/creds` };
    assert.equal(await keysOf({ ...env, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'let me' }), 'key3 secret3 token3');
    writeFileSync(join(home, 'token'), 'let me\n');
    const file = { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(home, 'token') };
    assert.equal(await keysOf({ ...env, ...file }), 'key3 secret3 token3');
    await assert.rejects(
      keysOf(env),
      (thrown) => kindOf(thrown) === 'denied' && /container agent says 401/.test(`${thrown}`),
    );
  });

  test('come from the token service for a token file', async () => {
    writeFileSync(join(home, 'jwt'), 'the.jwt\n');
    let form = new URLSearchParams();
    answer = (_, body) => {
      form = new URLSearchParams(body);
      const keys =
        '<AccessKeyId>k</AccessKeyId><SecretAccessKey>s&amp;t</SecretAccessKey><SessionToken>u</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>';
      return { text: `<AssumeRoleWithWebIdentityResponse>${keys}</AssumeRoleWithWebIdentityResponse>` };
    };
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: join(home, 'jwt'), AWS_ROLE_ARN: 'arn:x', AWS_ROLE_SESSION_NAME: 'me' };
    assert.equal(await keysOf(env, { stsEndpoint: base }), 'k s&t u');
    assert.deepEqual(Object.fromEntries(form), {
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: 'arn:x',
      RoleSessionName: 'me',
      WebIdentityToken: 'the.jwt',
    });
    // As the AWS SDK does it, a token file comes before a profile, and a profile may name one.
    writeFileSync(join(home, 'credentials'), '[default]\naws_access_key_id=p\naws_secret_access_key=q\n');
    const shared = { AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials') };
    assert.equal(await keysOf({ ...env, ...shared }, { stsEndpoint: base }), 'p q ');
    assert.equal(await keysOf({ ...env, ...shared }, { stsEndpoint: base, isSdkOrder: true }), 'k s&t u');
    writeFileSync(
      join(home, 'config'),
      `[profile w]\nrole_arn = arn:y\nweb_identity_token_file = ${join(home, 'jwt')}\ns3 =\n  role_arn = nested\n`,
    );
    const profile = { AWS_PROFILE: 'w', AWS_CONFIG_FILE: join(home, 'config') };
    assert.equal(await keysOf(profile, { stsEndpoint: base, isSdkOrder: true }), 'k s&t u');
    assert.equal(form.get('RoleArn'), 'arn:y');
  });

  test('come from the command a profile names', async () => {
    const said = JSON.stringify({ Version: 1, AccessKeyId: 'c', SecretAccessKey: 'd', SessionToken: 'e' });
    writeFileSync(join(home, 'creds.json'), said);
    writeFileSync(join(home, 'credentials'), `[default]\ncredential_process = cat ${join(home, 'creds.json')}\n`);
    assert.equal(await keysOf({ AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials') }), 'c d e');
  });

  for (const [what, profile] of [
    ['SSO', 'sso_start_url = https://x'],
    ['a role of another profile', 'role_arn = a\nsource_profile = b'],
  ] as const) {
    test(`of a profile with ${what} are refused by name`, async () => {
      writeFileSync(join(home, 'config'), `[default]\n${profile}\n`);
      const found = find({ AWS_CONFIG_FILE: join(home, 'config') }, { isSdkOrder: true });
      await assert.rejects(found, (thrown) => kindOf(thrown) === 'unsupported' && /profile default/.test(`${thrown}`));
    });
  }

  test('are fetched once for all who wait, anew before they expire, and kept while that fails', async () => {
    const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
    let n = 0;
    let isDown = false;
    answer = ({ method, url }) => {
      if (isDown) return { status: 500, text: 'down' };
      if (method === 'PUT') return { text: 's' };
      if (url?.endsWith('/')) return { text: 'role' };
      n++;
      return { text: json(n, new Date(clock.now() + 3_600_000).toISOString()) };
    };
    const source = await find({ AWS_EC2_METADATA_SERVICE_ENDPOINT: base }, { clock });
    const keys = async (): Promise<string> => (await source.current(signal)).accessKey;
    assert.deepEqual(await Promise.all([keys(), keys(), keys()]), ['key1', 'key1', 'key1']);
    assert.equal(n, 1);
    await clock.advance(56 * 60_000);
    assert.equal(await keys(), 'key1');
    while ((await keys()) === 'key1') await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await keys(), 'key2');
    isDown = true;
    await clock.advance(58 * 60_000);
    assert.equal(await keys(), 'key2');
    await clock.advance(3 * 60_000);
    await assert.rejects(keys(), (thrown) => kindOf(thrown) !== 'internal');
    isDown = false;
    assert.equal(await keys(), 'key3');
  });

  test('are told to be missing where no instance answers', async () => {
    const nobody = { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' };
    await assert.rejects(
      keysOf(nobody),
      (thrown) => kindOf(thrown) === 'denied' && /no S3 credentials/.test(`${thrown}`),
    );
  });
});

describe('the host of a request', () => {
  const aws = { host: 's3.eu-west-1.amazonaws.com', isInsecure: false, lookup: 'auto', isDualStack: true } as const;
  for (const [what, endpoint, bucket, expected] of [
    ['Amazon, IPv6 too', aws, 'b', 'b.s3.dualstack.eu-north-1.amazonaws.com'],
    ['Amazon, IPv4 only', { ...aws, isDualStack: false }, 'b', 'b.s3.eu-north-1.amazonaws.com'],
    ['Amazon by path', { ...aws, lookup: 'path' }, 'b', 's3.dualstack.eu-north-1.amazonaws.com'],
    ['a dotted bucket under TLS', aws, 'b.c', 's3.dualstack.eu-north-1.amazonaws.com'],
    [
      'a private link',
      { ...aws, host: 'bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com' },
      'b',
      'b.bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com',
    ],
    ['FIPS', { ...aws, host: 's3-fips.us-east-1.amazonaws.com' }, 'b', 'b.s3-fips.us-east-1.amazonaws.com'],
    ['another server', { ...aws, host: 'minio.local' }, 'b', 'minio.local'],
    ['another server by host', { ...aws, host: 'minio.local', lookup: 'virtual-hosted' }, 'b', 'b.minio.local'],
    ['Aliyun', { ...aws, host: 's3.oss-cn-x.aliyuncs.com' }, 'b', 'b.s3.oss-cn-x.aliyuncs.com'],
  ] as const) {
    test(`for ${what} is ${expected}`, () => {
      const { host, isVirtual } = s3Address(endpoint, bucket, 'eu-north-1');
      assert.equal(host, expected);
      assert.equal(isVirtual, host.startsWith('b.'));
    });
  }
});

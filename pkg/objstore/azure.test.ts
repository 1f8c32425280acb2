import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { azuriteConnection, hasAzurite, type RunningAzurite, startAzurite } from '../../dev/azurite.ts';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { openAzureBucket } from './azure.ts';
import { type AzureCredential, parseAzureConfig } from './azure-config.ts';
import { identityOf } from './azure-credentials.ts';
import { type Bucket, bodyOf, readAll } from './bucket.ts';
import { testBucket } from './conformance.ts';
import { openBucket } from './factory.ts';

const request = backgroundRequest();
const KEY = randomBytes(32).toString('base64');

describe.skipIf(!hasAzurite)('AZURE against Azurite', () => {
  let azurite: RunningAzurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  }, 60_000);
  afterAll(async () => azurite?.stop());

  const keys = (container: string) => ({
    storage_account: 'acc',
    storage_connection_string: azuriteConnection(azurite.port, azurite.key),
    container,
  });
  const open = async (container: string, more: Record<string, unknown> = {}): Promise<Bucket> =>
    openAzureBucket({}, await parseAzureConfig({ ...keys(container), ...more }));

  testBucket('AZURE as the factory wraps it', async () => {
    const yaml = JSON.stringify({ type: 'azure', prefix: 'in/side', config: keys('wrapped') });
    return { bucket: await openBucket({ logger: silentLogger, metrics: new Metrics(), env: {} }, yaml) };
  });

  test('an upload of many blocks is one object, and one that breaks is none', async () => {
    const bucket = await open('blocks');
    const bytes = randomBytes(17 * 1024 * 1024);
    for (const sizeBytes of [bytes.length, undefined]) {
      await bucket.upload(request, 'big', bodyOf(bytes), { sizeBytes });
      assert.ok(Buffer.from(await readAll(request, bucket, 'big')).equals(bytes));
    }
    async function* body(): AsyncIterable<Uint8Array> {
      yield bytes;
      throw new Error('the body broke');
    }
    await assert.rejects(bucket.upload(request, 'broken', body()), /the body broke/);
    assert.deepEqual(await collectAll(bucket.list(request, '')), [{ name: 'big' }]);
    await bucket.close();
  });

  test('a listing of more than one page has every name once', async () => {
    const bucket = await openAzureBucket({ pageItems: 4 }, await parseAzureConfig(keys('pages')));
    const names = Array.from({ length: 11 }, (_, i) => `pages/${String(i).padStart(2, '0')}/x`);
    for (const name of names) await bucket.upload(request, name, bodyOf(Buffer.from('x')));
    for (const [isRecursive, expected] of [
      [true, names],
      [false, names.map((name) => name.slice(0, -1))],
    ] as const) {
      const listed = await collectAll(bucket.list(request, 'pages', { recursive: isRecursive }));
      assert.deepEqual(
        listed.map(({ name }) => name),
        expected,
      );
    }
    await bucket.close();
  });

  test('a container that is missing is made, unless that is not wanted', async () => {
    const refused = await open('absent', { storage_create_container: false });
    const put = (bucket: Bucket) => bucket.upload(request, 'x', bodyOf(Buffer.from('x')));
    await assert.rejects(put(refused), (thrown) => kindOf(thrown) === 'not-found');
    await refused.close();
    const bucket = await open('absent');
    assert.deepEqual(await collectAll(bucket.list(request, '')), []);
    await put(bucket);
    await bucket.close();
  });

  test('a wrong key is denied', async () => {
    const wrong = azuriteConnection(azurite.port, KEY);
    const bucket = await open('metrics', { storage_connection_string: wrong });
    await assert.rejects(bucket.exists(request, 'x'), (thrown) => kindOf(thrown) === 'denied');
    await bucket.close();
  });
});

describe('AZURE against a server that misbehaves', () => {
  let server: Server;
  let handle: (response: import('node:http').ServerResponse) => void;
  beforeAll(async () => {
    server = createServer((_, response) => handle(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const open = async (): Promise<Bucket> => {
    const { port } = server.address() as AddressInfo;
    const connection = azuriteConnection(port, KEY);
    return openAzureBucket(
      {},
      await parseAzureConfig({ storage_account: 'acc', storage_connection_string: connection, container: 'c' }),
    );
  };

  test('one that is busy slows us down', async () => {
    handle = (response) =>
      response.writeHead(503, { 'x-ms-error-code': 'ServerBusy' }).end('<Error><Code>ServerBusy</Code></Error>');
    const bucket = await open();
    await assert.rejects(readAll(request, bucket, 'x'), (thrown) => {
      assert.equal(kindOf(thrown), 'unavailable');
      assert.equal((thrown as { facts: { throttled: boolean } }).facts.throttled, true);
      return true;
    });
    await bucket.close();
  });

  test('one that hangs is left when the signal aborts, and the socket is freed', async () => {
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      handle = (response) => {
        response.on('close', () => resolve());
        response.writeHead(200, { 'content-length': '1000', etag: '"1"' });
        response.write('some');
      };
    });
    const bucket = await open();
    const stream = await bucket.get(backgroundRequest(controller.signal), 'x');
    const read = async (): Promise<void> => {
      for await (const _ of stream) controller.abort();
    };
    await assert.rejects(read(), (thrown) => kindOf(thrown) === 'canceled');
    await closed;
    await bucket.close();
  });

  test('an answer that is cut short is unavailable, never shorter bytes', async () => {
    handle = (response) => {
      response.writeHead(200, { 'content-length': '1000', etag: '"1"' });
      response.write('some');
      setImmediate(() => response.destroy());
    };
    const bucket = await open();
    await assert.rejects(readAll(request, bucket, 'x'), (thrown) => kindOf(thrown) === 'unavailable');
    await bucket.close();
  });
});

describe('the Azure configuration', () => {
  const least = { storage_account: 'acc', container: 'c' };
  for (const [what, keys, message] of [
    ['no account', { container: 'c' }, /config\.storage_account: is required/],
    ['no container', { storage_account: 'a' }, /config\.container: is required/],
    ['an unknown key', { ...least, enpoint: 'x' }, /unknown key "enpoint", did you mean "endpoint"/],
    ['two keys', { ...least, storage_account_key: 'a', storage_connection_string: 'b' }, /exclude each other/],
    ['an identity and a key', { ...least, storage_account_key: 'a', user_assigned_id: 'b' }, /exclude each other/],
    ['half a secret', { ...least, client_id: 'a' }, /go together/],
  ] as const) {
    test(`with ${what} is refused`, async () => {
      await assert.rejects(parseAzureConfig(keys), (thrown) => {
        assert.equal(kindOf(thrown), 'invalid');
        assert.match(String(thrown), message);
        return true;
      });
    });
  }

  test('takes every key of the reference', async () => {
    const config = await parseAzureConfig({
      ...least,
      storage_account_key: KEY,
      storage_create_container: false,
      endpoint: 'blob.example',
      msi_resource: 'ignored',
      max_retries: 0,
      reader_config: { max_retry_requests: 0 },
      pipeline_config: { max_tries: 4, try_timeout: '30s', retry_delay: '2s', max_retry_delay: '20s' },
      http_config: { response_header_timeout: '1m' },
    });
    assert.equal(config.url, 'https://acc.blob.example');
    assert.equal(config.createsContainer, false);
    assert.deepEqual([config.maxRetries, config.minDelayMs, config.maxDelayMs], [3, 2000, 20_000]);
    assert.equal(config.transport.responseHeaderTimeoutMs, 30_000);
    await (await openAzureBucket({}, config)).close();
  });

  for (const [keys, kind, name] of [
    [{ az_tenant_id: 't', client_id: 'c', client_secret: 's' }, 'client-secret', 'ClientSecretCredential'],
    [{ user_assigned_id: 'u' }, 'managed', 'ManagedIdentityCredential'],
    [{}, 'default', 'DefaultAzureCredential'],
  ] as const) {
    test(`with ${Object.keys(keys).join(', ') || 'no credentials'} asks a ${name}`, async () => {
      const { credential } = await parseAzureConfig({ ...least, ...keys });
      assert.equal(credential.kind, kind);
      const identity = await identityOf(credential as Exclude<AzureCredential, { kind: 'connection-string' | 'key' }>);
      assert.equal(identity.constructor.name, name);
    });
  }
});

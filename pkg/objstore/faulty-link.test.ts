// Every provider behind a link that fails one request in two: what comes back is right or a typed failure, never wrong
// bytes, and no connection is left behind.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'vitest';
import { azuriteConnection, hasAzurite, startAzurite } from '../../dev/azurite.ts';
import { type FaultyLink, startFaultyLink } from '../../dev/faulty-link.ts';
import { startGcs } from '../../dev/gcs-server.ts';
import { peer, startMinio } from '../../dev/peers.ts';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { kindOf } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { openAzureBucket } from './azure.ts';
import { parseAzureConfig } from './azure-config.ts';
import { type Bucket, bodyOf, readAll } from './bucket.ts';
import { openGcsBucket } from './gcs.ts';
import { parseGcsConfig } from './gcs-config.ts';
import { RetryPolicy } from './retry-policy.ts';
import { RetryingBucket } from './retrying.ts';
import { openS3Bucket } from './s3.ts';
import { parseS3Config } from './s3-config.ts';

const request = backgroundRequest();
const typed = ['unavailable', 'timeout', 'conflict', 'not-found'];
const SEED = 20_241_122;

const policyOf = (): RetryPolicy => {
  const noWait = { now: () => 0, sleep: async () => {} };
  return new RetryPolicy(
    { logger: silentLogger, clock: noWait, random: () => 0 },
    { attempts: 8, minDelayMs: 0, maxDelayMs: 0 },
  );
};

interface Server {
  /** host:port */
  readonly address: string;
  open(link: FaultyLink, policy: RetryPolicy): Promise<Bucket>;
  stop(): Promise<void>;
}

const minio = await peer('minio');
const servers: readonly (readonly [string, boolean, () => Promise<Server>])[] = [
  [
    'S3 (needs minio)',
    minio !== undefined,
    async () => {
      const { endpoint, accessKey, secretKey, stop } = await startMinio(minio ?? '', ['link']);
      return {
        address: endpoint,
        open: async (link, policy) => {
          const keys = { access_key: accessKey, secret_key: secretKey, part_size: 5 * 1024 * 1024 };
          const config = { bucket: 'link', endpoint: link.address, insecure: true, region: 'us-east-1', ...keys };
          return openS3Bucket({ policy }, await parseS3Config(config, {}));
        },
        stop,
      };
    },
  ],
  [
    'GCS',
    true,
    async () => {
      const gcs = await startGcs('link');
      return {
        address: gcs.url.slice('http://'.length),
        open: async (link, policy) => {
          const env = { STORAGE_EMULATOR_HOST: link.address };
          return openGcsBucket({ policy }, await parseGcsConfig({ bucket: 'link', chunk_size_bytes: 2_000_000 }, env));
        },
        stop: () => gcs.stop(),
      };
    },
  ],
  [
    'AZURE',
    hasAzurite,
    async () => {
      const azurite = await startAzurite();
      return {
        address: `127.0.0.1:${azurite.port}`,
        open: async (link, policy) => {
          const port = Number(link.address.split(':')[1]);
          const connection = azuriteConnection(port, azurite.key);
          const keys = { storage_account: 'acc', storage_connection_string: connection, container: 'link' };
          return openAzureBucket({ policy }, await parseAzureConfig(keys));
        },
        stop: () => azurite.stop(),
      };
    },
  ],
];

describe('behind a link that fails', () => {
  for (const [what, isThere, start] of servers) {
    test.skipIf(!isThere)(
      `${what} answers right or fails by kind, and leaves no connection`,
      async () => {
        const server = await start();
        const link = await startFaultyLink(server.address, SEED);
        const policy = policyOf();
        const bucket = new RetryingBucket({ policy }, await server.open(link, policy));
        try {
          const right = await exercise(bucket);
          assert.ok(right > 40, `${right} calls of 60 went through`);
          for (const fault of ['refused', 'busy', 'dropped', 'lost', 'cut', 'slow'])
            assert.ok(link.met.has(fault), fault);
        } finally {
          await bucket.close();
          for (let i = 0; i < 200 && link.openCount > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
          const left = link.openCount;
          await link.stop();
          await server.stop();
          assert.equal(left, 0, 'connections left');
        }
      },
      60_000,
    );
  }
});

/** Sixty calls beside a model of what must be there; how many went through. A failed write leaves either state. */
async function exercise(bucket: Bucket): Promise<number> {
  const bytes = randomBytes(6 * 1024 * 1024);
  const model = new Map<string, readonly (Buffer | undefined)[]>();
  let right = 0;
  const calling = async (call: () => Promise<void>): Promise<boolean> => {
    try {
      await call();
      right++;
      return true;
    } catch (thrown) {
      if (thrown instanceof assert.AssertionError) throw thrown;
      assert.ok(typed.includes(kindOf(thrown)), `${kindOf(thrown)}: ${String(thrown)}`);
      return false;
    }
  };
  const isOneOf = (name: string, found: Buffer | undefined): boolean =>
    (model.get(name) ?? [undefined]).some((one) => (found === undefined ? one === undefined : one?.equals(found)));
  const set = (name: string, value: Buffer | undefined, isSure: boolean): void => {
    model.set(name, isSure ? [value] : [...(model.get(name) ?? [undefined]), value]);
  };

  for (let i = 0; i < 60; i++) {
    const name = `d/${i % 7}`;
    switch (i % 6) {
      case 0: {
        const value = bytes.subarray(i, i + 1000 * i + 1);
        set(name, value, await calling(() => bucket.upload(request, name, bodyOf(value), { sizeBytes: value.length })));
        break;
      }
      case 1:
        await calling(async () => {
          const found = await readAll(request, bucket, name).catch(missing);
          assert.ok(isOneOf(name, found === undefined ? undefined : Buffer.from(found)), `read ${name}`);
        });
        break;
      case 2:
        await calling(async () => {
          const found = await bucket.getRange(request, name, 10, 500).catch(missing);
          const wanted = (model.get(name) ?? [undefined]).map((one) => one?.subarray(10, 510));
          const isRight = wanted.some((one) => (found === undefined ? one === undefined : one?.equals(found)));
          assert.ok(isRight, `range of ${name}`);
        });
        break;
      case 3:
        await calling(async () => {
          const names = (await collectAll(bucket.list(request, 'd'))).map((item) => item.name).sort(compareUtf8);
          for (const [one, values] of model) {
            if (values.every((value) => value !== undefined)) assert.ok(names.includes(one), `${one} is listed`);
            if (values.every((value) => value === undefined)) assert.ok(!names.includes(one), `${one} is not listed`);
          }
        });
        break;
      case 4: {
        const size = i % 5 === 4 ? bytes.length : 50_000;
        const value = bytes.subarray(0, size);
        set(name, value, await calling(() => bucket.upload(request, name, bodyOf(value))));
        break;
      }
      default:
        if (i % 4 === 1) set(name, undefined, await calling(() => bucket.delete(request, name)));
        else {
          await calling(async () => {
            const found = await bucket.attributes(request, name).catch(missing);
            const sizes = (model.get(name) ?? [undefined]).map((one) => one?.length);
            assert.ok(sizes.includes(found?.sizeBytes), `size of ${name}`);
          });
        }
    }
  }
  return right;
}

function missing(thrown: unknown): undefined {
  if (kindOf(thrown) !== 'not-found') throw thrown;
}

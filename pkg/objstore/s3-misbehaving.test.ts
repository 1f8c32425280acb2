import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { Fault, kindOf } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { type Bucket, bodyOf, readAll } from './bucket.ts';
import { RetryPolicy } from './retry-policy.ts';
import { RetryingBucket } from './retrying.ts';
import { openS3Bucket } from './s3.ts';
import { parseS3Config } from './s3-config.ts';

describe('S3 against a server that misbehaves', () => {
  let server: Server;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  let buckets: Bucket[];
  beforeEach(async () => {
    buckets = [];
    server = createServer((request, response) => handle(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    for (const bucket of buckets) await bucket.close();
    server.closeAllConnections();
    server.close();
  });

  const open = async (keys: Record<string, unknown> = {}, policy?: RetryPolicy): Promise<Bucket> => {
    const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = {
      bucket: 'bucket',
      endpoint,
      region: 'r',
      insecure: true,
      access_key: 'a',
      secret_key: 'b',
      ...keys,
    };
    const bucket = await openS3Bucket({ policy }, await parseS3Config(config, {}));
    buckets.push(bucket);
    return bucket;
  };
  const request = backgroundRequest();
  const quick = () => new RetryPolicy({ logger: silentLogger }, { attempts: 3, minDelayMs: 0, maxDelayMs: 0 });

  test('one that does not speak TLS is said to, with the way out', async () => {
    handle = (_, response) => response.end();
    const call = (await open({ insecure: false })).exists(request, 'x');
    await assert.rejects(call, /does not speak TLS: set insecure: true in the bucket configuration/);
  });

  test('one that hangs after accept is left when the signal aborts, and the socket is freed', async () => {
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      handle = (_, response) => {
        response.on('close', () => resolve());
        controller.abort();
      };
    });
    const call = (await open()).exists(backgroundRequest(controller.signal), 'x');
    await assert.rejects(call, (thrown) => kindOf(thrown) === 'canceled');
    await closed;
  });

  test('one that hangs in the middle of a body is left, too', async () => {
    const closed = new Promise<void>((resolve) => {
      handle = (_, response) => {
        response.on('close', () => resolve());
        response.writeHead(200, { 'content-length': '1000' });
        response.write('some');
      };
    });
    const bucket = await open();
    const controller = new AbortController();
    const stream = await bucket.get(backgroundRequest(controller.signal), 'x');
    const read = async (): Promise<void> => {
      for await (const _ of stream) controller.abort();
    };
    await assert.rejects(read(), (thrown) => kindOf(thrown) === 'canceled');
    await closed;
  });

  test('one that never answers runs into the header timeout', async () => {
    handle = () => {};
    const bucket = await open({ http_config: { response_header_timeout: '50ms' } });
    await assert.rejects(bucket.exists(request, 'x'), (thrown) => {
      assert.equal(kindOf(thrown), 'timeout');
      assert.match(String(thrown), /look at x: no answer within 0.05s/);
      return true;
    });
  });

  test('one that closes in the middle of a body is unavailable, and with retries the rest is fetched', async () => {
    const body = 'x'.repeat(100_000);
    let ranges = 0;
    handle = (asked, response) => {
      const range = /bytes=(\d+)-(\d+)/.exec(asked.headers.range ?? '');
      if (range === null) {
        response.writeHead(200, { 'content-length': String(body.length) });
        response.write(body.slice(0, 30_000), () => response.destroy());
        return;
      }
      ranges++;
      const part = body.slice(Number(range[1]), Number(range[2]) + 1);
      response.writeHead(206, { 'content-length': String(part.length) });
      response.end(part);
    };
    const bucket = await open();
    await assert.rejects(readAll(request, bucket, 'x'), (thrown) => kindOf(thrown) === 'unavailable');
    const whole = await readAll(request, new RetryingBucket({ policy: quick() }, bucket), 'x');
    assert.equal(Buffer.from(whole).toString(), body);
    assert.equal(ranges, 1);
  });

  for (const [status, code, kind, isThrottled] of [
    [503, 'SlowDown', 'unavailable', true],
    [503, 'ServiceUnavailable', 'unavailable', false],
    [429, 'TooManyRequests', 'unavailable', true],
    [500, 'InternalError', 'unavailable', false],
    [400, 'RequestTimeout', 'unavailable', false],
    [400, 'InvalidArgument', 'invalid', false],
    [403, 'AccessDenied', 'denied', false],
    [404, 'NoSuchKey', 'not-found', false],
    [409, 'OperationAborted', 'conflict', false],
  ] as const) {
    test(`status ${status} ${code} is ${kind}${isThrottled ? ' and slows us down' : ''}`, async () => {
      handle = (_, response) => {
        response.writeHead(status, { 'retry-after': '7' });
        response.end(`<Error><Code>${code}</Code><Message>in &quot;words&quot;</Message></Error>`);
      };
      const bucket = await open();
      for (const call of [() => readAll(request, bucket, 'x'), () => collectAll(bucket.list(request, ''))]) {
        await assert.rejects(call(), (thrown) => {
          assert.ok(thrown instanceof Fault);
          assert.equal(thrown.kind, kind, thrown.message);
          assert.match(thrown.message, new RegExp(code));
          assert.equal(thrown.facts['throttled'] ?? false, isThrottled);
          if (isThrottled) assert.equal(thrown.facts['retryAfterMs'], 7000);
          if (status >= 429) assert.match(thrown.message, /in "words"/);
          return true;
        });
      }
    });
  }

  test('a bucket that is not there is named, whatever was asked of it', async () => {
    const words = '<Message>not there</Message><BucketName>blokcs</BucketName>';
    handle = (asked, response) => {
      asked.resume();
      response.writeHead(404).end(`<Error><Code>NoSuchBucket</Code>${words}</Error>`);
    };
    const uploading = (await open()).upload(request, 'x', bodyOf(new Uint8Array(10)));
    await assert.rejects(uploading, (thrown) => {
      assert.equal(kindOf(thrown), 'not-found');
      assert.match(String(thrown), /NoSuchBucket: not there \(bucket "blokcs"\)/);
      return true;
    });
  });

  test('a part that fails is sent again alone', async () => {
    const parts: string[] = [];
    let isFirst = true;
    handle = (asked, response) => {
      asked.resume().on('end', () => {
        const url = asked.url ?? '';
        if (asked.method === 'POST' && url.includes('?uploads')) {
          response.end('<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>');
        } else if (asked.method === 'PUT') {
          parts.push(/partNumber=(\d+)/.exec(url)?.[1] ?? '');
          const fails = isFirst && parts.length === 2;
          if (fails) isFirst = false;
          response.writeHead(fails ? 500 : 200, { etag: '"e"' }).end();
        } else {
          response.end(
            '<CompleteMultipartUploadResult><Location>l</Location><Bucket>b</Bucket><Key>k</Key><ETag>"e"</ETag></CompleteMultipartUploadResult>',
          );
        }
      });
    };
    const bucket = await open({ part_size: 5 * 1024 * 1024 }, quick());
    await bucket.upload(request, 'x', bodyOf(new Uint8Array(13 * 1024 * 1024)));
    assert.deepEqual(parts, ['1', '2', '2', '3']);
  });

  test('garbage for a listing is corrupt', async () => {
    handle = (_, response) => response.end('\0\x01<<<');
    await assert.rejects(collectAll((await open()).list(request, '')), (thrown) => kindOf(thrown) === 'corrupt');
  });

  test('nobody listening is unavailable', async () => {
    const bucket = await open();
    server.close();
    await once(server, 'close');
    await assert.rejects(bucket.exists(request, 'x'), (thrown) => kindOf(thrown) === 'unavailable');
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Metrics } from '../telemetry/metrics.ts';
import { kindOfRequest, requestMeter } from './request-meter.ts';

describe('what a provider bills', () => {
  for (const [method, path, kind] of [
    ['GET', '/bucket?delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=', 'list'],
    ['GET', '/bucket/prefix=1', 'read'],
    ['GET', '/bucket?location', 'read'],
    ['HEAD', '/bucket/a', 'read'],
    ['PUT', '/bucket/a?partNumber=1&uploadId=x', 'write'],
    ['POST', '/bucket/a?uploads', 'write'],
    ['DELETE', '/bucket/a', 'delete'],
    ['GET', '/storage/v1/b/bucket/o?maxResults=1000&fields=x', 'list'],
    ['GET', '/storage/v1/b/bucket/o/a?alt=media', 'read'],
    ['GET', '/container?restype=container&comp=list&delimiter=%2F', 'list'],
    ['GET', '/container/a', 'read'],
  ] as const) {
    test(`${method} ${path} is a ${kind}`, () => assert.equal(kindOfRequest(method, path), kind));
  }

  test('is counted with an estimate of its price', async () => {
    const metrics = new Metrics();
    const onRequest = requestMeter({ metrics }, 'b');
    for (let i = 0; i < 1000; i++) onRequest('PUT', '/b/x');
    for (let i = 0; i < 1000; i++) onRequest('GET', '/b/x');
    const text = await metrics.text();
    assert.match(text, /tributary_objstore_requests_total\{bucket="b",kind="write"\} 1000/);
    const dollars = (kind: string) =>
      Number(new RegExp(`price_dollars_total\\{bucket="b",kind="${kind}"\\} (\\S+)`).exec(text)?.[1]);
    assert.ok(Math.abs(dollars('write') - 0.005) < 1e-9);
    assert.ok(Math.abs(dollars('read') - 0.0004) < 1e-9);
    assert.equal(dollars('list'), 0);
  });
});

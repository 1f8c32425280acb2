import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'vitest';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { Fault } from '../errors/fault.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { bodyOf, readAll } from './bucket.ts';
import { testBucket } from './conformance.ts';
import { InstrumentedBucket } from './instrumented.ts';
import { MemoryBucket } from './memory.ts';

testBucket('memory with metrics', async () => ({
  bucket: new InstrumentedBucket({ metrics: new Metrics() }, new MemoryBucket()),
}));

describe('bucket metrics', () => {
  const request = backgroundRequest();
  let metrics: Metrics;
  let bucket: InstrumentedBucket;
  beforeEach(() => {
    metrics = new Metrics();
    bucket = new InstrumentedBucket({ metrics }, new MemoryBucket('b'));
  });
  const value = async (name: string, operation?: string): Promise<number> => {
    const labels = operation === undefined ? '{bucket="b"}' : `{bucket="b",operation="${operation}"}`;
    const line = (await metrics.text())
      .split('\n')
      .find((text) => text.startsWith(`thanos_objstore_bucket_${name}${labels} `));
    return Number(line?.split(' ').at(-1));
  };

  test('every operation is there from the start, as zero', async () => {
    for (const operation of ['iter', 'get', 'get_range', 'exists', 'upload', 'delete', 'attributes']) {
      assert.equal(await value('operations_total', operation), 0);
      assert.equal(await value('operation_failures_total', operation), 0);
    }
    assert.equal(await value('last_successful_upload_time'), 0);
  });

  test('operations, bytes and the time of the last upload are counted', async () => {
    await bucket.upload(request, 'x', bodyOf(Buffer.from('12345')));
    await readAll(request, bucket, 'x');
    await bucket.getRange(request, 'x', 1, 2);
    await bucket.exists(request, 'x');
    await bucket.attributes(request, 'x');
    await collectAll(bucket.list(request, ''));
    await bucket.delete(request, 'x');
    for (const operation of ['iter', 'get', 'get_range', 'exists', 'upload', 'delete', 'attributes']) {
      assert.equal(await value('operations_total', operation), 1, operation);
      assert.equal(await value('operation_duration_seconds_count', operation), 1, operation);
    }
    assert.equal(await value('operation_fetched_bytes_total', 'get'), 5);
    assert.equal(await value('operation_fetched_bytes_total', 'get_range'), 2);
    assert.equal(await value('operation_transferred_bytes_sum', 'upload'), 5);
    assert.ok(Math.abs((await value('last_successful_upload_time')) - Date.now() / 1000) < 10);
  });

  test('a missing object and a caller who left are no failures, a bucket that is down is', async () => {
    await assert.rejects(readAll(request, bucket, 'missing'));
    await assert.rejects(bucket.exists(backgroundRequest(AbortSignal.abort()), 'x'));
    assert.equal(await value('operation_failures_total', 'get'), 0);
    assert.equal(await value('operation_failures_total', 'exists'), 0);
    class Down extends MemoryBucket {
      override async exists(): Promise<boolean> {
        throw new Fault('unavailable', 'down');
      }
    }
    await assert.rejects(new InstrumentedBucket({ metrics }, new Down('b')).exists(request, 'x'));
    assert.equal(await value('operation_failures_total', 'exists'), 1);
  });
});

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { bodyOf, isReadOnce, readAll } from '../objstore/bucket.ts';
import { testBucket } from '../objstore/conformance.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { withProgress } from './progress-bucket.ts';

testBucket('a bucket that tells of progress', async () => ({
  bucket: withProgress(new MemoryBucket(), () => {}),
}));

test('each piece of a body tells of progress, and a body that can be read again still can', async () => {
  const request = backgroundRequest();
  const inner = new MemoryBucket();
  let count = 0;
  let readsOnce: boolean | undefined;
  const { upload } = inner;
  inner.upload = (context, name, body, options) => {
    readsOnce = isReadOnce(body);
    return upload.call(inner, context, name, body, options);
  };
  const bucket = withProgress(inner, () => count++);
  await bucket.upload(
    request,
    'a',
    (async function* () {
      for (let i = 0; i < 5; i++) yield new Uint8Array(3);
    })(),
  );
  assert.deepEqual([count, readsOnce], [6, true]);
  await bucket.upload(request, 'b', bodyOf(new Uint8Array(3)));
  assert.deepEqual([count, readsOnce], [8, false]);
  assert.equal((await readAll(request, bucket, 'a')).length, 15);
  assert.equal(count, 9);
});

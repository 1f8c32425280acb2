import assert from 'node:assert/strict';
import { test } from 'vitest';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { bodyOf } from './bucket.ts';
import { testBucket } from './conformance.ts';
import { MemoryBucket } from './memory.ts';
import { PrefixedBucket } from './prefixed.ts';

testBucket('memory inside a prefix', async () => ({ bucket: new PrefixedBucket(new MemoryBucket(), '/team/a/') }));

test('slashes around a prefix do not matter, and what lies outside is not seen', async () => {
  const inner = new MemoryBucket();
  const request = backgroundRequest();
  await inner.upload(request, 'team/other', bodyOf(Buffer.from('x')));
  await inner.upload(request, 'team/ab', bodyOf(Buffer.from('x')));
  await new PrefixedBucket(inner, '//team/a//').upload(request, 'obj', bodyOf(Buffer.from('x')));
  assert.equal(await inner.exists(request, 'team/a/obj'), true);
  const seen = await collectAll(new PrefixedBucket(inner, 'team/a').list(request, '', { recursive: true }));
  assert.deepEqual(seen, [{ name: 'obj' }]);
});

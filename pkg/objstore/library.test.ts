import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { openBlock } from '../tsdb/library.ts';
import { openBucket } from './library.ts';

const basic = join(import.meta.dirname, '..', 'tsdb', 'testdata', 'basic');
const [ulid] = readdirSync(basic);
const scratch = mkdtempSync(join(tmpdir(), 'bucket-library-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function countOf(series: AsyncIterable<{ readonly floats: { readonly length: number } }>): Promise<number[]> {
  const counts: number[] = [];
  for await (const { floats } of series) counts.push(floats.length);
  return counts;
}

test('a bucket lists its blocks, and they read as those of a directory do', async () => {
  const directory = join(scratch, 'team', 'a');
  cpSync(basic, directory, { recursive: true });
  writeFileSync(join(directory, 'a-file'), '');
  mkdirSync(join(directory, 'no-block', 'x'), { recursive: true });
  writeFileSync(join(directory, 'no-block', 'x', 'y'), '');
  const bucket = await openBucket(`{type: FILESYSTEM, prefix: a, config: {directory: ${join(scratch, 'team')}}}`);
  assert.deepEqual(await bucket.blocks(), [ulid]);
  const [far, near] = [await bucket.openBlock(ulid, { cacheBytes: 1 << 20 }), await openBlock(join(basic, ulid))];
  assert.deepEqual(far.meta, near.meta);
  const counts = await countOf(far.series([['job', '=', 'api']]));
  assert.ok(counts.length > 10);
  assert.deepEqual(counts, await countOf(near.series([['job', '=', 'api']])));
  await near.close();
  await far.close();
  await assert.rejects(
    () => bucket.openBlock('01M825161K2K92BNB3ZDTVS2FF'),
    (thrown) => kindOf(thrown) === 'not-found',
  );
  await bucket.close();
});

test('a configuration that is wrong is refused when the bucket is opened', async () => {
  await assert.rejects(
    () => openBucket('type: NOWHERE'),
    (thrown) => kindOf(thrown) === 'invalid',
  );
});

import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'vitest';
import { kindOf, messageOf } from '../errors/fault.ts';
import { DiskSpace } from './disk-space.ts';

const free = async (): Promise<number> => 1000;

test('runs side by side count on room of their own', async () => {
  const space = new DiskSpace();
  const release = await space.reserve('/w', 700, free);
  await assert.rejects(space.reserve('/w', 400, free), (thrown) => {
    assert.match(messageOf(thrown), /needs 400 bytes of disk in \/w, 300 are free beside the 700 of other runs/);
    return kindOf(thrown) === 'limit';
  });
  await space.reserve('/w', 300, free);
  release();
  release();
  await space.reserve('/w', 700, free);
  await assert.rejects(space.reserve('/w', 1, free), (thrown) => kindOf(thrown) === 'limit');
});

test('the disk itself is asked', async () => {
  const release = await new DiskSpace().reserve(tmpdir(), 1);
  release();
  await assert.rejects(new DiskSpace().reserve(tmpdir(), 2 ** 62), (thrown) => kindOf(thrown) === 'limit');
});

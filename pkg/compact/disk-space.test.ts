import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'vitest';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { DiskSpace } from './disk-space.ts';

const forever = new AbortController().signal;
const free = async (): Promise<number> => 1000;

test('a run for which there is no room beside others waits until they are over', async () => {
  const space = new DiskSpace();
  const release = await space.reserve(forever, '/w', 700, free);
  const events: string[] = [];
  const second = space.reserve(forever, '/w', 400, free).then((end) => {
    events.push('the second one begins');
    return end;
  });
  const third = await space.reserve(forever, '/w', 300, free);
  events.push('the third one, for which there is room, has begun');
  third();
  third();
  await space.reserve(forever, '/w', 300, free).then((end) => end());
  events.push('the first one ends');
  release();
  (await second)();
  assert.deepEqual(events, [
    'the third one, for which there is room, has begun',
    'the first one ends',
    'the second one begins',
  ]);
});

test('a run for which there is no room at all is told so, with both numbers', async () => {
  const space = new DiskSpace();
  const release = await space.reserve(forever, '/w', 700, free);
  const tooLarge = assert.rejects(space.reserve(forever, '/w', 1001, free), (thrown) => {
    assert.match(messageOf(thrown), /needs 1001 bytes of disk in \/w, 1000 are free/);
    return kindOf(thrown) === 'limit';
  });
  release();
  await tooLarge;
});

test('nobody waits for room any more once the signal has aborted', async () => {
  const space = new DiskSpace();
  await space.reserve(forever, '/w', 700, free);
  const stop = new AbortController();
  const waiting = space.reserve(stop.signal, '/w', 400, free);
  stop.abort(new Fault('canceled', 'stopped'));
  await assert.rejects(waiting, (thrown) => kindOf(thrown) === 'canceled');
});

test('the disk itself is asked', async () => {
  const release = await new DiskSpace().reserve(forever, tmpdir(), 1);
  release();
  await assert.rejects(new DiskSpace().reserve(forever, tmpdir(), 2 ** 62), (thrown) => kindOf(thrown) === 'limit');
});

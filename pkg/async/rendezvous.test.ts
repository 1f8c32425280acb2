import assert from 'node:assert/strict';
import { test } from 'vitest';
import { Rendezvous } from './rendezvous.ts';

test('those who come go on together, when the last of them is there', async () => {
  const rendezvous = new Rendezvous(3);
  const passed: string[] = [];
  const waiting = ['a', 'b'].map((name) => rendezvous.come().then(() => passed.push(name)));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(passed, []);
  void rendezvous.come();
  await Promise.all(waiting);
  assert.deepEqual(passed, ['a', 'b']);
});

test('one alone waits for nobody', async () => {
  await new Rendezvous(1).come();
});

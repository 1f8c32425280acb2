// That it does end programs when its owner is killed is shown with a real owner, in e2e/demo.e2e.ts.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'vitest';
import { Guard } from './guard.ts';

test('a guard whose owner ended everything itself lets go of it', async () => {
  const guard = new Guard();
  const program = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
  try {
    await once(program, 'spawn');
    guard.watch(program.pid!);
    await guard.stop();
    await guard.stop();
    assert.deepEqual([program.exitCode, program.signalCode], [null, null]);
  } finally {
    program.kill('SIGKILL');
  }
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'vitest';
import { kindOf, messageOf } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { lockDirectory } from './directory-lock.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const rejection = (work: Promise<unknown>): Promise<unknown> => work.then(() => assert.fail('it went well'), String);

test('a directory that is in use is refused, and had again once it is released', async () => {
  const path = join(directory, 'data', 'deeper');
  const first = await lockDirectory(path, silentLogger);
  const refused = await lockDirectory(path, silentLogger).catch((thrown) => thrown);
  assert.equal(kindOf(refused), 'conflict');
  assert.equal(messageOf(refused), `${path} is in use by another process: each needs a --data-dir of its own`);
  // The same place under another name.
  assert.match(String(await rejection(lockDirectory(`${path}/../deeper`, silentLogger))), /in use/);
  const other = await lockDirectory(join(directory, 'other'), silentLogger);
  await first.release();
  const second = await lockDirectory(path, silentLogger);
  await second.release();
  await other.release();
  assert.deepEqual(readdirSync(path), []);
});

test('what a killed process left behind binds nobody', async () => {
  leaveSocket(join(directory, 'in-use.sock'));
  assert.deepEqual(readdirSync(directory), ['in-use.sock']);
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory, silentLogger)));
  const got = all.filter((one) => one.status === 'fulfilled');
  assert.equal(got.length, 1);
  await got[0].value.release();
  assert.deepEqual(readdirSync(directory), []);
});

test('a directory whose name is too long for a socket is kept by one in the directory for temporary files', async () => {
  const path = join(directory, 'x'.repeat(120));
  const first = await lockDirectory(path, silentLogger);
  assert.deepEqual(readdirSync(path), []);
  assert.match(String(await rejection(lockDirectory(path, silentLogger))), /in use/);
  await first.release();
});

/** A process that listens there and is killed. */
function leaveSocket(path: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  assert.throws(() => execFileSync(process.execPath, ['-e', script], { stdio: 'ignore' }));
}

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'vitest';
import { kindOf, messageOf } from '../../pkg/errors/fault.ts';
import type { Host } from '../../pkg/lifecycle/component.ts';
import { makeWritable } from './directory.ts';
import { freeAddress, mustBeFree } from './ports.ts';
import { Program } from './program.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'demo-program-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function failureOf(script: string, readyTimeoutMs?: number): Promise<string> {
  const program = new Program(
    {
      name: 'x',
      command: '/bin/sh',
      args: ['-c', `echo first; echo 'why not'; ${script}`],
      logFile: join(directory, 'x.log'),
      readyUrl: `http://${await freeAddress()}/-/ready`,
      ...(readyTimeoutMs === undefined ? {} : { readyTimeoutMs }),
    },
    { watch: () => {} },
  );
  const life = new AbortController();
  const background: Promise<void>[] = [];
  const host: Host = {
    signal: life.signal,
    // A group would end; the start has failed for the same reason.
    spawn: (_name, task) => background.push(task(life.signal).catch(() => {})),
    ready() {},
    unready() {},
  };
  try {
    return await program.start(host).then(() => assert.fail('it started'), messageOf);
  } finally {
    life.abort();
    await Promise.allSettled(background);
    await program.stop();
  }
}

test('a program that ends before it is ready fails the start with its last words', async () => {
  assert.match(
    await failureOf('exit 3'),
    /^ended with exit code 3; its last words \(.*x\.log\):\n {2}first\n {2}why not$/,
  );
});

test('so does one that is never ready', async () => {
  assert.match(
    await failureOf('exec sleep 60', 3_000),
    /^not ready within 3 s; its last words .*:\n {2}first\n {2}why not$/,
  );
});

test('an address that will not do is refused with the flag it came from', async () => {
  await assert.rejects(mustBeFree('nonsense', '--http-address'), /--http-address: address nonsense: missing port/);
  await assert.rejects(mustBeFree('127.0.0.1:99999', '--grpc-address'), /--grpc-address: .*invalid port/);
});

test('a directory that cannot be written is refused with the reason and the flag', () => {
  const made = join(directory, 'a', 'b');
  makeWritable(made, '--data-dir');
  makeWritable(made, '--data-dir');
  assert.deepEqual(readdirSync(made), []);
  writeFileSync(join(directory, 'file'), '');
  for (const path of ['file/b', 'file']) {
    assert.throws(
      () => makeWritable(join(directory, path), '--data-dir=directory'),
      (thrown) =>
        /^cannot write to .*file.*: choose another place with --data-dir=directory$/.test(messageOf(thrown)) &&
        kindOf(thrown) !== 'internal',
    );
  }
});

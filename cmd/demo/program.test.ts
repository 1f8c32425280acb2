import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'vitest';
import { kindOf, messageOf } from '../../pkg/errors/fault.ts';
import type { Host } from '../../pkg/lifecycle/component.ts';
import { freeAddress, mustBeFree } from './ports.ts';
import { Program } from './program.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'demo-program-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function failureOf(script: string, readyTimeoutMs?: number): Promise<string> {
  return messageOf(await faultOf(script, readyTimeoutMs));
}

async function faultOf(script: string, readyTimeoutMs?: number): Promise<unknown> {
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
    return await program.start(host).then(
      () => assert.fail('it started'),
      (thrown: unknown) => thrown,
    );
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

test('one that finds its port taken is told apart: it may start with another', async () => {
  const fault = await faultOf('echo "listen tcp 127.0.0.1:1: bind: address already in use"; exit 1');
  assert.equal(kindOf(fault), 'conflict');
  assert.equal(kindOf(await faultOf('exit 1')), 'unavailable');
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

// bin/tributary, the program people call: found through links, arguments and exit codes untouched.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, test } from 'vitest';

const program = fileURLToPath(new URL('../bin/tributary', import.meta.url));

describe('the launcher', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-launcher-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function run(path: string, ...args: string[]) {
    const { status, stderr } = spawnSync(path, args, { cwd: directory, encoding: 'utf8' });
    return { status, stderr };
  }

  test('runs through absolute and relative links', () => {
    mkdirSync(join(directory, 'bin'));
    symlinkSync(program, join(directory, 'absolute'));
    symlinkSync(relative(join(directory, 'bin'), program), join(directory, 'bin', 'relative'));
    symlinkSync('bin/relative', join(directory, 'twice'));
    for (const path of [program, join(directory, 'absolute'), join(directory, 'bin', 'relative'), './twice']) {
      const { status, stderr } = run(path, '--version');
      assert.equal(status, 0, `${path}: ${stderr}`);
      assert.match(stderr, /^tributary, version /);
    }
  });

  test('hands arguments and the exit code on as they are', () => {
    const unknown = run(program, '* $HOME');
    assert.equal(unknown.status, 1);
    assert.ok(unknown.stderr.includes('* $HOME'), unknown.stderr);
    assert.equal(run(program, 'rule').status, 2);
  });

  test('gives Node no setting but those that each version from 20 to 26 knows', () => {
    const commands = readFileSync(program, 'utf8').match(/exec node .*/g) ?? [];
    const settings = commands.flatMap((command) => [...command.matchAll(/--[a-z0-9-]+/g)].map(([name]) => name));
    assert.equal(commands.length, 3);
    assert.deepEqual([...new Set(settings)], ['--max-semi-space-size', '--heap-growing-percent']);
  });
});

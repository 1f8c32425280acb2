import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { kindOf, messageOf } from '../errors/fault.ts';
import { makeWritable } from './make-writable.ts';

const directory = mkdtempSync(join(tmpdir(), 'make-writable-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

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

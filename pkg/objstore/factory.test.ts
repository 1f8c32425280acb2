import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { collectAll } from '../async/batches.ts';
import { backgroundRequest } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { openBucket } from './factory.ts';

describe('the directory of a filesystem bucket', () => {
  const directory = mkdtempSync(join(tmpdir(), 'factory-'));
  const warned: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (_message, facts) => warned.push(facts?.['directory']) };
  const open = (path: string) =>
    openBucket({ logger, metrics: new Metrics(), env: {} }, `type: FILESYSTEM\nconfig: { directory: ${path} }\n`);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('may be missing: empty, with a warning', async () => {
    const path = join(directory, 'none');
    assert.deepEqual(await collectAll((await open(path)).list(backgroundRequest(), '')), []);
    assert.deepEqual(warned, [path]);
  });

  for (const [what, below, says] of [
    ['a file', '', /^bucket configuration: config.directory: \S+ is not a directory$/],
    ['below a file', '/below', /^bucket configuration: config.directory: \S+: ENOTDIR/],
  ] as const) {
    test(`may not be ${what}`, async () => {
      const path = join(directory, 'file');
      writeFileSync(path, 'x');
      await assert.rejects(open(path + below), (thrown) => {
        assert.match(messageOf(thrown), says);
        return true;
      });
    });
  }
});

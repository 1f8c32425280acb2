import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { kindOf } from '../errors/fault.ts';
import { bodyOf, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { markName, newMark, parseMark, printMark, readMark, writeMark } from './marks.ts';

const ULID = '01HF7YAT00AAAAAAAAAAAAAAAA';
const request = backgroundRequest();

describe('marks', () => {
  for (const [kind, file] of [
    ['deletion', 'deletion-mark.json'],
    ['no-compact', 'no-compact-mark.json'],
    ['no-compact', 'no-compact-mark.downsampled-overlap.json'],
    ['no-downsample', 'no-downsample-mark.json'],
  ] as const) {
    test(`${file} of the reference prints as it was read`, () => {
      const text = readFileSync(join(import.meta.dirname, 'testdata', 'marks', file), 'utf8');
      assert.equal(printMark(parseMark(kind, text)), text);
    });
  }

  test('a new mark has seconds, and no details when there are none', () => {
    const mark = newMark('deletion', ULID, { details: '', nowMs: 1_795_368_900_999 });
    assert.equal(printMark(mark), `{"id":"${ULID}","version":1,"deletion_time":1795368900}`);
    const withDetails = newMark('no-compact', ULID, { details: 'det', nowMs: 1_795_368_900_000 });
    assert.equal(
      printMark(withDetails),
      `{"id":"${ULID}","version":1,"details":"det","no_compact_time":1795368900,"reason":"manual"}`,
    );
  });

  test('a mark is written once and never again', async () => {
    const bucket = new MemoryBucket();
    const deps = { bucket, logger: silentLogger };
    const first = newMark('deletion', ULID, { details: 'first', nowMs: 1000 });
    assert.equal(await writeMark(request, deps, first), true);
    assert.equal(await writeMark(request, deps, { ...first, details: 'second', timeSeconds: 99 }), false);
    assert.deepEqual(await readMark(request, deps, 'deletion', ULID), first);
  });

  test('an unreadable mark counts as absent and is told; a missing one is quietly absent', async () => {
    const bucket = new MemoryBucket();
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
    assert.equal(await readMark(request, { bucket, logger }, 'deletion', ULID), undefined);
    assert.equal(warnings.length, 0);
    await bucket.upload(request, markName('deletion', ULID), bodyOf(Buffer.from('{"id":')));
    assert.equal(await readMark(request, { bucket, logger }, 'deletion', ULID), undefined);
    assert.equal(warnings.length, 1);
  });

  test('a mark of another version is an error', async () => {
    const bucket = new MemoryBucket();
    const text = `{"id":"${ULID}","version":2,"deletion_time":1}`;
    await bucket.upload(request, markName('deletion', ULID), bodyOf(Buffer.from(text)));
    await assert.rejects(
      readMark(request, { bucket, logger: silentLogger }, 'deletion', ULID),
      (thrown) => kindOf(thrown) === 'unsupported',
    );
    assert.equal(Buffer.from(await readAll(request, bucket, markName('deletion', ULID))).toString(), text);
  });
});

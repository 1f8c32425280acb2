import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { ActiveQueryFile, readUnfinished } from './active-query-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'tributary-active-'));
const path = join(directory, 'queries.active');
afterAll(() => rmSync(directory, { recursive: true }));

/** What a running reference had on disk: one slot in use of three. */
function referenceFile(): Buffer {
  const file = Buffer.alloc(3001);
  file.write('[');
  file.write('{"query":"rate({__name__=~\\".+\\"}[5m])","timestamp_sec":1795387800}', 1001);
  file.write(',', 2000);
  return file;
}

describe('the file of active queries', () => {
  test('holds what runs, and what has ended no more', () => {
    const file = ActiveQueryFile.open(directory, 3, silentLogger);
    const end = file.insert('up', 1_000_500);
    file.insert('sum by (a) ("\u{1f600}")', 2_000_000);
    assert.deepEqual(
      readUnfinished(path).map(({ query }) => query),
      ['up', 'sum by (a) ("\u{1f600}")'],
    );
    end();
    file.close();
    assert.deepEqual(readUnfinished(path), [{ query: 'sum by (a) ("\u{1f600}")', timestamp_sec: 2000 }]);
  });

  test('has the shape of the reference: a bracket and slots of 1000 bytes that end in a comma', () => {
    const file = ActiveQueryFile.open(directory, 2, silentLogger);
    file.insert('up', 7_000);
    file.close();
    const bytes = readFileSync(path);
    assert.equal(bytes.length, 2001);
    assert.equal(bytes[0], 91);
    assert.equal(bytes.subarray(1, 32).toString(), '{"query":"up","timestamp_sec":7');
    assert.deepEqual([bytes[1000], bytes[1001]], [44, 0]);
  });

  test('tells the log what the last run left, ours or the reference, and forgets it', () => {
    writeFileSync(path, referenceFile());
    const told: unknown[] = [];
    const log: Logger = { ...silentLogger, warn: (message, fields) => told.push([message, fields]) };
    ActiveQueryFile.open(directory, 20, log).close();
    assert.deepEqual(told, [
      [
        'these queries were running when the last run of this process ended',
        { queries: '[{"query":"rate({__name__=~\\".+\\"}[5m])","timestamp_sec":1795387800}]' },
      ],
    ]);
    ActiveQueryFile.open(directory, 20, log).close();
    assert.equal(told.length, 1);
  });

  for (const [what, query] of [
    ['a long query', 'a + '.repeat(10_000)],
    ['a long query of characters that take four bytes', '\u{1f600}'.repeat(2000)],
    ['a long query of characters that are escaped', '"\\\u0001'.repeat(2000)],
  ] as const) {
    test(`holds as much of ${what} as fits`, () => {
      const file = ActiveQueryFile.open(directory, 1, silentLogger);
      file.insert(query, 0);
      file.close();
      const [{ query: kept }] = readUnfinished(path);
      assert.ok(query.startsWith(kept) && kept.length > 50, `${kept.length} characters`);
      assert.equal(readFileSync(path).length, 1001);
    });
  }

  test('leaves queries out when all slots are taken, and rubbish in the file unread', () => {
    const file = ActiveQueryFile.open(directory, 1, silentLogger);
    file.insert('up', 0);
    const end = file.insert('down', 0);
    end();
    file.close();
    assert.equal(readUnfinished(path).length, 1);
    writeFileSync(path, '[{"query":"up","time\0\0{"query":3}\0[[[');
    assert.deepEqual(readUnfinished(path), []);
  });
});

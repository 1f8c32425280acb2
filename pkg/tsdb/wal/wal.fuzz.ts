// Damaged logs and head chunks: read, or refused with the place, never a crash.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { MemorySource } from '../../bytes/byte-source.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { checkDamaged, damageTimeoutMs } from '../../bytes/damage-fixture.ts';
import { readHeadFile } from '../chunks/head-file.ts';
import { checkpointName, FRAGMENT_HEADER_BYTES, PAGE_BYTES, walSegmentName } from './format.ts';
import { findDamage, readLog, repairLog } from './reader.ts';
import { decodeRecord } from './record.ts';
import { readSegment } from './segment.ts';

const testdata = join(import.meta.dirname, '..', 'testdata', 'log');
const names = readdirSync(testdata);
/** Without the zeros at their end, which would take most of the damage. */
const segments = names.map((name) => {
  const bytes = new Uint8Array(readFileSync(join(testdata, name, 'wal', '00000000')));
  return bytes.slice(0, [...readSegment(new MemorySource(bytes), 0)].at(-1)!.end);
});
const records = segments.flatMap((bytes) =>
  [...readSegment(new MemorySource(bytes), 0)].map((one) => one.bytes.slice()),
);
/** One of each kind. */
const kinds = [...new Map(records.map((bytes) => [bytes[0], bytes])).values()];

/** Makes the checksums of fragments right, as far as their lengths lead from one to the next. */
function reseal(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + FRAGMENT_HEADER_BYTES <= bytes.length; ) {
    const length = view.getUint16(at + 1);
    const end = at + FRAGMENT_HEADER_BYTES + length;
    if (bytes[at] === 0 || end > bytes.length || Math.floor((end - 1) / PAGE_BYTES) > Math.floor(at / PAGE_BYTES))
      return;
    view.setUint32(at + 3, crc32c(bytes, at + FRAGMENT_HEADER_BYTES, end));
    at = end;
  }
}

const scratch = mkdtempSync(join(tmpdir(), 'tributary-wal-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A log directory of files by their names; what was there before is gone. */
function logOf(name: string, files: Readonly<Record<string, Uint8Array>>): string {
  const directory = join(scratch, name);
  rmSync(directory, { recursive: true, force: true });
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
  return directory;
}

describe('damaged logs are read or refused', () => {
  test('checkpoints, with the segment after them', { timeout: damageTimeoutMs }, () => {
    checkDamaged({
      inputs: segments,
      cases: 60,
      reseal,
      decode: (bytes) => {
        const checkpoint = join(checkpointName(3), walSegmentName(0));
        const directory = logOf('checkpointed', { [checkpoint]: bytes, [walSegmentName(4)]: segments[0] });
        let behind = 0;
        for (const record of readLog(directory)) {
          decodeRecord(record.bytes);
          if (!record.isCheckpoint) behind++;
        }
        assert.ok(behind > 0, 'the segment is read too');
      },
    });
  });

  test('repaired logs: what is left is good, and is all that was good', { timeout: damageTimeoutMs }, () => {
    const records = (directory: string): number => {
      let count = 0;
      for (const _record of readLog(directory)) count++;
      return count;
    };
    checkDamaged({
      inputs: segments,
      cases: 60,
      reseal,
      decode: (bytes) => {
        const directory = logOf('repaired', { [walSegmentName(0)]: bytes, [walSegmentName(1)]: segments[0] });
        let before = 0;
        let failure: unknown;
        try {
          for (const _record of readLog(directory)) before++;
        } catch (thrown) {
          failure = thrown;
        }
        const damage = repairLog(directory);
        assert.equal(damage === undefined, failure === undefined);
        assert.equal(records(directory), before);
        assert.equal(findDamage(directory), undefined);
        if (failure !== undefined) throw failure;
      },
    });
  });

  test('segments', { timeout: damageTimeoutMs }, () => {
    checkDamaged({
      inputs: segments,
      cases: 600,
      reseal,
      decode: (bytes) => {
        for (const record of readSegment(new MemorySource(bytes), 0)) decodeRecord(record.bytes);
      },
    });
  });

  test('records of every kind', { timeout: damageTimeoutMs }, () => {
    checkDamaged({ inputs: kinds, cases: 3000, decode: (bytes) => void decodeRecord(bytes) });
  });

  test('head chunks', { timeout: damageTimeoutMs }, () => {
    const bytes = new Uint8Array(readFileSync(join(testdata, 'snappy', 'chunks_head', '000001')));
    const { offset, data } = [...readHeadFile(new MemorySource(bytes))].at(-1)!;
    // The last entry's head, its data and its checksum.
    const inputs = [bytes.slice(0, offset + 27 + data.length + 4)];
    checkDamaged({
      inputs,
      cases: 600,
      decode: (bytes) => {
        for (const { data } of readHeadFile(new MemorySource(bytes))) data.slice();
      },
    });
  });
});

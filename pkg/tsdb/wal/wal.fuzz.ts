// Damaged logs and head chunks: read, or refused with the place, never a crash.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { MemorySource } from '../../bytes/byte-source.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { checkDamaged, damageTimeoutMs } from '../../bytes/damage-fixture.ts';
import { readHeadFile } from '../chunks/head-file.ts';
import { FRAGMENT_HEADER_BYTES, PAGE_BYTES } from './format.ts';
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

describe('damaged logs are read or refused', () => {
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

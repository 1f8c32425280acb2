// Damaged aggregate chunks and index-headers are read or refused.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { crc32c } from '../bytes/crc32c.ts';
import { checkDamaged, damageTimeoutMs } from '../bytes/damage-fixture.ts';
import { AggregateParts, splitAggregateChunk } from './aggr-chunk.ts';
import { PageCache } from './index-header/page-cache.ts';
import { IndexHeaderReader } from './index-header/reader.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tributary-damaged-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('damage is read or refused', () => {
  test('in aggregate chunks', { timeout: damageTimeoutMs }, () => {
    const part = '0b010001004008000000000000';
    const parts = new AggregateParts();
    checkDamaged({
      inputs: [part.repeat(5), `${part}00${part}0000`].map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
      cases: 1000,
      decode: (bytes) => {
        splitAggregateChunk(bytes, 0, bytes.length, parts);
        for (let i = 0; i < parts.offsets.length; i++) {
          if (parts.offsets[i] + parts.lengths[i] > bytes.length) throw new Error(`part ${i} is outside of its chunk`);
        }
      },
    });
  });

  test('in index-headers, with checksums made right', { timeout: damageTimeoutMs }, () => {
    const testdata = join(import.meta.dirname, 'index-header', 'testdata');
    const header = new Uint8Array(readFileSync(join(testdata, 'long-A-5m.index-header')));
    const path = join(scratch, 'index-header');
    checkDamaged({
      inputs: [header],
      cases: 400,
      reseal: resealHeader,
      decode: (bytes) => {
        writeFileSync(path, bytes);
        const pages = new PageCache(64 * 1024);
        const reader = IndexHeaderReader.open(path, pages);
        try {
          for (const name of reader.labelNames()) reader.postingsRanges(name, reader.labelValues(name));
          for (let id = 0; id < reader.symbols.count; id++) reader.symbols.get(id);
        } finally {
          reader.close();
        }
      },
    });
  });
});

/** The sums of symbols, table and both tables of contents, where they lie as the last one says. */
function resealHeader(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length;
  if (end < 86) return;
  for (const at of [14, view.getUint32(end - 8)]) {
    if (at + 4 > end) continue;
    const bodyEnd = at + 4 + view.getUint32(at);
    if (bodyEnd + 4 <= end) view.setUint32(bodyEnd, crc32c(bytes, at + 4, bodyEnd));
  }
  view.setUint32(end - 24, crc32c(bytes, end - 72, end - 24));
  view.setUint32(end - 4, crc32c(bytes, end - 20, end - 4));
}

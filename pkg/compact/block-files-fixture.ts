// Tests: blocks on the disk, written, compared and damaged.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../bytes/crc32c.ts';
import type { Random } from '../bytes/damage-fixture.ts';
import { readUvarint, varintEnd } from '../bytes/varint.ts';
import type { HistogramSample } from '../model/histogram.ts';
import { Block } from '../tsdb/block.ts';

/** An integer histogram of two buckets. */
export function histogramAt(time: number, i: number): HistogramSample {
  return {
    time,
    histogram: {
      kind: 'integer',
      hint: 'unknown',
      schema: 3,
      zeroThreshold: 2 ** -128,
      zeroCount: i,
      count: 3 * i + 4,
      sum: i,
      sumHigh: 0,
      sumLow: 0,
      positiveSpans: [{ offset: 1, length: 2 }],
      negativeSpans: [],
      positiveDeltas: [i, 4 - i > -i ? 4 : 0],
      negativeDeltas: [],
      customValues: [],
    },
  };
}

/** By path: checksums, which are short when they differ. */
export function filesOf(directory: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile())
      found.set(path.slice(directory.length), createHash('sha256').update(readFileSync(path)).digest('hex'));
  }
  return found;
}

/** Changes some bytes: of what the index says of its series, or of chunks, whose checksums mostly are made right again. */
export function damageBlock(random: Random, directory: string): void {
  const block = Block.open(directory);
  const { series, labelIndices } = block.index.toc;
  block.close();
  const isIndex = random(3) === 0;
  const path = join(directory, isIndex ? 'index' : 'chunks/000001');
  const bytes = readFileSync(path);
  const [from, to] = isIndex ? [series, labelIndices] : [8, bytes.length];
  for (let n = 1 + random(2); n > 0; n--) {
    const at = from + random(to - from);
    const stretch = 1 + random(Math.min(9, to - at));
    if (random(3) > 0) bytes[at] ^= 1 << random(8);
    else bytes.fill([0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)], at, at + (random(2) === 0 ? 1 : stretch));
  }
  if (random(5) > 0) reseal(bytes, from, to, isIndex);
  writeFileSync(path, bytes);
}

/** Makes the checksums of entries, or chunks, right again, up to one whose size cannot be read. */
function reseal(bytes: Uint8Array, from: number, to: number, isIndex: boolean): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = (at: number): number => (isIndex ? Math.ceil(at / 16) * 16 : at);
  for (let at = start(from); at < to; at = start(at)) {
    let size: number;
    try {
      size = readUvarint(bytes, at, bytes.length) + (isIndex ? 0 : 1);
    } catch {
      return;
    }
    const body = varintEnd;
    if (body + size + 4 > to) return;
    view.setUint32(body + size, crc32c(bytes, body, body + size));
    at = body + size + 4;
  }
}

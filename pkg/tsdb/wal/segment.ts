// The records of one segment, over random-access bytes. The bytes are drawn in format.ts.

import type { ByteSource } from '../../bytes/byte-source.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { decodeSnappy } from '../../bytes/snappy.ts';
import { decodeZstd } from '../../bytes/zstd.ts';
import { messageOf } from '../../errors/fault.ts';
import {
  FRAGMENT_HEADER_BYTES,
  FragmentKind,
  KIND_MASK,
  MAX_RECORD_BYTES,
  PAGE_BYTES,
  SNAPPY_FLAG,
  walDamage,
  ZSTD_FLAG,
} from './format.ts';

export interface StoredRecord {
  /** The record, uncompressed; good until the next one is asked for. */
  readonly bytes: Uint8Array;
  /** Where its first fragment begins in the segment, and where its last one ends. */
  readonly offset: number;
  readonly end: number;
}

/**
 * Reads a segment's records from its start on. `segment` is its number, for messages. What contradicts the format is
 * `corrupt`, with the segment and where the last good record ends among its facts; so is an end within a record.
 */
export function* readSegment(source: ByteSource, segment: number): Generator<StoredRecord> {
  const size = source.sizeBytes;
  /** The parts of a record that is not whole yet. */
  let parts: Uint8Array[] = [];
  let flags = 0;
  let offset = 0;
  /** Where the last good record ends. */
  let good = 0;
  let at = 0;
  while (at < size) {
    const pageEnd = Math.min(size, at - (at % PAGE_BYTES) + PAGE_BYTES);
    const head = source.read(at, Math.min(FRAGMENT_HEADER_BYTES, pageEnd - at));
    // The head is only lent: nothing of it is looked at once the data are read.
    const kindAndFlags = head[0];
    const kind = kindAndFlags & KIND_MASK;
    if (kindAndFlags === FragmentKind.pageEnd) {
      // The rest of the page must be zeros.
      if (!isZero(source.read(at, pageEnd - at))) throw walDamage(segment, good, `bytes after the end of a page`);
      if (parts.length > 0) throw walDamage(segment, good, 'a page ends within a record');
      at = pageEnd;
      continue;
    }
    if ((kindAndFlags & ~(KIND_MASK | SNAPPY_FLAG | ZSTD_FLAG)) !== 0 || kind > FragmentKind.last) {
      throw walDamage(segment, good, `there is no fragment of kind ${kindAndFlags}`);
    }
    if (head.length < FRAGMENT_HEADER_BYTES) throw walDamage(segment, good, 'it ends within a fragment');
    const length = (head[1] << 8) | head[2];
    const checksum = ((head[3] << 24) | (head[4] << 16) | (head[5] << 8) | head[6]) >>> 0;
    const dataAt = at + FRAGMENT_HEADER_BYTES;
    if (dataAt + length > at - (at % PAGE_BYTES) + PAGE_BYTES) {
      throw walDamage(segment, good, `a fragment of ${length} bytes does not fit its page`);
    }
    if (dataAt + length > size) throw walDamage(segment, good, 'it ends within a fragment');
    const data = source.read(dataAt, length);
    const actual = crc32c(data);
    if (actual !== checksum) {
      throw walDamage(segment, good, `checksum is ${actual.toString(16)}, expected ${checksum.toString(16)}`);
    }
    const isStart = kind === FragmentKind.full || kind === FragmentKind.first;
    if (isStart !== (parts.length === 0)) throw walDamage(segment, good, 'fragments of records are out of order');
    if (isStart) {
      offset = at;
      flags = kindAndFlags & ~KIND_MASK;
    } else if (flags !== (kindAndFlags & ~KIND_MASK)) {
      throw walDamage(segment, good, 'fragments of one record are compressed differently');
    }
    at = dataAt + length;
    if (kind === FragmentKind.full) {
      yield { bytes: uncompressed(data, flags, segment, good), offset, end: at };
      good = at;
      continue;
    }
    parts.push(data.slice());
    if (kind === FragmentKind.last) {
      const whole = joined(parts);
      parts = [];
      yield { bytes: uncompressed(whole, flags, segment, good), offset, end: at };
      good = at;
    }
  }
  if (parts.length > 0) throw walDamage(segment, good, 'it ends within a record');
}

function uncompressed(bytes: Uint8Array, flags: number, segment: number, good: number): Uint8Array {
  if (flags === 0) return bytes;
  try {
    if (flags === SNAPPY_FLAG) return decodeSnappy(bytes, MAX_RECORD_BYTES);
    if (flags === ZSTD_FLAG) return decodeZstd(bytes, MAX_RECORD_BYTES);
  } catch (thrown) {
    throw walDamage(segment, good, messageOf(thrown), thrown);
  }
  throw walDamage(segment, good, 'a record says that it is compressed in two ways');
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

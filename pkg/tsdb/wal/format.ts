// A segment of a write-ahead log: pages of 32 KiB, filled with fragments of records.
//
//   page      │ fragment │ fragment │ … │ zeros: less than a header is left, or the log went on in another segment │
//   fragment  │ kind u8 │ length u16 │ crc32c u32 of the data │ data │
//
//   kind      bits 0 to 2: 0 the rest of the page is zeros, 1 a whole record, 2 its first part, 3 a middle one, 4 the last
//             bit 3: the record is one snappy block, bit 4: one zstd frame; every part carries it
//
// A record never goes on in the next segment. Segments are called by eight digits from 00000000 without a gap.

import { Fault } from '../../errors/fault.ts';

export const PAGE_BYTES = 32 * 1024;
export const SEGMENT_BYTES = 128 * 1024 * 1024;
export const FRAGMENT_HEADER_BYTES = 7;

export const FragmentKind = { pageEnd: 0, full: 1, first: 2, middle: 3, last: 4 } as const;
export const KIND_MASK = 0x07;
export const SNAPPY_FLAG = 0x08;
export const ZSTD_FLAG = 0x10;

export type WalCompression = 'none' | 'snappy' | 'zstd';

/** A record is not made larger than this by uncompressing it. */
export const MAX_RECORD_BYTES = 256 * 1024 * 1024;

export function walSegmentName(segment: number): string {
  return String(segment).padStart(8, '0');
}

/** The number of a segment file; undefined for the name of something else. */
export function walSegmentNumber(name: string): number | undefined {
  return /^\d{8,}$/.test(name) ? Number(name) : undefined;
}

const checkpoint = /^checkpoint\.(\d{8,})$/;

export function checkpointName(lastSegment: number): string {
  return `checkpoint.${walSegmentName(lastSegment)}`;
}

/** The last segment that a checkpoint of this name stands for; undefined for the name of something else. */
export function checkpointNumber(name: string): number | undefined {
  const digits = checkpoint.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Damage of a log, with the place: its segment and where the good part of that ends. */
export function walDamage(segment: number, offset: number, what: string, cause?: unknown): Fault {
  return new Fault('corrupt', `log segment ${walSegmentName(segment)} at ${offset}: ${what}`, {
    cause,
    facts: { segment, offset },
  });
}

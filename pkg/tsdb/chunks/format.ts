// A chunk segment file, `chunks/000001` and so on: up to half a gigabyte of chunks, back to back.
//
//   ┌──────────────┬──────┬───────────────────────────────────────────────────────────┬─────┐
//   │ 85BD40DD u32 │ 01 │ 00 00 00 │ size uvarint │ encoding u8 │ data │ crc32c u32 │ ... │
//   └──────────────┴──────┴───────────────────────────────────────────────────────────┴─────┘
//
// `size` counts the data alone; the checksum is over encoding and data. References point at the size.

export const SEGMENT_MAGIC = 0x85bd40dd;
export const SEGMENT_VERSION = 1;
export const SEGMENT_HEADER_SIZE = 8;
export const MAX_SEGMENT_SIZE = 512 * 1024 * 1024;
/** The size field takes at most this. */
export const MAX_CHUNK_SIZE_BYTES = 5;
/** Encoding byte and checksum. */
export const CHUNK_OVERHEAD = 5;

/** The name of a segment by its number from 0. */
export function segmentName(segment: number): string {
  return String(segment + 1).padStart(6, '0');
}

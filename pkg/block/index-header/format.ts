// The local index-header: what a gateway needs of a block's index to find postings and resolve symbols, copied verbatim
// out of the index by ranged reads. Big-endian throughout.
//
//   ┌──────────────┬───────────┬─────────────────┬──────────────────────────────────────────┐
//   │ BAAAD792 u32 │ version 1 │ index version 1 │ end of the last postings section u64     │  14 bytes
//   ├──────────────┴───────────┴─────────────────┴──────────────────────────────────────────┤
//   │ the index's bytes [toc.symbols, toc.series): length u32, count u32, symbols, crc32c   │
//   ├───────────────────────────────────────────────────────────────────────────────────────┤
//   │ the index's bytes [toc.postingsTable, end): the table, then the index's own 52-byte toc │
//   ├──────────────────────────────────┬──────────────────────────────────┬─────────────────┤
//   │ symbols' offset in this file u64 │ table's offset in this file u64  │ crc32c u32      │  20 bytes
//   └──────────────────────────────────┴──────────────────────────────────┴─────────────────┘
//
// The table of an index of version 1, which may be in any order, is sorted on the way: what reads such a table reads it in
// this order too. The second crc32c covers the 16 bytes before it. An index's toc is six u64 offsets and a crc32c of them.

import { ByteWriter } from '../../bytes/writer.ts';
import { Fault } from '../../errors/fault.ts';

export const HEADER_MAGIC = 0xbaaad792;
export const HEADER_VERSION = 1;
export const HEADER_PREFIX_BYTES = 14;
export const HEADER_TOC_BYTES = 20;

/** Refuses, as the reference does, what is not an index of version 1 or 2; version 1 is of Prometheus before 2.0. */
export function checkIndexVersion(version: number): number {
  if (version === 1 || version === 2) return version;
  throw new Fault('unsupported', `index version ${version} is not supported, only versions 1 and 2 are`);
}

/** The first 14 bytes of a header. */
export function headerPrefix(indexVersion: number, postingsEnd: number): Uint8Array {
  const writer = new ByteWriter(HEADER_PREFIX_BYTES);
  writer.be32(HEADER_MAGIC);
  writer.u8(HEADER_VERSION);
  writer.u8(indexVersion);
  writer.be64(postingsEnd);
  return writer.copy();
}

/** The last 20 bytes of a header whose symbols take `symbolsBytes`. */
export function headerToc(symbolsBytes: number): Uint8Array {
  const writer = new ByteWriter(HEADER_TOC_BYTES);
  writer.be64(HEADER_PREFIX_BYTES);
  writer.be64(HEADER_PREFIX_BYTES + symbolsBytes);
  writer.checksum(0);
  return writer.copy();
}

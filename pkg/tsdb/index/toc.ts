// The table of contents, the last 52 bytes of an index: six absolute offsets, u64 each, and their crc32c.
//
//   symbols │ series │ label indices │ label offset table │ postings │ posting offset table │ crc32c u32
//
// `series` and `postings` point before the padding that aligns what follows. The label index fields are a relic.

import { ByteReader } from '../../bytes/reader.ts';
import type { ByteWriter } from '../../bytes/writer.ts';
import { Fault } from '../../errors/fault.ts';

export const TOC_SIZE = 52;

export interface Toc {
  readonly symbols: number;
  readonly series: number;
  readonly labelIndices: number;
  readonly labelOffsetTable: number;
  readonly postings: number;
  readonly postingOffsetTable: number;
}

/** Reads the last 52 bytes of a file of `fileSize` bytes and checks that the parts lie in it, in order. */
export function parseToc(bytes: Uint8Array, fileSize: number): Toc {
  if (bytes.length !== TOC_SIZE) throw new Fault('corrupt', `index of ${fileSize} bytes has no table of contents`);
  const reader = new ByteReader(bytes);
  // First of all: what is no index at all should be called so, not by what its first number happens to be.
  new ByteReader(bytes, TOC_SIZE - 4).checksum('index table of contents', 0, TOC_SIZE - 4);
  const toc: Toc = {
    symbols: reader.be64(),
    series: reader.be64(),
    labelIndices: reader.be64(),
    labelOffsetTable: reader.be64(),
    postings: reader.be64(),
    postingOffsetTable: reader.be64(),
  };
  const end = fileSize - TOC_SIZE;
  if (
    toc.symbols > toc.series ||
    toc.series > toc.labelIndices ||
    toc.labelIndices > end ||
    toc.series > toc.postings ||
    toc.postings > toc.postingOffsetTable ||
    toc.postingOffsetTable > end
  ) {
    throw new Fault('corrupt', 'index table of contents points outside of its parts');
  }
  return toc;
}

/** Writes the table with its checksum. */
export function writeToc(writer: ByteWriter, toc: Toc): void {
  const from = writer.length;
  writer.be64(toc.symbols);
  writer.be64(toc.series);
  writer.be64(toc.labelIndices);
  writer.be64(toc.labelOffsetTable);
  writer.be64(toc.postings);
  writer.be64(toc.postingOffsetTable);
  writer.checksum(from);
}

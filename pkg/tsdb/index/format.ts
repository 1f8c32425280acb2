// The index file: which series a block has, where their chunks are, and which series carry a label pair.
//
//   ┌──────────────────────────────┬───────┐
//   │ BAAAD700 u32 │ version u8    │ 0     │
//   ├──────────────────────────────┤ 5     │
//   │ symbol table                 │       │  symbols.ts
//   │ zeros up to 16               │       │
//   ├──────────────────────────────┤       │
//   │ series entries, each at 16·n │       │  series-entry.ts; a series' id is n
//   │ zeros up to 4                │       │
//   ├──────────────────────────────┤       │
//   │ posting lists, each at 4·n   │       │  posting-list.ts; the first is of all series
//   ├──────────────────────────────┤       │
//   │ posting offset table         │       │  offset-table.ts
//   ├──────────────────────────────┤       │
//   │ table of contents            │ -52   │  toc.ts
//   └──────────────────────────────┴───────┘
//
// Symbol table, posting lists and offset table are sections: length u32, body, crc32c u32 of the body. Old files have
// two more sections that nothing reads.
//
// In version 1, of Prometheus before 2.0, a series' id is the offset of its entry, series need not be aligned, symbols are
// referred to by their offset in the file, and the posting offset table is in any order. Nobody writes it any more.

import { Fault } from '../../errors/fault.ts';

export const INDEX_MAGIC = 0xbaaad700;
export const INDEX_VERSION = 2;
export const INDEX_HEADER_SIZE = 5;
export const SERIES_ALIGNMENT = 16;
export const POSTINGS_ALIGNMENT = 4;
/** A section's length field and its checksum. */
export const SECTION_OVERHEAD = 8;
/** Of how many symbols, and of how many values of a name, readers keep one position in memory. */
export const SAMPLING = 32;

/** Checks the file's first five bytes, `corrupt` when they are no index; gives the version, 1 to 3. */
export function checkIndexHeader(bytes: Uint8Array): number {
  if (bytes.length < INDEX_HEADER_SIZE) throw new Fault('corrupt', `index of ${bytes.length} bytes has no header`);
  const magic = ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
  if (magic !== INDEX_MAGIC) throw new Fault('corrupt', `index starts with ${magic.toString(16)}, not baaad700`);
  const version = bytes[4];
  // Version 3 reads as version 2 does.
  if (version < 1 || version > 3) throw new Fault('corrupt', `index has unknown version ${version}`);
  return version;
}

/** The next multiple of `alignment`. */
export function aligned(offset: number, alignment: number): number {
  const over = offset % alignment;
  return over === 0 ? offset : offset + alignment - over;
}

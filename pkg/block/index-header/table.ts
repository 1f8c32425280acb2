// The postings offset table of an index-header, read entry by entry through the page cache.
//
//   ┌────────────┬───────────┬─────────────────────────────────────────────────────┬─────┬────────────┐
//   │ length u32 │ count u32 │ uvarint 2 │ name str │ value str │ offset uvarint    │ ... │ crc32c u32 │
//   └────────────┴───────────┴─────────────────────────────────────────────────────┴─────┴────────────┘
//
// `offset` is where the list's section starts in the index. Entries are sorted by name and value, as the sections are.

import { readUvarint, varintEnd } from '../../bytes/varint.ts';
import { Fault } from '../../errors/fault.ts';
import type { PageCache, PagedFile } from './page-cache.ts';

/** A longer entry than this is refused rather than read into memory. */
const LONGEST_ENTRY_BYTES = 256 * 1024 * 1024;
const FIRST_REFILL_BYTES = 1024;

/** Steps over entries. After `next` the name and value of the entry are byte ranges of `bytes`, valid until the next step. */
export class TableCursor {
  bytes: Uint8Array = new Uint8Array(0);
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Where the entry's list starts in the index. */
  offset = 0;
  /** Where in the file the entry starts. */
  position: number;
  readonly #pages: PageCache;
  readonly #file: PagedFile;
  /** Where in the file the entries end. */
  readonly #end: number;
  /** Where in the file `bytes` starts. */
  #base: number;
  #at = 0;

  constructor(pages: PageCache, file: PagedFile, position: number, end: number) {
    this.#pages = pages;
    this.#file = file;
    this.position = position;
    this.#base = position;
    this.#end = end;
  }

  /** False at the end of the table. */
  next(): boolean {
    this.position = this.#base + this.#at;
    if (this.position >= this.#end) return false;
    if (this.#at >= this.bytes.length) this.#show(this.#pages.restOfPage(this.#file, this.position, this.#end));
    for (let refill = FIRST_REFILL_BYTES; ; refill *= 4) {
      if (this.#decode()) return true;
      // The entry crosses a page's end: show the decoder a copy of what surrounds the border.
      const left = this.#end - this.position;
      if (this.bytes.length - this.#at >= left || this.bytes.length - this.#at > LONGEST_ENTRY_BYTES) {
        throw new Fault('corrupt', `${this.#file.path}: postings table ends inside an entry at ${this.position}`);
      }
      this.#show(this.#pages.read(this.#file, this.position, Math.min(left, refill)));
    }
  }

  #show(bytes: Uint8Array): void {
    this.#base = this.position;
    this.#at = 0;
    this.bytes = bytes;
  }

  /** False when the bytes at hand end before the entry does. */
  #decode(): boolean {
    const { bytes } = this;
    const end = bytes.length;
    const at = this.#at;
    if (bytes[at] !== 2)
      throw new Fault('corrupt', `${this.#file.path}: postings table entry at ${this.position} is not a pair`);
    if (end - at < 3) return false;
    const nameLength = length(bytes, at + 1, end);
    if (nameLength < 0 || varintEnd + nameLength >= end) return false;
    this.nameStart = varintEnd;
    this.nameEnd = varintEnd + nameLength;
    const valueLength = length(bytes, this.nameEnd, end);
    if (valueLength < 0 || varintEnd + valueLength >= end) return false;
    this.valueStart = varintEnd;
    this.valueEnd = varintEnd + valueLength;
    const offset = length(bytes, this.valueEnd, end);
    if (offset < 0) return false;
    this.offset = offset;
    this.#at = varintEnd;
    return true;
  }
}

/** A varint, or -1 when the bytes end inside it. */
function length(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && bytes[i] >= 0x80 && i - at < 10) i++;
  return i >= end ? -1 : readUvarint(bytes, at, end);
}

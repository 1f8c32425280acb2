// Symbols of an index-header by number: every 32nd offset is kept, strings are decoded in groups of 32 when first asked
// for and kept until a budget is used up.

import { compareUtf8 } from '../../bytes/compare.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { decodeUtf8 } from '../../bytes/utf8.ts';
import { readUvarint, varintEnd } from '../../bytes/varint.ts';
import { Fault } from '../../errors/fault.ts';
import type { PageCache, PagedFile } from './page-cache.ts';

export const SYMBOLS_PER_GROUP = 32;

/** Gives equal strings the same object, so that comparing them later is comparing pointers. */
export type Intern = (text: string) => string;

export class SymbolReader {
  readonly count: number;
  readonly #pages: PageCache;
  readonly #file: PagedFile;
  readonly #intern: Intern;
  /** Where in the file each group of 32 starts, and at the end where the last one stops. */
  readonly #groupStarts: Float64Array;
  readonly #groups: (readonly string[] | undefined)[] = [];
  readonly #budgetBytes: number;
  #decodedBytes = 0;

  /** Passes over the section `length u32 | count u32 | strings | crc32c u32`, given whole, and verifies it. */
  constructor(
    pages: PageCache,
    file: PagedFile,
    sectionStart: number,
    section: Uint8Array,
    intern: Intern,
    budgetBytes: number,
  ) {
    this.#pages = pages;
    this.#file = file;
    this.#intern = intern;
    this.#budgetBytes = budgetBytes;
    const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
    const bodyEnd = section.length < 12 ? -1 : 4 + view.getUint32(0);
    if (bodyEnd < 8 || bodyEnd + 4 > section.length) throw new Fault('corrupt', `${file.path}: symbols end early`);
    if (crc32c(section, 4, bodyEnd) !== view.getUint32(bodyEnd)) {
      throw new Fault('corrupt', `${file.path}: symbols: checksum differs`);
    }
    this.count = view.getUint32(4);
    if (this.count > bodyEnd - 8) throw new Fault('corrupt', `${file.path}: ${this.count} symbols do not fit`);
    const starts = new Float64Array(Math.ceil(this.count / SYMBOLS_PER_GROUP) + 1);
    let at = 8;
    for (let i = 0; i < this.count; i++) {
      if (i % SYMBOLS_PER_GROUP === 0) starts[i / SYMBOLS_PER_GROUP] = sectionStart + at;
      const length = readUvarint(section, at, bodyEnd);
      at = varintEnd + length;
      if (at > bodyEnd) throw new Fault('corrupt', `${file.path}: symbol ${i} ends after the symbols do`);
    }
    starts[starts.length - 1] = sectionStart + at;
    this.#groupStarts = starts;
    this.#groups.length = starts.length - 1;
  }

  get memoryBytes(): number {
    return this.#groupStarts.byteLength + this.#groups.length * 8 + this.#decodedBytes;
  }

  /** The symbol of a number; `corrupt` when there is none. */
  get(id: number): string {
    return this.group(id)[id % SYMBOLS_PER_GROUP];
  }

  /** The 32 symbols around one, from the multiple of 32 at or below it; the last group may be shorter. */
  group(id: number): readonly string[] {
    const index = Math.floor(id / SYMBOLS_PER_GROUP);
    const known = this.#groups[index];
    if (known !== undefined && id < this.count) return known;
    if (!(id < this.count)) throw new Fault('corrupt', `${this.#file.path}: no symbol ${id}, there are ${this.count}`);
    return this.#load(index);
  }

  /**
   * Where a text stands among the symbols: the number of symbols before it, and whether it is one itself. Symbols
   * ascend by UTF-8 bytes, so numbers of one block compare as their texts do.
   */
  rank(text: string): { readonly id: number; readonly found: boolean } {
    let low = 0;
    let high = this.#groups.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(this.get(middle * SYMBOLS_PER_GROUP), text) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return { id: 0, found: false };
    const first = (low - 1) * SYMBOLS_PER_GROUP;
    const group = this.group(first);
    let i = 0;
    while (i < group.length && compareUtf8(group[i], text) < 0) i++;
    return { id: first + i, found: group[i] === text };
  }

  /** The number of the symbol that starts at an offset of the file; `corrupt` when none does. */
  numberAt(offset: number): number {
    const starts = this.#groupStarts;
    let low = 0;
    let high = this.#groups.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && offset < starts[low]) {
      const from = starts[low - 1];
      const bytes = this.#pages.read(this.#file, from, offset - from);
      let at = 0;
      for (let id = (low - 1) * SYMBOLS_PER_GROUP; at <= offset - from; id++) {
        if (at === offset - from) return id;
        const length = readUvarint(bytes, at, bytes.length);
        at = varintEnd + length;
      }
    }
    throw new Fault('corrupt', `${this.#file.path}: no symbol starts at ${offset}`);
  }

  #load(index: number): readonly string[] {
    const from = this.#groupStarts[index];
    const bytes = this.#pages.read(this.#file, from, this.#groupStarts[index + 1] - from);
    const count = Math.min(SYMBOLS_PER_GROUP, this.count - index * SYMBOLS_PER_GROUP);
    const group: string[] = [];
    let at = 0;
    for (let i = 0; i < count; i++) {
      const length = readUvarint(bytes, at, bytes.length);
      const start = varintEnd;
      at = start + length;
      if (at > bytes.length) throw new Fault('corrupt', `${this.#file.path}: symbols changed on disk`);
      group.push(this.#intern(decodeUtf8(bytes, start, at)));
    }
    // Two bytes a character at worst, and what an entry and its string cost.
    const cost = bytes.length + count * 40;
    if (this.#decodedBytes + cost > this.#budgetBytes) {
      this.#groups.fill(undefined);
      this.#decodedBytes = 0;
    }
    this.#groups[index] = group;
    this.#decodedBytes += cost;
    return group;
  }
}

// Answers from an index-header file: label names and values, where the postings of a pair lie in the index, symbols.
//
// In memory stay, for each label name, the first, every 32nd and the last value with its place in the table; everything
// else is read through the page cache. A lookup is a binary search among the kept values and a walk over 32 entries.

import { statSync } from 'node:fs';
import { compareUtf8 } from '../../bytes/compare.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { ByteReader } from '../../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../../bytes/utf8.ts';
import { during, Fault } from '../../errors/fault.ts';
import { SERIES_ALIGNMENT } from '../../tsdb/index/format.ts';
import { parseToc, TOC_SIZE, type Toc } from '../../tsdb/index/toc.ts';
import { checkIndexVersion, HEADER_MAGIC, HEADER_PREFIX_BYTES, HEADER_TOC_BYTES, HEADER_VERSION } from './format.ts';
import { type PageCache, type PagedFile, readFully } from './page-cache.ts';
import { type Intern, SymbolReader } from './symbol-reader.ts';
import { TableCursor } from './table.ts';

const SAMPLING = 32;

export interface ReaderOptions {
  /** Most bytes of decoded symbols this reader keeps. */
  readonly symbolBudgetBytes?: number;
  readonly intern?: Intern;
}

/** The largest answer of `labelValues` that is kept, and all of a reader together, about. */
const KEPT_LIST_BYTES = 32 * 1024;
const KEPT_LISTS_BYTES = 128 * 1024;

/** The kept values of one label name. */
interface NameEntry {
  readonly values: string[];
  /** Where in the file the entries of `values` start. */
  readonly positions: number[];
  valueCount: number;
}

export class IndexHeaderReader {
  readonly indexVersion: number;
  /** A series' id times this is the offset of its entry in the index. */
  readonly seriesUnit: number;
  /** The index's own table of contents. */
  readonly toc: Toc;
  readonly symbols: SymbolReader;
  readonly #pages: PageCache;
  readonly #file: PagedFile;
  readonly #names: Map<string, NameEntry>;
  readonly #postingsEnd: number;
  readonly #tableEnd: number;
  /** Symbols lie so much further on in this file than in the index. */
  readonly #symbolShift: number;
  /** Version 1 only: where each list starts, ascending; the order of the table says nothing about it. */
  readonly #listStarts: Float64Array | undefined;
  #sampleBytes = 0;
  /** Whole answers of `labelValues`, which dashboards ask for again and again. */
  readonly #valueLists = new Map<string, readonly string[]>();
  #valueListBytes = 0;

  /** Reads the whole file once and verifies its checksums: `corrupt` tells that the header should be built again. */
  static open(path: string, pages: PageCache, options: ReaderOptions = {}): IndexHeaderReader {
    const file = pages.open(path, statSync(path).size);
    try {
      return new IndexHeaderReader(file, pages, options);
    } catch (thrown) {
      pages.close(file);
      throw during(`open index-header ${path}`, thrown);
    }
  }

  private constructor(file: PagedFile, pages: PageCache, options: ReaderOptions) {
    this.#file = file;
    this.#pages = pages;
    const size = file.sizeBytes;
    if (size < HEADER_PREFIX_BYTES + TOC_SIZE + HEADER_TOC_BYTES) throw new Fault('corrupt', 'the file is too short');
    const prefix = new ByteReader(readFully(file, 0, HEADER_PREFIX_BYTES));
    if (prefix.be32() !== HEADER_MAGIC) throw new Fault('corrupt', 'not an index-header');
    const version = prefix.u8();
    if (version !== HEADER_VERSION) throw new Fault('unsupported', `index-header version ${version}`);
    this.indexVersion = checkIndexVersion(prefix.u8());
    this.seriesUnit = this.indexVersion === 1 ? 1 : SERIES_ALIGNMENT;
    this.#postingsEnd = prefix.be64();

    const end = new ByteReader(readFully(file, size - HEADER_TOC_BYTES, HEADER_TOC_BYTES));
    const symbolsStart = end.be64();
    const tableStart = end.be64();
    end.checksum('index-header table of contents', 0, HEADER_TOC_BYTES - 4);
    const tocStart = size - HEADER_TOC_BYTES - TOC_SIZE;
    if (symbolsStart > tableStart || tableStart > tocStart)
      throw new Fault('corrupt', 'sections lie outside of the file');
    this.toc = parseToc(readFully(file, tocStart, TOC_SIZE), Number.MAX_SAFE_INTEGER);

    this.symbols = new SymbolReader(
      pages,
      file,
      symbolsStart,
      readFully(file, symbolsStart, tableStart - symbolsStart),
      options.intern ?? ((text) => text),
      options.symbolBudgetBytes ?? 16 * 1024 * 1024,
    );
    this.#tableEnd = this.#checkTable(tableStart, tocStart);
    this.#symbolShift = symbolsStart - this.toc.symbols;
    const listStarts: number[] | undefined = this.indexVersion === 1 ? [] : undefined;
    this.#names = this.#sampleTable(tableStart + 8, listStarts);
    this.#listStarts = listStarts && Float64Array.from(listStarts).sort();
  }

  /** What stays in memory for this reader, about. */
  get memoryBytes(): number {
    return this.symbols.memoryBytes + this.#sampleBytes + this.#valueListBytes + (this.#listStarts?.byteLength ?? 0);
  }

  /** Makes symbols that a series of this index refers to into numbers, which they are but for version 1. */
  numberSymbols(refs: Uint32Array, count: number): void {
    if (this.indexVersion !== 1) return;
    for (let i = 0; i < count; i++) refs[i] = this.symbols.numberAt(refs[i] + this.#symbolShift);
  }

  close(): void {
    this.#pages.close(this.#file);
  }

  /** All label names in byte order, without the empty one of the list of all series. */
  labelNames(): string[] {
    return [...this.#names.keys()].filter((name) => name !== '');
  }

  hasLabel(name: string): boolean {
    return this.#names.has(name);
  }

  /** How many values a label name has; 0 when it is not there. */
  valueCount(name: string): number {
    return this.#names.get(name)?.valueCount ?? 0;
  }

  /** All values of a label name in byte order; none when the name is not there. The list is shared: do not change it. */
  labelValues(name: string): readonly string[] {
    const known = this.#valueLists.get(name);
    if (known !== undefined) return known;
    const values: string[] = [];
    let sizeBytes = 0;
    this.scanValues(name, '', (value) => {
      values.push(value);
      sizeBytes += value.length + 24;
    });
    // Names that are not in the block are as many as callers care to ask for.
    if (sizeBytes > 0 && sizeBytes <= KEPT_LIST_BYTES && this.#valueListBytes + sizeBytes <= KEPT_LISTS_BYTES) {
      this.#valueLists.set(name, values);
      this.#valueListBytes += sizeBytes;
    }
    return values;
  }

  /**
   * Visits the values of a label name that start with `prefix`, in byte order, each with where its list lies in the
   * index: [start, end) begins at the list's count; the end may include padding.
   */
  scanValues(name: string, prefix: string, visit: (value: string, start: number, end: number) => void): void {
    const entry = this.#names.get(name);
    if (entry === undefined) return;
    const cursor = this.#cursorAt(entry, prefix);
    let remaining = entry.valueCount;
    let value: string | undefined;
    let start = 0;
    // An entry's end is the next entry's start, so each is visited one step late.
    while (cursor.next()) {
      if (value !== undefined) {
        visit(value, start + 4, this.#listEnd(start, cursor.offset));
        value = undefined;
      }
      if (remaining-- === 0 || decodeUtf8(cursor.bytes, cursor.nameStart, cursor.nameEnd) !== name) return;
      const text = decodeUtf8(cursor.bytes, cursor.valueStart, cursor.valueEnd);
      if (!text.startsWith(prefix)) {
        if (compareUtf8(text, prefix) > 0) return;
        continue;
      }
      value = text;
      start = cursor.offset;
    }
    if (value !== undefined) visit(value, start + 4, this.#listEnd(start, this.#postingsEnd));
  }

  /** Where the list of a pair lies in the index: [start, end) from its count on. Undefined when there is none. */
  postingsRange(name: string, value: string): { readonly start: number; readonly end: number } | undefined {
    const entry = this.#names.get(name);
    if (entry === undefined) return undefined;
    const cursor = this.#cursorAt(entry, value);
    const wantedName = encodeUtf8(name);
    const wanted = encodeUtf8(value);
    // The first entry at or after the value is within the stretch that the kept values bound.
    for (let steps = 0; steps <= SAMPLING && cursor.next(); steps++) {
      if (!equal(cursor.bytes, cursor.nameStart, cursor.nameEnd, wantedName)) return undefined;
      const order = compareBytes(cursor.bytes, cursor.valueStart, cursor.valueEnd, wanted);
      if (order > 0) return undefined;
      if (order < 0) continue;
      const start = cursor.offset;
      return { start: start + 4, end: this.#listEnd(start, cursor.next() ? cursor.offset : this.#postingsEnd) };
    }
    return undefined;
  }

  /**
   * As `postingsRange` for many values, which come in byte order: start and end in turn, -1 and -1 where there is none.
   * Neighbouring values are found by walking on, so that asking for all values is one pass.
   */
  postingsRanges(name: string, values: readonly string[]): Float64Array {
    const ranges = new Float64Array(values.length * 2).fill(-1);
    const entry = this.#names.get(name);
    if (entry === undefined) return ranges;
    // Lookups cost about half a group each; from there on a pass over everything is as cheap.
    if (values.length * SAMPLING < entry.valueCount) {
      values.forEach((value, i) => {
        const range = this.postingsRange(name, value);
        if (range !== undefined) ranges.set([range.start, range.end], i * 2);
      });
      return ranges;
    }
    let i = 0;
    this.scanValues(name, '', (value, start, end) => {
      while (i < values.length && compareUtf8(values[i], value) < 0) i++;
      for (; i < values.length && values[i] === value; i++) ranges.set([start, end], i * 2);
    });
    return ranges;
  }

  /** A cursor at the last kept value that is not after `value`. */
  #cursorAt(entry: NameEntry, value: string): TableCursor {
    const { values } = entry;
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(values[middle], value) <= 0) low = middle + 1;
      else high = middle;
    }
    const position = entry.positions[Math.max(0, low - 1)];
    return new TableCursor(this.#pages, this.#file, position, this.#tableEnd);
  }

  #listEnd(start: number, following: number): number {
    const next = this.#listStarts === undefined ? following : this.#startAfter(this.#listStarts, start);
    if (next < start + 12) throw new Fault('corrupt', `${this.#file.path}: postings lists overlap at ${next}`);
    return next - 4;
  }

  #startAfter(starts: Float64Array, start: number): number {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= start) low = middle + 1;
      else high = middle;
    }
    return low < starts.length ? starts[low] : this.#postingsEnd;
  }

  /** Verifies the table's checksum; gives where its entries end. */
  #checkTable(tableStart: number, tocStart: number): number {
    const bodyStart = tableStart + 4;
    if (bodyStart + 8 > tocStart) throw new Fault('corrupt', 'the postings table is cut off');
    const length = new DataView(readFully(this.#file, tableStart, 4).buffer).getUint32(0);
    const bodyEnd = bodyStart + length;
    if (length < 4 || bodyEnd + 4 > tocStart) throw new Fault('corrupt', 'the postings table is cut off');
    let crc = 0;
    const step = 1024 * 1024;
    for (let at = bodyStart; at < bodyEnd; at += step) {
      crc = crc32c(readFully(this.#file, at, Math.min(step, bodyEnd - at)), undefined, undefined, crc);
    }
    const stored = new DataView(readFully(this.#file, bodyEnd, 4).buffer).getUint32(0);
    if (crc !== stored) throw new Fault('corrupt', 'postings table: checksum differs');
    return bodyEnd;
  }

  /** Also gives where lists start to `listStarts`. */
  #sampleTable(entriesStart: number, listStarts: number[] | undefined): Map<string, NameEntry> {
    const names = new Map<string, NameEntry>();
    const cursor = new TableCursor(this.#pages, this.#file, entriesStart, this.#tableEnd);
    let nameBytes: Uint8Array = new Uint8Array(0);
    let entry: NameEntry | undefined;
    let lastValue: Uint8Array = new Uint8Array(0);
    let lastPosition = -1;
    const keep = (into: NameEntry, value: Uint8Array, position: number): void => {
      into.values.push(decodeUtf8(value));
      into.positions.push(position);
      this.#sampleBytes += value.length + 64;
    };
    const closeName = (): void => {
      if (entry !== undefined && entry.positions.at(-1) !== lastPosition) keep(entry, lastValue, lastPosition);
    };
    while (cursor.next()) {
      const value = cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd);
      if (entry === undefined || !equal(cursor.bytes, cursor.nameStart, cursor.nameEnd, nameBytes)) {
        closeName();
        if (entry !== undefined && compareBytes(cursor.bytes, cursor.nameStart, cursor.nameEnd, nameBytes) < 0) {
          throw new Fault('corrupt', `postings table is not sorted at ${cursor.position}`);
        }
        nameBytes = cursor.bytes.slice(cursor.nameStart, cursor.nameEnd);
        entry = { values: [], positions: [], valueCount: 0 };
        names.set(decodeUtf8(nameBytes), entry);
        this.#sampleBytes += nameBytes.length + 200;
      } else if (compareBytes(cursor.bytes, cursor.valueStart, cursor.valueEnd, lastValue) <= 0) {
        throw new Fault('corrupt', `postings table is not sorted at ${cursor.position}`);
      }
      if (entry.valueCount % SAMPLING === 0) keep(entry, value, cursor.position);
      entry.valueCount++;
      listStarts?.push(cursor.offset);
      lastValue = value;
      lastPosition = cursor.position;
    }
    closeName();
    return names;
  }
}

function equal(bytes: Uint8Array, from: number, to: number, wanted: Uint8Array): boolean {
  return to - from === wanted.length && compareBytes(bytes, from, to, wanted) === 0;
}

function compareBytes(bytes: Uint8Array, from: number, to: number, other: Uint8Array): number {
  const length = Math.min(to - from, other.length);
  for (let i = 0; i < length; i++) {
    const order = bytes[from + i] - other[i];
    if (order !== 0) return order;
  }
  return to - from - other.length;
}

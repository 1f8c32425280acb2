// An index over random-access bytes: symbols and posting offsets are kept in memory, series and lists are read as asked.

import type { ByteSource } from '../../bytes/byte-source.ts';
import { during, Fault } from '../../errors/fault.ts';
import { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { aligned, checkIndexHeader, INDEX_HEADER_SIZE, SECTION_OVERHEAD, SERIES_ALIGNMENT } from './format.ts';
import { matchPostings, planMatch } from './match.ts';
import { PostingOffsetTable } from './offset-table.ts';
import { readPostingList } from './posting-list.ts';
import { intersect, NO_POSTINGS } from './postings.ts';
import { decodeSeriesEntry, MAX_SERIES_SIZE_BYTES, type SeriesEntry, seriesEntrySize } from './series-entry.ts';
import { SeriesScan, type SeriesScanOptions } from './series-scan.ts';
import { sortOffsetTable } from './sort-offset-table.ts';
import { SymbolTable } from './symbols.ts';
import { parseToc, TOC_SIZE, type Toc } from './toc.ts';

export class IndexReader {
  readonly symbols: SymbolTable;
  readonly offsets: PostingOffsetTable;
  readonly toc: Toc;
  /** A series' id times this is the offset of its entry. */
  readonly seriesUnit: number;
  readonly #source: ByteSource;
  readonly #isFirstVersion: boolean;

  /**
   * Opens the index of any version, whose source stays in use. `corrupt` when its parts contradict each other or a checksum
   * differs.
   */
  constructor(source: ByteSource) {
    const size = source.sizeBytes;
    this.#source = source;
    this.#isFirstVersion = checkIndexHeader(source.read(0, Math.min(size, INDEX_HEADER_SIZE))) === 1;
    this.seriesUnit = this.#isFirstVersion ? 1 : SERIES_ALIGNMENT;
    const tocSize = Math.min(size, TOC_SIZE);
    this.toc = parseToc(source.read(size - tocSize, tocSize), size);
    this.symbols = new SymbolTable(this.#section(this.toc.symbols, this.toc.series).slice());
    const tableAt = this.toc.postingOffsetTable;
    const table = this.#section(tableAt, size - TOC_SIZE);
    this.offsets = new PostingOffsetTable(this.#isFirstVersion ? sortOffsetTable(table) : table.slice(), 0, tableAt);
    for (const name of this.offsets.names()) {
      if (this.symbols.indexOf(name) < 0) throw new Fault('corrupt', `label name ${name} is not a symbol of its index`);
    }
  }

  /** Label names in order. */
  labelNames(): string[] {
    return this.offsets.names();
  }

  /** Values of a name in order. */
  labelValues(name: string): string[] {
    return name === '' ? [] : this.offsets.values(name);
  }

  /** The ids of series that carry a pair; the empty pair is carried by all. The array is yours. */
  postings(name: string, value: string): Uint32Array {
    const range = this.offsets.find(name, value);
    if (range === undefined) return NO_POSTINGS;
    // In any order the next entry says nothing about where a list ends.
    if (this.#isFirstVersion) return readPostingList(this.#section(range.start, this.toc.postingOffsetTable));
    if (range.start < this.toc.postings || range.end < range.start) {
      throw new Fault('corrupt', `posting list at ${range.start} is outside of its part of the index`);
    }
    return readPostingList(this.#source.read(range.start, range.end - range.start));
  }

  /** The ids of series that match every matcher, ascending, which is label order. */
  match(matchers: readonly Matcher[]): Uint32Array {
    const plan = planMatch(matchers, { valuesOf: (name, prefix) => this.#valuesFrom(name, prefix) });
    return matchPostings(plan, (name, value) => this.postings(name, value));
  }

  /** Decodes the entry of a series into `into`; with `allowsDisorder` also one whose chunks are not in order of time. */
  series(id: number, into: SeriesEntry, allowsDisorder = false): void {
    const offset = id * this.seriesUnit;
    const { series, labelIndices } = this.toc;
    if (offset < series || offset >= labelIndices) throw new Fault('corrupt', `series ${id} is outside of the index`);
    const head = this.#source.read(offset, Math.min(MAX_SERIES_SIZE_BYTES, labelIndices - offset));
    const size = seriesEntrySize(head, 0);
    if (offset + size > labelIndices) throw new Fault('corrupt', `series ${id} reaches past the series of the index`);
    try {
      decodeSeriesEntry(this.#source.read(offset, size), 0, into, size, true, allowsDisorder);
      if (this.#isFirstVersion) this.#toOrdinals(into);
    } catch (thrown) {
      throw during(`read series ${id}`, thrown);
    }
  }

  #toOrdinals({ labelRefs, labelCount }: SeriesEntry): void {
    for (let i = 0; i < 2 * labelCount; i++) labelRefs[i] = this.symbols.ordinalAt(labelRefs[i] - this.toc.symbols);
  }

  /** The labels of an entry that `series` decoded. `corrupt` when they are not sorted by name. */
  labels(entry: SeriesEntry): Labels {
    const flat: string[] = new Array(2 * entry.labelCount);
    for (let i = 0; i < flat.length; i++) flat[i] = this.symbols.get(entry.labelRefs[i]);
    // Symbols are in byte order, so the order of names is that of their references.
    for (let i = 2; i < flat.length; i += 2) {
      if (entry.labelRefs[i] <= entry.labelRefs[i - 2]) throw new Fault('corrupt', `label ${flat[i]} is out of order`);
    }
    return Labels.fromSorted(flat);
  }

  /** Label names of the series with these ids, in order. */
  labelNamesOf(ids: Uint32Array, scratch: SeriesEntry): string[] {
    const refs = new Set<number>();
    for (const id of ids) {
      this.series(id, scratch);
      for (let i = 0; i < scratch.labelCount; i++) refs.add(scratch.labelRefs[2 * i]);
    }
    return [...refs].sort((a, b) => a - b).map((ref) => this.symbols.get(ref));
  }

  /** Values of a name among the series with these ids, in order. */
  labelValuesOf(name: string, ids: Uint32Array, scratch: SeriesEntry): string[] {
    // Few series are looked at one by one, many are met with the list of each value.
    if (ids.length > 4 * this.offsets.valueCount(name)) {
      return this.labelValues(name).filter((value) => intersect(this.postings(name, value), ids).length > 0);
    }
    const nameRef = this.symbols.indexOf(name);
    const refs = new Set<number>();
    for (const id of ids) {
      this.series(id, scratch);
      for (let i = 0; i < scratch.labelCount; i++) {
        if (scratch.labelRefs[2 * i] === nameRef) refs.add(scratch.labelRefs[2 * i + 1]);
      }
    }
    return [...refs].sort((a, b) => a - b).map((ref) => this.symbols.get(ref));
  }

  /** Ids of every series by walking the entries, without posting lists. */
  *walk(): Iterable<number> {
    const { series, labelIndices } = this.toc;
    let offset = this.#nextEntry(series);
    while (offset < labelIndices) {
      const head = this.#source.read(offset, Math.min(MAX_SERIES_SIZE_BYTES, labelIndices - offset));
      const size = seriesEntrySize(head, 0);
      yield offset / this.seriesUnit;
      offset = this.#nextEntry(offset + size);
    }
  }

  /** Bytes of the part with the series, from `offset` of the index on; good until the next call. */
  entryBytes(offset: number, length: number): Uint8Array {
    return this.#source.read(offset, length);
  }

  /** Whether the entries are of the one kind that is written since 2017. */
  get isPresentVersion(): boolean {
    return !this.#isFirstVersion;
  }

  /** Every series in turn, decoded: what `walk` and `series` do, for those who want them all. */
  scan(options: SeriesScanOptions): SeriesScan {
    const { series, labelIndices } = this.toc;
    const place = {
      source: this.#source,
      from: series,
      to: labelIndices,
      unit: this.seriesUnit,
      nextEntry: (offset: number) => this.#nextEntry(offset),
      finish: (entry: SeriesEntry) => {
        if (this.#isFirstVersion) this.#toOrdinals(entry);
      },
    };
    return new SeriesScan(place, options);
  }

  /** Where the next entry starts, at or after `offset`. */
  #nextEntry(offset: number): number {
    if (!this.#isFirstVersion) return aligned(offset, SERIES_ALIGNMENT);
    // An entry's size is never 0, so zeros are padding.
    let at = offset;
    while (at < this.toc.labelIndices && this.#source.read(at, 1)[0] === 0) at++;
    return at;
  }

  #valuesFrom(name: string, prefix: string): string[] {
    if (name === '') return [];
    if (prefix === '') return this.offsets.values(name);
    const values: string[] = [];
    this.offsets.forEach(
      name,
      (value) => {
        if (!value.startsWith(prefix)) return false;
        values.push(value);
        return true;
      },
      prefix,
    );
    return values;
  }

  /** A section's bytes, length field and checksum included; it must end at `limit` or before. */
  #section(offset: number, limit: number): Uint8Array {
    const head = this.#source.read(offset, 4);
    const length = ((head[0] << 24) | (head[1] << 16) | (head[2] << 8) | head[3]) >>> 0;
    if (offset + length + SECTION_OVERHEAD > limit) {
      throw new Fault('corrupt', `index section at ${offset} says ${length} bytes and reaches past ${limit}`);
    }
    return this.#source.read(offset, length + SECTION_OVERHEAD);
  }
}

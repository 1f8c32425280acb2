// Writes an index front to back: symbols, series in label order, then postings and tables. The layout is drawn in
// format.ts. Memory: the symbols, and four bytes for each label of each series.

import type { ByteSink } from '../../bytes/byte-sink.ts';
import { compareUtf8 } from '../../bytes/compare.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import { Fault } from '../../errors/fault.ts';
import { INDEX_MAGIC, INDEX_VERSION, POSTINGS_ALIGNMENT, SERIES_ALIGNMENT } from './format.ts';
import { PostingCollector } from './posting-collector.ts';
import type { SeriesEntry } from './series-entry.ts';
import { writeToc } from './toc.ts';

/** Ids are 32 bits, times 16. */
const MAX_INDEX_SIZE = SERIES_ALIGNMENT * (2 ** 32 - 1);
/** Postings are flushed to the sink in pieces of about this. */
const FLUSH_BYTES = 1024 * 1024;

export class IndexWriter {
  readonly #sink: ByteSink;
  readonly #buffer = new ByteWriter(64 * 1024);
  readonly #body = new ByteWriter(4096);
  readonly #symbols: string[] = [];
  readonly #postings = new PostingCollector();
  /** Bytes given to the sink. */
  #flushed = 0;
  #seriesAt = 0;
  #lastRefs = new Uint32Array(0);

  /** Writes header and symbols. Symbols come in byte order, each once, or it is `invalid`. */
  constructor(sink: ByteSink, symbols: Iterable<string>) {
    this.#sink = sink;
    const buffer = this.#buffer;
    buffer.be32(INDEX_MAGIC);
    buffer.u8(INDEX_VERSION);
    this.#writeSymbols(symbols);
    this.#seriesAt = this.#position;
  }

  /** The reference of a symbol is its place; their number. */
  get symbolCount(): number {
    return this.#symbols.length;
  }

  /**
   * Adds a series: labels by symbol reference, names ascending; chunks in order of time without overlap. Series come in
   * label order. What breaks these rules is `invalid`. Returns the series' id.
   */
  addSeries(series: SeriesEntry): number {
    this.#checkOrder(series);
    const buffer = this.#buffer;
    buffer.pad(SERIES_ALIGNMENT, this.#flushed);
    const offset = this.#position;
    if (offset > MAX_INDEX_SIZE) throw new Fault('limit', 'index is larger than 64 GiB');
    const id = offset / SERIES_ALIGNMENT;
    const body = this.#body;
    body.clear();
    this.#encode(series, body);
    buffer.uvarint(body.length);
    buffer.bytes(body.written);
    buffer.be32(crc32c(body.written));
    this.#postings.add(id, series.labelRefs, series.labelCount);
    this.#flushLarge();
    return id;
  }

  /**
   * Adds series that are encoded already, each at the next place a series may begin at; nobody looks whether they keep the
   * rules. Of each, `series` has its place in `entries` divided by 16, its number of labels, and their references.
   */
  addEncoded(entries: Uint8Array, series: Uint32Array): void {
    const buffer = this.#buffer;
    buffer.pad(SERIES_ALIGNMENT, this.#flushed);
    if (this.#position + entries.length > MAX_INDEX_SIZE) throw new Fault('limit', 'index is larger than 64 GiB');
    const first = this.#position / SERIES_ALIGNMENT;
    buffer.bytes(entries);
    for (let at = 0; at < series.length; at += 2 + 2 * series[at + 1]) {
      this.#postings.add(first + series[at], series, series[at + 1], at + 2);
    }
    this.#flushLarge();
  }

  /** Writes posting lists, the offset table and the table of contents. Nothing may be added afterwards. */
  finish(): void {
    const buffer = this.#buffer;
    const seriesEnd = this.#position;
    const table = new ByteWriter(64 * 1024);
    let count = 1;
    buffer.pad(POSTINGS_ALIGNMENT, this.#flushed);
    this.#tableEntry(table, '', '');
    this.#writeList(this.#postings.all);
    this.#postings.forEach((nameRef, valueRef, ids) => {
      buffer.pad(POSTINGS_ALIGNMENT, this.#flushed);
      this.#tableEntry(table, this.#symbols[nameRef], this.#symbols[valueRef]);
      this.#writeList(ids);
      count++;
    });
    const tableAt = this.#position;
    if (tableAt > MAX_INDEX_SIZE) throw new Fault('limit', 'index is larger than 64 GiB');
    const body = buffer.openSection();
    buffer.be32(count);
    buffer.bytes(table.written);
    buffer.closeSection(body);
    writeToc(buffer, {
      symbols: 5,
      series: this.#seriesAt,
      labelIndices: seriesEnd,
      labelOffsetTable: tableAt,
      postings: seriesEnd,
      postingOffsetTable: tableAt,
    });
    this.#flush();
  }

  get #position(): number {
    return this.#flushed + this.#buffer.length;
  }

  #writeSymbols(symbols: Iterable<string>): void {
    const buffer = this.#buffer;
    const body = buffer.openSection();
    buffer.be32(0);
    let last: string | undefined;
    for (const symbol of symbols) {
      if (last !== undefined && compareUtf8(last, symbol) >= 0) {
        throw new Fault('invalid', `symbol ${JSON.stringify(symbol)} is out of order`);
      }
      last = symbol;
      buffer.str(symbol);
      this.#symbols.push(symbol);
    }
    buffer.setBe32(body, this.#symbols.length);
    buffer.closeSection(body);
  }

  #encode(series: SeriesEntry, body: ByteWriter): void {
    body.uvarint(series.labelCount);
    for (let i = 0; i < 2 * series.labelCount; i++) body.uvarint(series.labelRefs[i]);
    body.uvarint(series.chunkCount);
    const { minTimes, maxTimes, segments, offsets } = series;
    for (let i = 0; i < series.chunkCount; i++) {
      const ref = segments[i] * 2 ** 32 + offsets[i];
      if (i === 0) body.varint(minTimes[0]);
      else body.uvarint(minTimes[i] - maxTimes[i - 1]);
      body.uvarint(maxTimes[i] - minTimes[i]);
      if (i === 0) body.uvarint(ref);
      else body.varint(ref - (segments[i - 1] * 2 ** 32 + offsets[i - 1]));
    }
  }

  #checkOrder(series: SeriesEntry): void {
    const { labelRefs, labelCount, minTimes, maxTimes } = series;
    const wanted = this.#symbols.length;
    for (let i = 0; i < labelCount; i++) {
      if (i > 0 && labelRefs[2 * i] <= labelRefs[2 * i - 2]) throw new Fault('invalid', 'labels are out of order');
      if (labelRefs[2 * i] >= wanted || labelRefs[2 * i + 1] >= wanted)
        throw new Fault('invalid', 'label is no symbol');
    }
    for (let i = 0; i < series.chunkCount; i++) {
      if (maxTimes[i] < minTimes[i] || (i > 0 && minTimes[i] <= maxTimes[i - 1])) {
        throw new Fault('invalid', 'chunks of a series are out of order');
      }
    }
    // Symbols are in byte order, so label order is the order of references, pair by pair.
    const refs = labelRefs.slice(0, 2 * labelCount);
    if (this.#postings.all.length > 0 && compareRefs(this.#lastRefs, refs) >= 0) {
      throw new Fault('invalid', 'series are out of order');
    }
    this.#lastRefs = refs;
  }

  #tableEntry(table: ByteWriter, name: string, value: string): void {
    table.uvarint(2);
    table.str(name);
    table.str(value);
    table.uvarint(this.#position);
  }

  #writeList(ids: Uint32Array): void {
    const buffer = this.#buffer;
    const body = buffer.openSection();
    buffer.be32(ids.length);
    for (let i = 0; i < ids.length; i++) buffer.be32(ids[i]);
    buffer.closeSection(body);
    this.#flushLarge();
  }

  #flushLarge(): void {
    if (this.#buffer.length >= FLUSH_BYTES) this.#flush();
  }

  #flush(): void {
    this.#sink.write(this.#buffer.written);
    this.#flushed += this.#buffer.length;
    this.#buffer.clear();
  }
}

function compareRefs(a: Uint32Array, b: Uint32Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

// Tests: indexes of version 1, made from those of version 2 as the format's description says: nothing writes them any more.

import { MemorySource } from '../../bytes/byte-source.ts';
import { readUvarint, varintEnd } from '../../bytes/varint.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import { INDEX_MAGIC } from './format.ts';
import { IndexReader } from './reader.ts';
import { SeriesEntry } from './series-entry.ts';
import { writeToc } from './toc.ts';

export interface FirstVersion {
  readonly bytes: Uint8Array;
  /** The series' ids there by their ids in version 2. */
  readonly ids: ReadonlyMap<number, number>;
}

/** The same index in version 1, with this many zeros after each series. */
export function firstVersionOf(source: Uint8Array, padding = 0): FirstVersion {
  const index = new IndexReader(new MemorySource(source));
  const writer = new ByteWriter(source.length);
  writer.be32(INDEX_MAGIC);
  writer.u8(1);
  const symbolOffsets: number[] = [];
  const symbolsOpen = writer.openSection();
  writer.be32(index.symbols.count);
  for (const symbol of index.symbols) {
    symbolOffsets.push(writer.length);
    writer.str(symbol);
  }
  writer.closeSection(symbolsOpen);

  const seriesAt = writer.length;
  const ids = new Map<number, number>();
  const entry = new SeriesEntry();
  for (const id of index.walk()) {
    index.series(id, entry);
    ids.set(id, writer.length);
    const body = seriesBody(source, id, entry, symbolOffsets);
    writer.uvarint(body.length);
    const from = writer.length;
    writer.bytes(body.written);
    writer.checksum(from);
    for (let i = 0; i < padding; i++) writer.u8(0);
  }
  const seriesEnd = writer.length;

  const lists: { name: string; value: string; at: number }[] = [];
  const pairs = ['', ...index.labelNames()].flatMap((name) =>
    (name === '' ? [''] : index.labelValues(name)).map((value) => [name, value] as const),
  );
  for (const [name, value] of pairs) {
    writer.pad(4);
    lists.push({ name, value, at: writer.length });
    const list = index.postings(name, value);
    const open = writer.openSection();
    writer.be32(list.length);
    for (const id of list) writer.be32(ids.get(id)!);
    writer.closeSection(open);
  }
  const tableAt = writer.length;
  const open = writer.openSection();
  writer.be32(lists.length);
  for (const { name, value, at } of shuffled(lists)) {
    writer.uvarint(2);
    writer.str(name);
    writer.str(value);
    writer.uvarint(at);
  }
  writer.closeSection(open);
  writeToc(writer, {
    symbols: 5,
    series: seriesAt,
    labelIndices: seriesEnd,
    labelOffsetTable: tableAt,
    postings: seriesEnd,
    postingOffsetTable: tableAt,
  });
  return { bytes: writer.copy(), ids };
}

/** The entry with its symbols by offset; what follows the labels is copied. */
function seriesBody(source: Uint8Array, id: number, entry: SeriesEntry, symbolOffsets: readonly number[]): ByteWriter {
  const body = new ByteWriter();
  body.uvarint(entry.labelCount);
  for (let i = 0; i < 2 * entry.labelCount; i++) body.uvarint(symbolOffsets[entry.labelRefs[i]]);
  const size = readUvarint(source, id * 16, source.length);
  const end = varintEnd + size;
  let at = varintEnd;
  for (let i = 0; i < 1 + 2 * entry.labelCount; i++) {
    readUvarint(source, at, end);
    at = varintEnd;
  }
  body.bytes(source.subarray(at, end));
  return body;
}

function shuffled<T>(list: readonly T[]): T[] {
  const copy = [...list];
  for (let i = copy.length - 1, seed = 7; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = seed % (i + 1);
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

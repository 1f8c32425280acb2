// The posting offset table: label pair → where its posting list is. Sorted by name, then value; the first entry is the
// empty pair, the list of all series.
//
//   ┌────────────┬───────────┬──────────────────────────────────────────────┬─────┬────────────┐
//   │ length u32 │ count u32 │ 02 │ name str │ value str │ offset uvarint   │ ... │ crc32c u32 │
//   └────────────┴───────────┴──────────────────────────────────────────────┴─────┴────────────┘
//
// In memory stay the bytes and, for each name, the place of every 32nd value and of the last one.

import { ByteReader } from '../../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../../bytes/utf8.ts';
import { readUvarint, varintEnd } from '../../bytes/varint.ts';
import { Fault } from '../../errors/fault.ts';
import { SAMPLING } from './format.ts';

/** Where a posting list's section lies in the index: its length field is at `start`, and it ends at or before `end`. */
export interface PostingRange {
  readonly start: number;
  readonly end: number;
}

/** The entries of one name lie one after the other. Places are offsets of entries in the table's bytes. */
interface NameRange {
  readonly samples: number[];
  valueCount: number;
  /** Just after the last entry. */
  end: number;
}

export class PostingOffsetTable {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #listsEnd: number;
  readonly #names = new Map<string, NameRange>();

  /**
   * Borrows `bytes` for as long as the table lives. `offset` is where the section's length field is in them; `listsEnd`
   * is where the last posting list ends at the latest in the index: the table's own position there.
   */
  constructor(bytes: Uint8Array, offset: number, listsEnd: number, end = bytes.length) {
    const body = new ByteReader(bytes, offset, end).section('index posting offset table');
    this.#bytes = bytes;
    this.#end = body.end;
    this.#listsEnd = listsEnd;
    this.#scan(body.be32(), body.offset);
  }

  /** Every label name, in order, without the empty one. */
  names(): string[] {
    return [...this.#names.keys()].filter((name) => name !== '');
  }

  /** How many values a name has. */
  valueCount(name: string): number {
    return this.#names.get(name)?.valueCount ?? 0;
  }

  /** Every value of a name, in order. */
  values(name: string): string[] {
    const values: string[] = [];
    this.forEach(name, (value) => {
      values.push(value);
      return true;
    });
    return values;
  }

  /** Visits each value of a name in order, from the first that is at or after `from`, until `visit` returns false. */
  forEach(name: string, visit: (value: string, range: PostingRange) => boolean, from = ''): void {
    const found = this.#names.get(name);
    if (found === undefined) return;
    const bytes = this.#bytes;
    const wanted = encodeUtf8(from);
    let at = from === '' ? found.samples[0] : this.#sampleFor(found, wanted);
    while (at < found.end) {
      const valueAt = this.#skipName(at);
      const size = readUvarint(bytes, valueAt, this.#end);
      const textAt = varintEnd;
      const start = readUvarint(bytes, textAt + size, this.#end);
      const next = varintEnd;
      if (from === '' || compareBytes(bytes, textAt, size, wanted) >= 0) {
        const range = { start, end: this.#offsetAt(next) };
        if (!visit(decodeUtf8(bytes, textAt, textAt + size), range)) return;
      }
      at = next;
    }
  }

  /** Where the list of a pair is; undefined when no series carries it. Both empty: the list of all series. */
  find(name: string, value: string): PostingRange | undefined {
    const found = this.#names.get(name);
    if (found === undefined) return undefined;
    const bytes = this.#bytes;
    const wanted = encodeUtf8(value);
    let at = this.#sampleFor(found, wanted);
    while (at < found.end) {
      const valueAt = this.#skipName(at);
      const size = readUvarint(bytes, valueAt, this.#end);
      const textAt = varintEnd;
      const order = compareBytes(bytes, textAt, size, wanted);
      if (order > 0) return undefined;
      const start = readUvarint(bytes, textAt + size, this.#end);
      at = varintEnd;
      if (order === 0) return { start, end: this.#offsetAt(at) };
    }
    return undefined;
  }

  #scan(count: number, from: number): void {
    const bytes = this.#bytes;
    const end = this.#end;
    // An entry takes four bytes at least.
    if (count * 4 > end - from) throw new Fault('corrupt', `posting offset table says ${count} in ${end - from} bytes`);
    let at = from;
    let nameAt = 0;
    let nameSize = -1;
    let current: NameRange | undefined;
    for (let i = 0; i < count; i++) {
      const entry = at;
      if (bytes[at] !== 2) throw new Fault('corrupt', `posting offset entry ${i} has ${bytes[at]} keys`);
      const size = readUvarint(bytes, at + 1, end);
      const textAt = varintEnd;
      const valueSize = readUvarint(bytes, textAt + size, end);
      readUvarint(bytes, varintEnd + valueSize, end);
      at = varintEnd;
      if (current === undefined || !sameBytes(bytes, nameAt, nameSize, textAt, size)) {
        const name = decodeUtf8(bytes, textAt, textAt + size);
        if (this.#names.has(name)) throw new Fault('corrupt', `posting offset table has ${name} in two places`);
        nameAt = textAt;
        nameSize = size;
        current = { samples: [], valueCount: 0, end: at };
        this.#names.set(name, current);
      }
      if (current.valueCount++ % SAMPLING === 0) current.samples.push(entry);
      current.end = at;
    }
    if (at !== end) throw new Fault('corrupt', `posting offset table has ${end - at} bytes left over`);
  }

  /** The last sample whose value is not above the wanted one; the first when there is none. */
  #sampleFor(found: NameRange, wanted: Uint8Array): number {
    const { samples } = found;
    let low = 1;
    let high = samples.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const valueAt = this.#skipName(samples[middle]);
      const size = readUvarint(this.#bytes, valueAt, this.#end);
      if (compareBytes(this.#bytes, varintEnd, size, wanted) <= 0) low = middle + 1;
      else high = middle;
    }
    return samples[low - 1];
  }

  #skipName(entry: number): number {
    const size = readUvarint(this.#bytes, entry + 1, this.#end);
    return varintEnd + size;
  }

  /** The list offset in the entry at `at`, which bounds the list before it. */
  #offsetAt(at: number): number {
    if (at >= this.#end) return this.#listsEnd;
    const valueAt = this.#skipName(at);
    const size = readUvarint(this.#bytes, valueAt, this.#end);
    return readUvarint(this.#bytes, varintEnd + size, this.#end);
  }
}

function sameBytes(bytes: Uint8Array, a: number, aSize: number, b: number, bSize: number): boolean {
  if (aSize !== bSize) return false;
  for (let i = 0; i < aSize; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}

function compareBytes(bytes: Uint8Array, at: number, size: number, other: Uint8Array): number {
  const shared = Math.min(size, other.length);
  for (let i = 0; i < shared; i++) {
    const difference = bytes[at + i] - other[i];
    if (difference !== 0) return difference;
  }
  return size - other.length;
}

// The symbol table: every string of an index once, in strictly ascending byte order. References are ordinals.
//
//   ┌────────────┬───────────┬─────────────┬─────┬────────────┐
//   │ length u32 │ count u32 │ size, bytes │ ... │ crc32c u32 │
//   └────────────┴───────────┴─────────────┴─────┴────────────┘

import { ByteReader } from '../../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../../bytes/utf8.ts';
import { readUvarint, varintEnd } from '../../bytes/varint.ts';
import { Fault } from '../../errors/fault.ts';
import { SAMPLING } from './format.ts';

export class SymbolTable {
  /** How many symbols there are: references are below it. */
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** Where every 32nd symbol starts. */
  readonly #samples: Uint32Array;
  /** Where every symbol starts; made when first needed, which is for version 1 alone. */
  #starts: Uint32Array | undefined;
  /** Strings made before, by reference. */
  readonly #made: (string | undefined)[] = [];

  /** Borrows `bytes` for as long as the table lives. `offset` is where the section's length field is. */
  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    const body = new ByteReader(bytes, offset, end).section('index symbol table');
    const count = body.be32();
    // A symbol takes a byte at least.
    if (count > body.remaining) {
      throw new Fault('corrupt', `symbol table says ${count} symbols in ${body.remaining} bytes`);
    }
    this.count = count;
    this.#bytes = bytes;
    this.#end = body.end;
    this.#samples = new Uint32Array(Math.ceil(count / SAMPLING));
    let at = body.offset;
    for (let i = 0; i < count; i++) {
      if (i % SAMPLING === 0) this.#samples[i / SAMPLING] = at;
      const size = readUvarint(bytes, at, body.end);
      at = varintEnd + size;
      if (at > body.end) throw new Fault('corrupt', `symbol ${i} reaches past the end of its table`);
    }
    if (at !== body.end) throw new Fault('corrupt', `symbol table has ${body.end - at} bytes left over`);
  }

  /** The string of a reference; the same string object each time. `corrupt` when there is none. */
  get(ref: number): string {
    const made = this.#made[ref];
    if (made !== undefined) return made;
    if (!(ref >= 0 && ref < this.count)) throw new Fault('corrupt', `symbol ${ref} of ${this.count} is not there`);
    let at = this.#samples[Math.floor(ref / SAMPLING)];
    for (let i = ref % SAMPLING; i > 0; i--) {
      const size = readUvarint(this.#bytes, at, this.#end);
      at = varintEnd + size;
    }
    const size = readUvarint(this.#bytes, at, this.#end);
    const symbol = decodeUtf8(this.#bytes, varintEnd, varintEnd + size);
    this.#made[ref] = symbol;
    return symbol;
  }

  /** The reference of a string, or -1. */
  indexOf(symbol: string): number {
    const wanted = encodeUtf8(symbol);
    let low = 0;
    let high = this.#samples.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareAt(this.#samples[middle], wanted) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return -1;
    let at = this.#samples[low - 1];
    const last = Math.min(this.count, low * SAMPLING);
    for (let i = (low - 1) * SAMPLING; i < last; i++) {
      const order = this.#compareAt(at, wanted);
      if (order === 0) return i;
      if (order > 0) return -1;
      const size = readUvarint(this.#bytes, at, this.#end);
      at = varintEnd + size;
    }
    return -1;
  }

  /** The reference of the symbol that starts at `position` of the bytes: how version 1 refers to it. `corrupt` when none does. */
  ordinalAt(position: number): number {
    this.#starts ??= this.#allStarts();
    const starts = this.#starts;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] < position) low = middle + 1;
      else high = middle;
    }
    if (starts[low] !== position) throw new Fault('corrupt', `no symbol starts at ${position} of the symbol table`);
    return low;
  }

  #allStarts(): Uint32Array {
    const starts = new Uint32Array(this.count);
    let at = this.#samples[0] ?? 0;
    for (let i = 0; i < this.count; i++) {
      starts[i] = at;
      const size = readUvarint(this.#bytes, at, this.#end);
      at = varintEnd + size;
    }
    return starts;
  }

  /** All symbols in order. */
  *[Symbol.iterator](): Iterator<string> {
    for (let i = 0; i < this.count; i++) yield this.get(i);
  }

  #compareAt(at: number, wanted: Uint8Array): number {
    const bytes = this.#bytes;
    const size = readUvarint(bytes, at, this.#end);
    const from = varintEnd;
    const shared = Math.min(size, wanted.length);
    for (let i = 0; i < shared; i++) {
      const difference = bytes[from + i] - wanted[i];
      if (difference !== 0) return difference;
    }
    return size - wanted.length;
  }
}

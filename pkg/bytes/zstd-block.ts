// A compressed block of Zstandard (RFC 8878, 3.1.1.3): literals, and sequences that say how many of them come next and what
// is repeated after them. Whatever the bytes, no more is written than a block may hold, and nothing is read from before
// the frame.

import { BackwardBits, damagedFrame } from './zstd-bits.ts';
import {
  type FseTable,
  fseTable,
  type HuffmanTable,
  readFseTable,
  readHuffmanTable,
  singleSymbol,
} from './zstd-entropy.ts';

/** What a frame has given so far. */
export interface FrameOutput {
  /** At least `size` bytes. */
  bytes: Uint8Array;
  size: number;
  /** Makes room for so many bytes more, or throws. */
  reserve(more: number): void;
}

export const MOST_BLOCK_BYTES = 128 * 1024;
/** Up to so many bytes a loop is quicker than a call. */
const SHORT_COPY = 48;

/** Numbers as codes: each stands for a base, to which so many bits that follow are added. */
interface NumberCode {
  readonly bases: readonly number[];
  readonly bits: readonly number[];
  readonly mostLog: number;
  readonly usual: FseTable;
}

function numberCode(least: number, extraBits: readonly number[], mostLog: number, usual: FseTable): NumberCode {
  const bases: number[] = [];
  let base = least;
  for (const bits of extraBits) {
    bases.push(base);
    base += 2 ** bits;
  }
  return { bases, bits: extraBits, mostLog, usual };
}

const zeros = (count: number): number[] => new Array<number>(count).fill(0);

const literalLengths = numberCode(
  0,
  [...zeros(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  9,
  fseTable(
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
    6,
  ),
);
const matchLengths = numberCode(
  3,
  [...zeros(32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  9,
  fseTable(
    [
      1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
    6,
  ),
);
/** Offsets: a code is the number of bits that follow a leading 1. */
const MOST_OFFSET_CODE = 31;
const offsets: NumberCode = {
  bases: Array.from({ length: MOST_OFFSET_CODE + 1 }, (_, i) => 2 ** i),
  bits: Array.from({ length: MOST_OFFSET_CODE + 1 }, (_, i) => i),
  mostLog: 8,
  usual: fseTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
};

/** Decodes the blocks of one frame, which share tables and the last three offsets. */
export class BlockDecoder {
  readonly #output: FrameOutput;
  readonly #mostBytes: number;
  /** Of the block under way. */
  #literals = new Uint8Array(0);
  #literalCount = 0;
  #huffman: HuffmanTable | undefined;
  #literalTable: FseTable | undefined;
  #offsetTable: FseTable | undefined;
  #matchTable: FseTable | undefined;
  /** The last three offsets, the latest first. */
  #offset = 1;
  #offsetBefore = 4;
  #oldestOffset = 8;

  /** Blocks hold at most `mostBytes`, uncompressed. */
  constructor(output: FrameOutput, mostBytes: number) {
    this.#output = output;
    this.#mostBytes = mostBytes;
  }

  /** Adds what the block in bytes [at, end) holds to the output. */
  decode(bytes: Uint8Array, at: number, end: number): void {
    const sequencesAt = this.#readLiterals(bytes, at, end);
    this.#readSequences(bytes, sequencesAt, end);
  }

  #readLiterals(bytes: Uint8Array, at: number, end: number): number {
    const head = littleEndian(bytes, at, Math.min(5, end - at));
    const kind = head & 3;
    const form = (head >> 2) & 3;
    if (kind < 2) {
      const headBytes = form === 1 ? 2 : form === 3 ? 3 : 1;
      const size = Math.floor((head % 2 ** (8 * headBytes)) / (headBytes === 1 ? 8 : 16));
      const bodyAt = at + headBytes;
      const bodyEnd = bodyAt + (kind === 0 ? size : 1);
      this.#checkLiterals(size, bodyEnd, end);
      if (kind === 0) this.#literals.set(bytes.subarray(bodyAt, bodyEnd));
      else this.#literals.fill(bytes[bodyAt], 0, size);
      return bodyEnd;
    }
    const headBytes = form < 2 ? 3 : form + 2;
    const sizeBits = form < 2 ? 10 : form === 2 ? 14 : 18;
    const size = Math.floor(head / 16) % 2 ** sizeBits;
    const bodyEnd = at + headBytes + (Math.floor(head / 2 ** (4 + sizeBits)) % 2 ** sizeBits);
    this.#checkLiterals(size, bodyEnd, end);
    let bodyAt = at + headBytes;
    if (kind === 2) ({ table: this.#huffman, end: bodyAt } = readHuffmanTable(bytes, bodyAt, bodyEnd));
    if (form === 0) this.#readStream(bytes, bodyAt, bodyEnd, 0, size);
    else this.#readFourStreams(bytes, bodyAt, bodyEnd, size);
    return bodyEnd;
  }

  #checkLiterals(size: number, bodyEnd: number, end: number): void {
    if (size > this.#mostBytes) throw damagedFrame(`${size} literals in a block of at most ${this.#mostBytes} bytes`);
    if (bodyEnd > end) throw damagedFrame('literals reach past their block');
    this.#literalCount = size;
    if (size > this.#literals.length) this.#literals = new Uint8Array(size);
  }

  #readFourStreams(bytes: Uint8Array, at: number, end: number, size: number): void {
    const each = (size + 3) >> 2;
    let from = at + 6;
    if (from > end || 3 * each > size) throw damagedFrame('four streams of literals are cut off');
    for (let i = 0; i < 4; i++) {
      const to = i === 3 ? end : from + littleEndian(bytes, at + 2 * i, 2);
      if (to > end) throw damagedFrame('a stream of literals reaches past its block');
      this.#readStream(bytes, from, to, i * each, i === 3 ? size : (i + 1) * each);
      from = to;
    }
  }

  /** Literals [first, last) from one stream, which must hold these and no more. */
  #readStream(bytes: Uint8Array, at: number, end: number, first: number, last: number): void {
    const table = this.#huffman;
    if (table === undefined) throw damagedFrame('a Huffman table is used before there is one');
    const bits = new BackwardBits(bytes, at, end);
    const literals = this.#literals;
    for (let i = first; i < last; i++) {
      const place = bits.peek(table.log);
      literals[i] = table.symbols[place];
      bits.skip(table.bits[place]);
    }
    if (bits.left > 0) throw damagedFrame('a stream of literals is too long');
  }

  #readSequences(bytes: Uint8Array, at: number, end: number): void {
    if (at >= end) throw damagedFrame('a block has no sequences');
    let count = bytes[at++];
    if (count >= 128) {
      const isLong = count === 255;
      if (at + (isLong ? 2 : 1) > end) throw damagedFrame('a block is cut off');
      count = isLong ? littleEndian(bytes, at, 2) + 0x7f00 : (count - 128) * 256 + bytes[at];
      at += isLong ? 2 : 1;
    }
    if (count === 0) {
      if (at !== end) throw damagedFrame('bytes follow a block without sequences');
      this.#output.reserve(this.#literalCount);
      this.#copyLiterals(0, this.#literalCount);
      return;
    }
    if (at >= end || (bytes[at] & 3) !== 0) throw damagedFrame('a block does not name its tables');
    const modes = bytes[at++];
    [this.#literalTable, at] = readTable(literalLengths, modes >> 6, this.#literalTable, bytes, at, end);
    [this.#offsetTable, at] = readTable(offsets, (modes >> 4) & 3, this.#offsetTable, bytes, at, end);
    [this.#matchTable, at] = readTable(matchLengths, (modes >> 2) & 3, this.#matchTable, bytes, at, end);
    this.#runSequences(new BackwardBits(bytes, at, end), count, [
      this.#literalTable,
      this.#offsetTable,
      this.#matchTable,
    ]);
  }

  #runSequences(
    bits: BackwardBits,
    count: number,
    [literalTable, offsetTable, matchTable]: readonly [FseTable, FseTable, FseTable],
  ): void {
    const blockEnd = this.#output.size + this.#mostBytes;
    this.#output.reserve(this.#mostBytes);
    let literalState = bits.read(literalTable.log);
    let offsetState = bits.read(offsetTable.log);
    let matchState = bits.read(matchTable.log);
    let used = 0;
    for (let left = count; left > 0; left--) {
      const offsetCode = offsetTable.symbols[offsetState];
      const offset = offsets.bases[offsetCode] + bits.read(offsetCode);
      const matchCode = matchTable.symbols[matchState];
      const match = matchLengths.bases[matchCode] + bits.read(matchLengths.bits[matchCode]);
      const literalCode = literalTable.symbols[literalState];
      const literals = literalLengths.bases[literalCode] + bits.read(literalLengths.bits[literalCode]);
      if (used + literals > this.#literalCount || this.#output.size + literals + match > blockEnd) {
        throw damagedFrame('a block holds more than it may');
      }
      this.#copyLiterals(used, literals);
      used += literals;
      this.#copyMatch(this.#offsetOf(offset, literals === 0), match);
      if (left === 1) break;
      literalState = literalTable.bases[literalState] + bits.read(literalTable.bits[literalState]);
      matchState = matchTable.bases[matchState] + bits.read(matchTable.bits[matchState]);
      offsetState = offsetTable.bases[offsetState] + bits.read(offsetTable.bits[offsetState]);
    }
    if (bits.left > 0) throw damagedFrame('bits follow the sequences of a block');
    const rest = this.#literalCount - used;
    if (this.#output.size + rest > blockEnd) throw damagedFrame('a block holds more than it may');
    this.#copyLiterals(used, rest);
  }

  /** The first three numbers stand for the last three offsets; without literals before them each for the next one. */
  #offsetOf(given: number, isBare: boolean): number {
    const place = given > 3 ? 3 : given - 1 + (isBare ? 1 : 0);
    if (place === 0) return this.#offset;
    let offset = given - 3;
    if (given <= 3) offset = place === 1 ? this.#offsetBefore : place === 2 ? this.#oldestOffset : this.#offset - 1;
    if (offset === 0) throw damagedFrame('an offset is nothing');
    if (place > 1) this.#oldestOffset = this.#offsetBefore;
    this.#offsetBefore = this.#offset;
    this.#offset = offset;
    return offset;
  }

  #copyLiterals(from: number, count: number): void {
    const { bytes, size } = this.#output;
    const literals = this.#literals;
    if (count > SHORT_COPY) bytes.set(literals.subarray(from, from + count), size);
    else for (let i = 0; i < count; i++) bytes[size + i] = literals[from + i];
    this.#output.size = size + count;
  }

  #copyMatch(offset: number, count: number): void {
    const { bytes, size } = this.#output;
    const from = size - offset;
    if (from < 0) throw damagedFrame('an offset reaches before the frame');
    // A match may overlap what it writes, and is copied byte by byte then.
    if (count > SHORT_COPY && count <= offset) bytes.copyWithin(size, from, from + count);
    else for (let i = 0; i < count; i++) bytes[size + i] = bytes[from + i];
    this.#output.size = size + count;
  }
}

/** The table that a block says it uses, and where what describes it ends. */
function readTable(
  code: NumberCode,
  mode: number,
  last: FseTable | undefined,
  bytes: Uint8Array,
  at: number,
  end: number,
): [FseTable, number] {
  const mostSymbol = code.bases.length - 1;
  switch (mode) {
    case 0:
      return [code.usual, at];
    case 1:
      if (at >= end || bytes[at] > mostSymbol) throw damagedFrame('a table has a symbol there is not');
      return [singleSymbol(bytes[at]), at + 1];
    case 2: {
      const { table, end: tableEnd } = readFseTable(bytes, at, end, { mostLog: code.mostLog, mostSymbol });
      return [table, tableEnd];
    }
    default:
      if (last === undefined) throw damagedFrame('a table is repeated before there is one');
      return [last, at];
  }
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value += (bytes[at + i] ?? 0) * 2 ** (8 * i);
  return value;
}

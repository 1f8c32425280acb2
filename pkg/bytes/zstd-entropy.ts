// The two codes of Zstandard as tables (RFC 8878, 4.1 and 4.2): FSE, whose states lead from one symbol to the next, and
// Huffman's, whose symbols take a number of bits each.

import { BackwardBits, damagedFrame } from './zstd-bits.ts';

/** Of each state: its symbol, and that the next state is `bases` plus so many `bits`. */
export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

const LEAST_LOG = 5;
/** How often a symbol comes that is rarer than once: it gets one state, at the end of the table. */
const LESS_THAN_ONE = -1;

/** The table of shares, which together make 2^log. */
export function fseTable(shares: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = shares.map((share) => Math.abs(share));
  let end = size;
  for (let symbol = 0; symbol < shares.length; symbol++) if (shares[symbol] === LESS_THAN_ONE) symbols[--end] = symbol;
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (let symbol = 0; symbol < shares.length; symbol++) {
    for (let i = 0; i < shares[symbol]; i++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= end);
    }
  }
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const count = next[symbols[state]]++;
    bits[state] = log - (31 - Math.clz32(count));
    bases[state] = (count << bits[state]) - size;
  }
  return { log, symbols, bits, bases };
}

/** One symbol that takes no bits. */
export function singleSymbol(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) };
}

/** The description of a table at `at`, and where it ends. Symbols are at most `mostSymbol`. */
export function readFseTable(
  bytes: Uint8Array,
  at: number,
  end: number,
  limits: { readonly mostLog: number; readonly mostSymbol: number },
): { readonly table: FseTable; readonly end: number } {
  let bit = 0;
  /** At most 16 bits, the first one lowest. */
  const peek = (count: number): number => {
    const from = at + (bit >> 3);
    const word = (bytes[from] ?? 0) | ((bytes[from + 1] ?? 0) << 8) | ((bytes[from + 2] ?? 0) << 16);
    return (word >> (bit & 7)) & ((1 << count) - 1);
  };
  const log = peek(4) + LEAST_LOG;
  bit = 4;
  if (log > limits.mostLog) throw damagedFrame('a table is too large');
  const shares: number[] = [];
  let left = 1 << log;
  while (left > 0) {
    // A share is 0 to `left`, or less than one; where the numbers do not fill their bits, the lower ones take one less.
    const width = 32 - Math.clz32(left + 1);
    const short = (1 << width) - 2 - left;
    let value = peek(width);
    const low = value & ((1 << (width - 1)) - 1);
    if (low < short) {
      value = low;
      bit += width - 1;
    } else {
      if (value >= 1 << (width - 1)) value -= short;
      bit += width;
    }
    const share = value - 1;
    shares.push(share);
    left -= Math.abs(share);
    if (share === 0) {
      // How many more zeros follow, in twos of bits.
      for (let more = 3; more === 3; ) {
        more = peek(2);
        bit += 2;
        for (let i = 0; i < more; i++) shares.push(0);
        if (shares.length > limits.mostSymbol + 1) throw damagedFrame('a table has too many symbols');
      }
    }
    if (shares.length > limits.mostSymbol + 1) throw damagedFrame('a table has too many symbols');
    if (at + ((bit + 7) >> 3) > end) throw damagedFrame('a table is cut off');
  }
  if (left < 0) throw damagedFrame('the shares of a table are too large');
  return { table: fseTable(shares, log), end: at + ((bit + 7) >> 3) };
}

/** By the next `log` bits: the symbol, and how many of the bits it takes. */
export interface HuffmanTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

const MOST_HUFFMAN_LOG = 11;
const MOST_WEIGHTS = 255;
const WEIGHT_LIMITS = { mostLog: 6, mostSymbol: 255 };

/** The description of a Huffman table at `at`, and where it ends. */
export function readHuffmanTable(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly table: HuffmanTable; readonly end: number } {
  if (at >= end) throw damagedFrame('a Huffman table is cut off');
  const head = bytes[at];
  const isDirect = head >= 128;
  const count = head - 127;
  const bodyEnd = at + 1 + (isDirect ? (count + 1) >> 1 : head);
  if (bodyEnd > end) throw damagedFrame('a Huffman table is cut off');
  let weights: number[];
  if (isDirect) {
    weights = Array.from({ length: count }, (_, i) => {
      const byte = bytes[at + 1 + (i >> 1)];
      return i % 2 === 0 ? byte >> 4 : byte & 15;
    });
  } else {
    weights = readWeights(bytes, at + 1, bodyEnd);
  }
  return { table: huffmanTable(weights), end: bodyEnd };
}

/** Weights that are FSE-coded themselves, by two states that take turns until the bits are used up. */
function readWeights(bytes: Uint8Array, at: number, end: number): number[] {
  const { table, end: bodyAt } = readFseTable(bytes, at, end, WEIGHT_LIMITS);
  const bits = new BackwardBits(bytes, bodyAt, end);
  const states = [bits.read(table.log), bits.read(table.log)];
  const weights: number[] = [];
  for (let turn = 0; ; turn ^= 1) {
    const state = states[turn];
    weights.push(table.symbols[state]);
    const wanted = table.bits[state];
    if (weights.length > MOST_WEIGHTS) throw damagedFrame('a Huffman table has too many symbols');
    if (wanted > bits.left) {
      weights.push(table.symbols[states[turn ^ 1]]);
      return weights;
    }
    states[turn] = table.bases[state] + bits.read(wanted);
  }
}

/** The last symbol's weight is not given: it is what makes the sum a power of two. */
function huffmanTable(given: readonly number[]): HuffmanTable {
  let sum = 0;
  for (const weight of given) {
    if (weight > MOST_HUFFMAN_LOG) throw damagedFrame('a Huffman code is too long');
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0 || given.length > MOST_WEIGHTS) throw damagedFrame('a Huffman table has no symbols, or too many');
  const log = 32 - Math.clz32(sum);
  const rest = (1 << log) - sum;
  if (log > MOST_HUFFMAN_LOG || (rest & (rest - 1)) !== 0) throw damagedFrame('Huffman codes do not add up');
  const weights = [...given, 32 - Math.clz32(rest)];
  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    for (let symbol = 0; symbol < weights.length; symbol++) {
      if (weights[symbol] !== weight) continue;
      const places = 1 << (weight - 1);
      symbols.fill(symbol, at, at + places);
      bits.fill(log + 1 - weight, at, at + places);
      at += places;
    }
  }
  return { log, symbols, bits };
}

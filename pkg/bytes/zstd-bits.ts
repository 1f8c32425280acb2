// The bits of Zstandard: entropy-coded streams are written forwards and read from their end backwards.

import { Fault } from '../errors/fault.ts';

/** What bytes that are no valid frame end with. */
export function damagedFrame(what: string): Fault {
  return new Fault('corrupt', `zstd frame is damaged: ${what}`);
}

/** Reads bytes [from, to) from the last bit to the first. Above the first bit to read stands a set bit that ends them. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  readonly #from: number;
  #left: number;

  constructor(bytes: Uint8Array, from: number, to: number) {
    const last = to > from ? bytes[to - 1] : 0;
    if (last === 0) throw damagedFrame('a stream of bits does not end');
    this.#bytes = bytes;
    this.#from = from;
    this.#left = (to - from - 1) * 8 + (31 - Math.clz32(last));
  }

  /** Bits not read yet. */
  get left(): number {
    return this.#left;
  }

  /** The next bits, at most 31, as a number. `corrupt` when there are not so many. */
  read(count: number): number {
    if (count === 0) return 0;
    if (count > this.#left) throw damagedFrame('a stream of bits is too short');
    this.#left -= count;
    return this.#at(this.#left, count);
  }

  /** The next bits, at most 16, without moving on; past the end stand zeros. */
  peek(count: number): number {
    const missing = count - this.#left;
    if (missing <= 0) return this.#at(this.#left - count, count);
    return this.#left === 0 ? 0 : this.#at(0, this.#left) << missing;
  }

  /** Moves on over bits that were looked at. */
  skip(count: number): void {
    if (count > this.#left) throw damagedFrame('a stream of bits is too short');
    this.#left -= count;
  }

  /** `count` is 1 to 31. Bytes past the array read as zeros, and are masked away. */
  #at(bit: number, count: number): number {
    const bytes = this.#bytes;
    const at = this.#from + (bit >>> 3);
    const shift = bit & 7;
    let word = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> shift;
    if (shift + count > 32) word |= bytes[at + 4] << (32 - shift);
    return word & (0xffffffff >>> (32 - count));
  }
}

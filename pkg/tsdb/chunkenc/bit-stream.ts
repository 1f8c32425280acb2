// Bits, most significant first, in bytes filled from bit 7 down. For formats read field by field; the float decoders
// have their own loops.

import { Fault } from '../../errors/fault.ts';

export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #endBit: number;
  #bit: number;

  /** Reads bytes [from, to), which are borrowed. Reading past `to` is `corrupt`. */
  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes;
    this.#bit = from * 8;
    this.#endBit = to * 8;
  }

  /** Bits that are left. */
  get remaining(): number {
    return this.#endBit - this.#bit;
  }

  bit(): number {
    const at = this.#bit;
    if (at >= this.#endBit) throw this.#ended();
    this.#bit = at + 1;
    return (this.#bytes[Math.floor(at / 8)] >>> (7 - (at % 8))) & 1;
  }

  /** 0 to 32 bits as an unsigned number. */
  bits(count: number): number {
    let at = this.#bit;
    if (at + count > this.#endBit) throw this.#ended();
    this.#bit = at + count;
    let value = 0;
    let left = count;
    while (left > 0) {
      const available = 8 - (at % 8);
      const take = Math.min(available, left);
      const byte = this.#bytes[Math.floor(at / 8)];
      value = value * 2 ** take + ((byte >>> (available - take)) & ((1 << take) - 1));
      at += take;
      left -= take;
    }
    return value;
  }

  bits64(): bigint {
    const high = this.bits(32);
    return (BigInt(high) << 32n) | BigInt(this.bits(32));
  }

  /** Seven bits a byte, low ones first, as 64 bits. */
  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bits(8);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Fault('corrupt', 'chunk has a number longer than 64 bits');
  }

  /** The same of a number with a sign, which is its lowest bit. */
  varint(): bigint {
    const value = this.uvarint();
    return (value >> 1n) ^ -(value & 1n);
  }

  #ended(): Fault {
    return new Fault('corrupt', 'chunk ends before its samples do');
  }
}

export class BitWriter {
  #bytes: Uint8Array;
  #bit = 0;

  constructor(capacityBytes = 1024) {
    this.#bytes = new Uint8Array(capacityBytes + 8);
  }

  /** Whole bytes so far; unused bits of the last one are 0. */
  get byteLength(): number {
    return (this.#bit + 7) >>> 3;
  }

  /** What was written, as a view: valid until the next write or `clear`. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.byteLength);
  }

  clear(): void {
    this.#bit = 0;
  }

  /** The low `count` (0 to 32) bits of `value`; higher bits of it are ignored. */
  bits(value: number, count: number): void {
    if (count > 24) {
      this.#put((value >>> 16) & (0xffff >>> (32 - count)), count - 16);
      this.#put(value & 0xffff, 16);
    } else if (count > 0) {
      this.#put(value & ((1 << count) - 1), count);
    }
  }

  /** Overwrites a whole byte written earlier. */
  setByte(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** Up to 24 bits: with the seven that may be in use of the first byte they fit a word. Later bytes start clean. */
  #put(value: number, count: number): void {
    const at = this.#bit >>> 3;
    const used = this.#bit & 7;
    if (at + 4 > this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    const word = value << (32 - count - used);
    bytes[at] = used === 0 ? word >>> 24 : bytes[at] | (word >>> 24);
    bytes[at + 1] = word >>> 16;
    bytes[at + 2] = word >>> 8;
    bytes[at + 3] = word;
    this.#bit += count;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2 + 16);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

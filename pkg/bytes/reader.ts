// Reads numbers, strings and checksummed sections from bytes that came from outside: every step is bounds-checked and
// whatever does not fit is `corrupt`. Big-endian throughout.

import { Fault } from '../errors/fault.ts';
import { crc32c } from './crc32c.ts';
import { decodeUtf8 } from './utf8.ts';
import { MAX_VARINT_BYTES, readUvarint, unzigzag, varintEnd } from './varint.ts';

export class ByteReader {
  readonly bytes: Uint8Array;
  /** Where the next read starts; may be set by `seek`. */
  offset: number;
  /** The first byte that is not ours. */
  readonly end: number;
  readonly #view: DataView;

  /** Borrows `bytes` and reads [from, to) of it. */
  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    if (from < 0 || from > to || to > bytes.length) {
      throw new Fault('corrupt', `bytes ${from} to ${to} are outside of ${bytes.length}`);
    }
    this.bytes = bytes;
    this.offset = from;
    this.end = to;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  get atEnd(): boolean {
    return this.offset >= this.end;
  }

  /** Continues at an absolute offset of `bytes`. */
  seek(offset: number): void {
    if (offset < 0 || offset > this.end) throw new Fault('corrupt', `offset ${offset} is outside of ${this.end} bytes`);
    this.offset = offset;
  }

  skip(count: number): void {
    this.#take(count);
  }

  u8(): number {
    return this.bytes[this.#take(1)];
  }

  be16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  be32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** A 64-bit unsigned number that must be a safe integer. */
  be64(): number {
    const at = this.#take(8);
    const high = this.#view.getUint32(at);
    if (high > 0x1fffff) throw new Fault('corrupt', `number at byte ${at} is too large`);
    return high * 2 ** 32 + this.#view.getUint32(at + 4);
  }

  be64Big(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  /** IEEE-754 double. Not for values whose NaN payload matters: use two `be32` there. */
  f64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** Unsigned LEB128 that must be a safe integer. */
  uvarint(): number {
    const value = readUvarint(this.bytes, this.offset, this.end);
    this.offset = varintEnd;
    return value;
  }

  /** Zig-zag LEB128 that must be a safe integer. */
  varint(): number {
    const { offset } = this;
    const big = this.end - offset >= 7 && (this.bytes[offset + 6] & 0x80) !== 0;
    if (!big) return unzigzag(this.uvarint());
    // The doubled form of a safe integer may pass 2^53, so long ones take the wide path.
    const value = this.varintBig();
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new Fault('corrupt', `number before byte ${this.offset} is too large`);
    return number;
  }

  uvarintBig(): bigint {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) {
        if (value >> 64n !== 0n) break;
        return value;
      }
    }
    throw new Fault('corrupt', `number before byte ${this.offset} is longer than 64 bits`);
  }

  varintBig(): bigint {
    const value = this.uvarintBig();
    return (value >> 1n) ^ -(value & 1n);
  }

  /** The next `count` bytes as a view of ours, valid as long as those are. */
  view(count: number): Uint8Array {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }

  /** A varint length and that much UTF-8. */
  str(): string {
    const length = this.uvarint();
    const at = this.#take(length);
    return decodeUtf8(this.bytes, at, at + length);
  }

  /**
   * A section `length u32 | body | crc32c u32`: checks the sum over the body and returns a reader of the body, leaving
   * this one behind the checksum. `what` names it in the message.
   */
  section(what: string): ByteReader {
    const length = this.be32();
    const from = this.#take(length);
    this.checksum(what, from, from + length);
    return new ByteReader(this.bytes, from, from + length);
  }

  /** Reads a checksum and compares it with the one of bytes [from, to); `corrupt` when they differ. */
  checksum(what: string, from: number, to: number): void {
    const stored = this.be32();
    const actual = crc32c(this.bytes, from, to);
    if (stored !== actual) {
      throw new Fault('corrupt', `${what}: checksum is ${hex(actual)}, expected ${hex(stored)}`);
    }
  }

  #take(count: number): number {
    const at = this.offset;
    if (count < 0 || at + count > this.end) {
      throw new Fault('corrupt', `bytes end at ${this.end}, ${count} more wanted from ${at}`);
    }
    this.offset = at + count;
    return at;
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

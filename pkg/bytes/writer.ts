// Writes what ByteReader reads, into one array that grows. Big-endian throughout.

import { crc32c } from './crc32c.ts';
import { writeUtf8 } from './utf8.ts';
import { MAX_VARINT_BYTES, writeUvarint } from './varint.ts';

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, as a view: valid until the next write or `clear`. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, as a copy that is yours. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  be16(value: number): void {
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
  }

  be32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
  }

  /** A safe integer, not negative. */
  be64(value: number): void {
    const at = this.#grow(8);
    this.#view.setUint32(at, Math.floor(value / 2 ** 32));
    this.#view.setUint32(at + 4, value % 2 ** 32);
  }

  be64Big(value: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, value));
  }

  /** Not for values whose NaN payload matters. */
  f64(value: number): void {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value);
  }

  /** A safe integer, not negative. */
  uvarint(value: number): void {
    const at = this.#grow(MAX_VARINT_BYTES);
    this.#length = writeUvarint(this.#bytes, at, value);
  }

  /** Zig-zag of a safe integer. */
  varint(value: number): void {
    if (value >= -(2 ** 51) && value < 2 ** 51) this.uvarint(value < 0 ? -value * 2 - 1 : value * 2);
    else this.varintBig(BigInt(value));
  }

  uvarintBig(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.u8(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.u8(Number(rest));
  }

  varintBig(value: bigint): void {
    this.uvarintBig((value << 1n) ^ (value >> 63n));
  }

  bytes(source: Uint8Array): void {
    const at = this.#grow(source.length);
    this.#bytes.set(source, at);
  }

  /** Zeros up to the next multiple of `alignment`, counted from `base` before our first byte. */
  pad(alignment: number, base = 0): void {
    const over = (base + this.#length) % alignment;
    if (over === 0) return;
    const at = this.#grow(alignment - over);
    this.#bytes.fill(0, at, this.#length);
  }

  /** A varint length and that much UTF-8. */
  str(text: string): void {
    // The length comes first and its size depends on it, so texts are written behind the longest length and moved.
    const at = this.#grow(5 + text.length * 3);
    const end = writeUtf8(this.#bytes, at + 5, text);
    const size = end - at - 5;
    const body = writeUvarint(this.#bytes, at, size);
    this.#bytes.copyWithin(body, at + 5, end);
    this.#length = body + size;
  }

  /** Overwrites four bytes written earlier. */
  setBe32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** Opens a section `length u32 | body | crc32c u32`; close it with what this returns. */
  openSection(): number {
    this.be32(0);
    return this.#length;
  }

  closeSection(bodyStart: number): void {
    this.setBe32(bodyStart - 4, this.#length - bodyStart);
    this.checksum(bodyStart);
  }

  /** The checksum of everything written from `from` on. */
  checksum(from: number): void {
    this.be32(crc32c(this.#bytes, from, this.#length));
  }

  #grow(count: number): number {
    const at = this.#length;
    const wanted = at + count;
    if (wanted > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = wanted;
    return at;
  }
}

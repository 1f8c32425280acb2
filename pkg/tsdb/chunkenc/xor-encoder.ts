// Writes float chunks, encoding 1, byte for byte as Prometheus does. The layout is drawn in xor.ts.

import { assert } from '../../errors/assert.ts';
import type { SampleColumns } from '../../storage/sample-columns.ts';
import { BitWriter } from './bit-stream.ts';
import { encodeOutput, encodeTimes, encodeValues, kernelEncode } from './kernels/xor-encode-kernel.ts';
import { XorValueWriter } from './xor-value-writer.ts';

/** The count field has two bytes. */
export const MAX_CHUNK_SAMPLES = 65535;

export class XorEncoder {
  readonly #bits = new BitWriter();
  readonly #value = new XorValueWriter();
  #count = 0;
  #time = 0;
  #timeBefore = 0;
  #delta = 0;

  constructor() {
    this.reset();
  }

  /** Samples so far. */
  get count(): number {
    return this.#count;
  }

  /** Size of the chunk so far, without encoding byte and checksum. */
  get byteLength(): number {
    return this.#bits.byteLength;
  }

  /** The chunk, as a copy that is yours. More samples may follow. */
  bytes(): Uint8Array {
    this.#bits.setByte(0, this.#count >>> 8);
    this.#bits.setByte(1, this.#count);
    return this.#bits.written.slice();
  }

  /** Starts a new chunk. */
  reset(): void {
    this.#bits.clear();
    this.#bits.bits(0, 16);
    this.#count = 0;
  }

  /** Adds a sample: a safe integer of milliseconds and the value's bits in two words. At most 65535 a chunk. */
  push(time: number, high: number, low: number): void {
    assert(this.#count < MAX_CHUNK_SAMPLES, 'a chunk has at most 65535 samples');
    if (this.#count === 0) {
      this.#varint(BigInt.asUintN(64, (BigInt(time) << 1n) ^ (BigInt(time) >> 63n)));
      this.#value.writeFirst(this.#bits, high, low);
    } else {
      const delta = time - this.#time;
      if (this.#count === 1) this.#varint(BigInt.asUintN(64, BigInt(time) - BigInt(this.#time)));
      else if (Math.abs(delta) + Math.abs(this.#delta) <= Number.MAX_SAFE_INTEGER)
        this.#deltaOfDelta(delta - this.#delta);
      else this.#wideDeltaOfDelta(time);
      this.#delta = delta;
      this.#timeBefore = this.#time;
      this.#value.writeNext(this.#bits, high, low);
    }
    this.#time = time;
    this.#count++;
  }

  #deltaOfDelta(change: number): void {
    const bits = this.#bits;
    if (change === 0) bits.bits(0, 1);
    else if (change >= -8191 && change <= 8192) bits.bits((0b10 << 14) | (change & 0x3fff), 16);
    else if (change >= -65535 && change <= 65536) bits.bits((0b110 << 17) | (change & 0x1ffff), 20);
    else if (change >= -524287 && change <= 524288) bits.bits((0b1110 << 20) | (change & 0xfffff), 24);
    else {
      bits.bits(0b1111, 4);
      bits.bits(Math.floor(change / 2 ** 32), 32);
      bits.bits(change, 32);
    }
  }

  /** Between times so far apart that their difference is no safe integer. */
  #wideDeltaOfDelta(time: number): void {
    const change = BigInt(time) - 2n * BigInt(this.#time) + BigInt(this.#timeBefore);
    this.#bits.bits(0b1111, 4);
    this.#bits.bits(Number(BigInt.asUintN(32, change >> 32n)), 32);
    this.#bits.bits(Number(BigInt.asUintN(32, change)), 32);
  }

  #varint(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.#bits.bits(Number(rest & 0x7fn) | 0x80, 8);
      rest >>= 7n;
    }
    this.#bits.bits(Number(rest), 8);
  }
}

const encoder = new XorEncoder();
/** Below this many samples copying into the kernel and out of it costs more than it saves. */
const FEW_SAMPLES = 4;

/** Samples [from, to) of the columns as one chunk, at most 65535 of them; the bytes are yours. */
export function encodeXor(columns: SampleColumns, from = 0, to = columns.length): Uint8Array {
  return encodeXorLent(columns, from, to).slice();
}

/** The same for those who write the bytes somewhere else at once: they are good until the next chunk is encoded. */
export function encodeXorLent(columns: SampleColumns, from = 0, to = columns.length): Uint8Array {
  const count = to - from;
  if (count < FEW_SAMPLES) return encodeXorPlainly(columns, from, to);
  assert(count <= MAX_CHUNK_SAMPLES, 'a chunk has at most 65535 samples');
  // Between arrays of one kind bits are copied as they are.
  encodeTimes.set(columns.times.subarray(from, to));
  encodeValues.set(columns.values.subarray(from, to));
  return encodeOutput.subarray(0, kernelEncode(count));
}

/** The same without the kernel: its oracle. */
export function encodeXorPlainly(columns: SampleColumns, from = 0, to = columns.length): Uint8Array {
  const { times, words } = columns;
  encoder.reset();
  for (let i = from; i < to; i++) encoder.push(times[i], words[2 * i + 1], words[2 * i]);
  return encoder.bytes();
}

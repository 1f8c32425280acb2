// Writes one chain of XOR-coded 64-bit values into a bit stream. Read by xor-value.ts; the codes are drawn in xor.ts.

import type { BitWriter } from './bit-stream.ts';

export class XorValueWriter {
  #high = 0;
  #low = 0;
  /** -1 until the first window is written. */
  #lead = -1;
  #trail = 0;

  /** Starts a chain with a value in full and without a window. Words may be signed. */
  writeFirst(bits: BitWriter, high: number, low: number): void {
    this.#lead = -1;
    this.#high = high;
    this.#low = low;
    bits.bits(high, 32);
    bits.bits(low, 32);
  }

  /** Writes the next value by its difference. */
  writeNext(bits: BitWriter, nextHigh: number, nextLow: number): void {
    const high = (nextHigh ^ this.#high) >>> 0;
    const low = (nextLow ^ this.#low) >>> 0;
    this.#high = nextHigh;
    this.#low = nextLow;
    if (high === 0 && low === 0) {
      bits.bits(0, 1);
      return;
    }
    const zerosBefore = high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);
    const lead = zerosBefore > 31 ? 31 : zerosBefore;
    const trail = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
    if (this.#lead >= 0 && lead >= this.#lead && trail >= this.#trail) {
      bits.bits(0b10, 2);
    } else {
      this.#lead = lead;
      this.#trail = trail;
      // 64 significant bits do not fit six bits and are written as 0.
      bits.bits((0b11 << 11) | (lead << 6) | ((64 - lead - trail) & 63), 13);
    }
    const size = 64 - this.#lead - this.#trail;
    const shift = this.#trail;
    if (shift >= 32) {
      bits.bits(high >>> (shift - 32), size);
    } else {
      if (size > 32 - shift) bits.bits(high, size - (32 - shift));
      bits.bits(low >>> shift, Math.min(size, 32 - shift));
    }
  }
}

// One chain of XOR-coded 64-bit values inside a bit stream: float chunks have one, float histograms one for each field.

import { Fault } from '../../errors/fault.ts';
import type { BitReader } from './bit-stream.ts';

export class XorValue {
  /** The current value's words, unsigned. */
  high = 0;
  low = 0;
  // A reader starts with the window 0/0: an encoder resumed on an old chunk may reuse it before defining one.
  #lead = 0;
  #size = 64;

  readFirst(reader: BitReader): void {
    this.high = reader.bits(32);
    this.low = reader.bits(32);
  }

  readNext(reader: BitReader): void {
    if (reader.bit() === 0) return;
    if (reader.bit() === 1) this.readNewWindow(reader);
    else this.readInWindow(reader);
  }

  /** A change in a window that is announced first. */
  readNewWindow(reader: BitReader): void {
    this.#lead = reader.bits(5);
    this.#size = reader.bits(6) || 64;
    if (this.#lead + this.#size > 64) {
      throw new Fault('corrupt', `chunk has a window of ${this.#size} bits after ${this.#lead}`);
    }
    this.readInWindow(reader);
  }

  /** A change in the window of the change before. */
  readInWindow(reader: BitReader): void {
    const trail = 64 - this.#lead - this.#size;
    // Bits above and below position 32 of the value, counted from its low end.
    const lowBits = Math.max(0, Math.min(this.#size, 32 - trail));
    const upper = reader.bits(this.#size - lowBits);
    const lower = reader.bits(lowBits);
    this.high = (this.high ^ (trail > 32 ? upper << (trail - 32) : upper)) >>> 0;
    if (lowBits > 0) this.low = (this.low ^ (lower << trail)) >>> 0;
  }
}

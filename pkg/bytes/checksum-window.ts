// CRC-32C of many stretches of one piece of memory, by a compiled kernel. What is copied into the kernel's memory is a
// window of many stretches: a copy for each would cost what the kernel gains.

import { signedCrc32c } from './crc32c.ts';
import { checksumInput, kernelCrc32c } from './kernels/crc32c-kernel.ts';

/** The first window, and that after a jump: little is lost when the next stretch is elsewhere again. */
const LEAST_BYTES = 4096;

/** Which window the kernel's memory holds. A number, since the window would keep its bytes from being freed. */
let held = 0;
let windows = 0;

/** Sums over bytes that nobody writes into while this is used. Quick for stretches in about ascending order. */
export class ChecksumWindow {
  readonly #bytes: Uint8Array;
  readonly #number = ++windows;
  #from = 0;
  #to = 0;
  #nextLength = LEAST_BYTES;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The checksum of bytes [from, to) as a signed number. */
  sum(from: number, to: number): number {
    if (held !== this.#number || from < this.#from || to > this.#to) {
      if (to - from > checksumInput.length) return signedCrc32c(this.#bytes, from, to);
      this.#move(from, to - from);
    }
    return kernelCrc32c(from - this.#from, to - this.#from, 0);
  }

  #move(from: number, least: number): void {
    const goesOn = from >= this.#from && from <= this.#to + LEAST_BYTES;
    this.#nextLength = goesOn ? Math.min(this.#nextLength * 2, checksumInput.length) : LEAST_BYTES;
    this.#from = from;
    this.#to = Math.min(from + Math.max(this.#nextLength, least), this.#bytes.length);
    checksumInput.set(this.#bytes.subarray(from, this.#to));
    held = this.#number;
  }
}

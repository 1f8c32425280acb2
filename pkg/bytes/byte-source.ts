// Bytes that can be read at any place: memory, or a file somebody opened. Reading is synchronous.

import { Fault } from '../errors/fault.ts';

export interface ByteSource {
  readonly sizeBytes: number;
  /**
   * Exactly `length` bytes from `offset` on; past the end is `corrupt`. What comes back is borrowed: it may be
   * overwritten by the next call.
   */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes that are in memory; reads are views of them. */
export class MemorySource implements ByteSource {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(offset, length, this.#bytes.length);
    return this.#bytes.subarray(offset, offset + length);
  }
}

/** Throws `corrupt` unless [offset, offset + length) lies in `sizeBytes`. */
export function checkRange(offset: number, length: number, sizeBytes: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= sizeBytes)) {
    throw new Fault('corrupt', `bytes ${offset} to ${offset + length} are outside of ${sizeBytes}`);
  }
}

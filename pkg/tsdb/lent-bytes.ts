// Room for copies of bytes that are needed for a short while only, all of them given back at once: one array that grows
// instead of an array for each.

export class LentBytes {
  #bytes = new Uint8Array(16 * 1024);
  #length = 0;

  /** Copies bytes [from, to). The copy is good until `clear`. */
  copy(source: Uint8Array, from: number, to: number): Uint8Array {
    const start = this.#length;
    const end = start + to - from;
    if (end > this.#bytes.length) {
      // What was lent before stays where it is.
      this.#bytes = new Uint8Array(Math.max(2 * this.#bytes.length, to - from));
      this.#length = 0;
      return this.copy(source, from, to);
    }
    const copy = this.#bytes.subarray(start, end);
    copy.set(from === 0 && to === source.length ? source : source.subarray(from, to));
    this.#length = end;
    return copy;
  }

  clear(): void {
    this.#length = 0;
  }
}

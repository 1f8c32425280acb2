// Where bytes go one after the other: memory, or a file somebody opened. Writing is synchronous.

export interface ByteSink {
  /** Takes the bytes over before it returns: they may be reused then. */
  write(bytes: Uint8Array): void;
}

/** Collects in memory. */
export class MemorySink implements ByteSink {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  write(bytes: Uint8Array): void {
    this.#parts.push(bytes.slice());
    this.#length += bytes.length;
  }

  /** Everything written, as an array of your own. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

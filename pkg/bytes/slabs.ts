// Large buffers used again. A buffer left to the collector keeps its memory until the collector looks, and then goes
// back to an allocator that seldom finds the next one a fitting place: a process that reads fast holds many times what
// it uses. Who is done with a buffer early gives it back here.

/** Below this an allocation is cheap, and sizes too many to find a match. */
const LEAST_BYTES = 32 * 1024;
/** Sizes are rounded up to this, so that buffers of about one size fit one another's places. */
const STEP_BYTES = 64 * 1024;
/** A waiting buffer is not used for less than a part of it. */
const MOST_WASTE = 4;

export class Slabs {
  readonly #mostIdleBytes: number;
  readonly #poison: number | undefined;
  readonly #own = new WeakSet<ArrayBufferLike>();
  /** Ascending by size. */
  readonly #idle: ArrayBufferLike[] = [];
  #idleBytes = 0;

  /** Keeps at most `mostIdleBytes` waiting. With `poison`, for tests, what is given back is overwritten by that byte. */
  constructor(mostIdleBytes: number, options: { readonly poison?: number } = {}) {
    this.#mostIdleBytes = mostIdleBytes;
    this.#poison = options.poison;
  }

  /** Bytes waiting for use. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** A buffer of that length with anything in it. It may be kept, or given back once. */
  lend(length: number): Buffer {
    if (length < LEAST_BYTES) return Buffer.from(Buffer.allocUnsafeSlow(length).buffer, 0, length);
    const place = this.#firstFrom(length);
    const found = this.#idle[place];
    if (found !== undefined && found.byteLength <= length * MOST_WASTE) {
      this.#idle.splice(place, 1);
      this.#idleBytes -= found.byteLength;
      return Buffer.from(found, 0, length);
    }
    const { buffer } = Buffer.allocUnsafeSlow(Math.ceil(length / STEP_BYTES) * STEP_BYTES);
    this.#own.add(buffer);
    return Buffer.from(buffer, 0, length);
  }

  /** Takes back what `lend` gave out, or a part of it; nobody may read it from now on. Other bytes are left alone. */
  giveBack(bytes: Uint8Array): void {
    const { buffer } = bytes;
    if (!this.#own.has(buffer) || this.#idle.includes(buffer)) return;
    if (this.#poison !== undefined) new Uint8Array(buffer).fill(this.#poison);
    if (this.#idleBytes + buffer.byteLength > this.#mostIdleBytes) return;
    this.#idle.splice(this.#firstFrom(buffer.byteLength), 0, buffer);
    this.#idleBytes += buffer.byteLength;
  }

  #firstFrom(length: number): number {
    let low = 0;
    let high = this.#idle.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#idle[middle].byteLength < length) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The buffers of this process that bytes are read into and sent from. */
export const slabs = new Slabs(8 * 1024 * 1024);

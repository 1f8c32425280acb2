// Strings by their UTF-8 bytes: bytes seen before give the string made then, without decoding. Label names and values
// repeat from series to series and frame to frame, and equal labels being one string makes comparing them cheap too.

const MAX_ENTRIES = 1 << 15;
const MAX_ARENA_BYTES = 1 << 20;
/** Longer strings hardly repeat. */
const MAX_STRING_BYTES = 256;

/** Bounded: when it is full it starts anew. May be shared by any number of readers. */
export class StringInterner {
  /** Open addressing; entry index + 1, 0 for a free slot. */
  #slots = new Int32Array(1 << 10);
  #hashes = new Int32Array(1 << 9);
  #starts = new Uint32Array((1 << 9) + 1);
  #strings: string[] = [];
  #arena = new Uint8Array(1 << 13);

  /** The string of bytes [start, end). */
  get(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    let hash = length;
    let seen = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i];
      seen |= byte;
      hash = Math.imul(hash, 31) + byte;
    }
    if (length > MAX_STRING_BYTES) return decode(bytes, start, end, seen);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash ^= hash >>> 13;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] - 1;
      if (entry < 0) return this.#add(slot, hash, bytes, start, end, seen);
      if (this.#hashes[entry] === hash && this.#isEntry(entry, bytes, start, length)) return this.#strings[entry];
    }
  }

  #isEntry(entry: number, bytes: Uint8Array, start: number, length: number): boolean {
    const from = this.#starts[entry];
    if (this.#starts[entry + 1] - from !== length) return false;
    const arena = this.#arena;
    for (let i = 0; i < length; i++) if (arena[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #add(slot: number, hash: number, bytes: Uint8Array, start: number, end: number, seen: number): string {
    const text = decode(bytes, start, end, seen);
    const entry = this.#strings.length;
    const from = this.#starts[entry];
    const to = from + end - start;
    if (entry === MAX_ENTRIES || to > MAX_ARENA_BYTES) {
      this.#slots.fill(0);
      this.#strings = [];
      return text;
    }
    if (to > this.#arena.length) this.#arena = grown(this.#arena, new Uint8Array(this.#arena.length * 2));
    if (entry === this.#hashes.length) {
      this.#hashes = grown(this.#hashes, new Int32Array(entry * 2));
      this.#starts = grown(this.#starts, new Uint32Array(entry * 2 + 1));
    }
    this.#strings.push(text);
    this.#hashes[entry] = hash;
    this.#starts[entry + 1] = to;
    this.#arena.set(bytes.subarray(start, end), from);
    this.#slots[slot] = entry + 1;
    if ((entry + 1) * 2 > this.#slots.length) this.#rehash();
    return text;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#strings.length; entry++) {
      let slot = this.#hashes[entry] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

/** `seen` is every byte ORed: ASCII needs no UTF-8 decoder. */
function decode(bytes: Uint8Array, start: number, end: number, seen: number): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString(seen < 0x80 ? 'latin1' : 'utf8', start, end);
}

function grown<T extends Int32Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}

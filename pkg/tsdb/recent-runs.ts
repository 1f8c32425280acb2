// Small pieces of chunk files at hand that were read lately. An instant query takes one chunk of each series, and asking the
// system for it takes longer than decoding it: whoever asks again finds it here. There are two halves; when the one that is
// filled is full the other is forgotten, and they change places.

/** Larger pieces cost little for each of their bytes. */
const MOST_BYTES = 2048;
const FIRST_BYTES = 64 * 1024;
/** What comes so soon after the piece before has been read together with it: keeping it would save nothing. */
const NEAR_BYTES = 4096;

class Half {
  #bytes = new Uint8Array(0);
  #size = 0;
  /** Where a piece begins and how long it is, by where it is in the file: place * MOST_BYTES + length - 1. */
  readonly #pieces = new Map<number, number>();

  find(key: number): Uint8Array | undefined {
    const piece = this.#pieces.get(key);
    if (piece === undefined) return undefined;
    const at = Math.floor(piece / MOST_BYTES);
    return this.#bytes.subarray(at, at + (piece % MOST_BYTES) + 1);
  }

  /** False when there is no room within the budget. */
  keep(key: number, bytes: Uint8Array, budgetBytes: number): boolean {
    const end = this.#size + bytes.length;
    if (end > budgetBytes) return false;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(budgetBytes, Math.max(end, FIRST_BYTES, 2 * this.#bytes.length)));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#size);
    this.#pieces.set(key, this.#size * MOST_BYTES + bytes.length - 1);
    this.#size = end;
    return true;
  }

  clear(): void {
    this.#pieces.clear();
    this.#size = 0;
  }
}

export class RecentRuns {
  readonly #halfBytes: number;
  #filled = new Half();
  #other = new Half();
  /** Where the piece read last ends. */
  #lastEnd = -1;

  constructor(budgetBytes: number) {
    this.#halfBytes = budgetBytes / 2;
  }

  /** The run kept for this place, whatever its length, until `keep` is called; undefined when there is none. */
  find(segment: number, offset: number): Uint8Array | undefined {
    const key = keyOf(segment, offset);
    const found = this.#filled.find(key);
    if (found !== undefined) return found;
    const older = this.#other.find(key);
    // What is asked for again outlives the half it is in.
    if (older !== undefined) this.#filled.keep(key, older, this.#halfBytes);
    return older;
  }

  /** Keeps a copy of what was read, if it is small and lies apart from what was read before. */
  keep(segment: number, offset: number, run: Uint8Array): void {
    const key = keyOf(segment, offset);
    const gap = key - this.#lastEnd;
    this.#lastEnd = key + run.length;
    if ((gap >= 0 && gap <= NEAR_BYTES) || run.length === 0) return;
    if (run.length > Math.min(MOST_BYTES, this.#halfBytes)) return;
    if (this.#filled.keep(key, run, this.#halfBytes)) return;
    [this.#filled, this.#other] = [this.#other, this.#filled];
    this.#filled.clear();
    this.#filled.keep(key, run, this.#halfBytes);
  }
}

function keyOf(segment: number, offset: number): number {
  return segment * 2 ** 32 + offset;
}

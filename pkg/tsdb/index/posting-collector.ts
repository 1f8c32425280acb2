// Gathers which series carry which label pair while series are written, and gives the posting lists in order afterwards.
// Four bytes for each label of each series are kept; the lists are made in slices of bounded size.

/** Ids laid out at a time. */
const SLICE_IDS = 4 * 1024 * 1024;
/** Numbers of pairs kept in one piece: an array that doubles would be there twice each time it does. */
const PIECE_PAIRS = 256 * 1024;

export class PostingCollector {
  /** Of each label of each series, in turn: its pair's number. Pieces of PIECE_PAIRS, the first one as far as needed. */
  readonly #pieces: Uint32Array[] = [new Uint32Array(1024)];
  /** How far the last piece is filled. */
  #filled = 0;
  /** Of each series: its id, and how many labels it and those before it have. */
  #ids = new Uint32Array(256);
  #ends = new Float64Array(256);
  #seriesCount = 0;
  /** name reference → value reference → the pair's number. */
  readonly #numbers = new Map<number, Map<number, number>>();
  readonly #counts: number[] = [];

  /** Takes the labels of the series with the next higher id, as `labelCount` pairs of symbol references, the first at `from`. */
  add(id: number, labelRefs: ArrayLike<number>, labelCount: number, from = 0): void {
    if (this.#seriesCount === this.#ids.length) {
      this.#ids = grown(this.#ids, new Uint32Array(this.#ids.length * 2));
      this.#ends = grown(this.#ends, new Float64Array(this.#ends.length * 2));
    }
    let piece = this.#pieces[this.#pieces.length - 1];
    for (let i = 0; i < labelCount; i++) {
      if (this.#filled === piece.length) piece = this.#withRoom(piece);
      piece[this.#filled++] = this.#numberOf(labelRefs[from + 2 * i], labelRefs[from + 2 * i + 1]);
    }
    this.#ids[this.#seriesCount] = id;
    this.#ends[this.#seriesCount++] = this.#pairCount;
  }

  /** The ids of all series, ascending; borrowed. */
  get all(): Uint32Array {
    return this.#ids.subarray(0, this.#seriesCount);
  }

  /** Gives each pair's list in order of name, then value. The ids are good until `visit` returns. */
  forEach(visit: (nameRef: number, valueRef: number, ids: Uint32Array) => void): void {
    const names = [...this.#numbers.keys()].sort(ascending);
    let slice: [nameRef: number, valueRef: number, pair: number][] = [];
    let size = 0;
    for (const name of names) {
      const values = this.#numbers.get(name)!;
      for (const value of [...values.keys()].sort(ascending)) {
        const pair = values.get(value)!;
        if (size > 0 && size + this.#counts[pair] > SLICE_IDS) {
          this.#visitSlice(slice, size, visit);
          slice = [];
          size = 0;
        }
        slice.push([name, value, pair]);
        size += this.#counts[pair];
      }
    }
    this.#visitSlice(slice, size, visit);
  }

  get #pairCount(): number {
    return (this.#pieces.length - 1) * PIECE_PAIRS + this.#filled;
  }

  /** The last piece, which was full, in a larger place, or a further one. */
  #withRoom(last: Uint32Array): Uint32Array {
    if (last.length < PIECE_PAIRS) {
      const larger = grown(last, new Uint32Array(2 * last.length));
      this.#pieces[this.#pieces.length - 1] = larger;
      return larger;
    }
    const further = new Uint32Array(PIECE_PAIRS);
    this.#pieces.push(further);
    this.#filled = 0;
    return further;
  }

  #visitSlice(
    slice: readonly [nameRef: number, valueRef: number, pair: number][],
    size: number,
    visit: (nameRef: number, valueRef: number, ids: Uint32Array) => void,
  ): void {
    const ids = new Uint32Array(size);
    const next = new Int32Array(this.#counts.length).fill(-1);
    let start = 0;
    for (const [, , pair] of slice) {
      next[pair] = start;
      start += this.#counts[pair];
    }
    let series = 0;
    for (const [n, piece] of this.#pieces.entries()) {
      const count = n === this.#pieces.length - 1 ? this.#filled : PIECE_PAIRS;
      series = this.#distribute(piece.subarray(0, count), n * PIECE_PAIRS, series, next, ids);
    }
    for (const [name, value, pair] of slice) {
      visit(name, value, ids.subarray(next[pair] - this.#counts[pair], next[pair]));
    }
  }

  /**
   * Puts the ids of the series that the pairs belong to into the lists that are wanted; the series of the last pair. A loop
   * of its own, since V8 makes code for what surrounds a long one, too.
   */
  #distribute(pairs: Uint32Array, first: number, from: number, next: Int32Array, into: Uint32Array): number {
    const ids = this.#ids;
    const ends = this.#ends;
    let series = from;
    for (let i = 0; i < pairs.length; i++) {
      while (ends[series] <= first + i) series++;
      const pair = pairs[i];
      if (next[pair] >= 0) into[next[pair]++] = ids[series];
    }
    return series;
  }

  #numberOf(nameRef: number, valueRef: number): number {
    let values = this.#numbers.get(nameRef);
    if (values === undefined) {
      values = new Map();
      this.#numbers.set(nameRef, values);
    }
    let number = values.get(valueRef);
    if (number === undefined) {
      number = this.#counts.length;
      this.#counts.push(0);
      values.set(valueRef, number);
    }
    this.#counts[number]++;
    return number;
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}

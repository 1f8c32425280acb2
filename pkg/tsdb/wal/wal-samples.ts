// The float samples of a record as columns.

/** Grown as samples are pushed; the first `length` places count. Values are kept by bits. */
export class WalSamples {
  refs: Float64Array;
  /** Ms. */
  times: Float64Array;
  values: Float64Array;
  /** The values' bits, low word first. */
  words: Uint32Array;
  /** Start timestamps, 0 for none; undefined where they are not stored. */
  starts: Float64Array | undefined;
  length = 0;

  constructor(capacity = 128, withStarts = false) {
    this.refs = new Float64Array(capacity);
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Uint32Array(this.values.buffer);
    this.starts = withStarts ? new Float64Array(capacity) : undefined;
  }

  /** Adds a sample, its value by the two words of its bits. `start` counts only where starts are stored. */
  push(ref: number, time: number, high: number, low: number, start = 0): void {
    const i = this.length;
    if (i === this.refs.length) this.#grow();
    this.refs[i] = ref;
    this.times[i] = time;
    this.words[2 * i] = low;
    this.words[2 * i + 1] = high;
    if (this.starts !== undefined) this.starts[i] = start;
    this.length = i + 1;
  }

  /** Adds a sample by its number. Not for values whose NaN payload matters. */
  pushValue(ref: number, time: number, value: number, start = 0): void {
    this.push(ref, time, 0, 0, start);
    this.values[this.length - 1] = value;
  }

  #grow(): void {
    const larger = (of: Float64Array): Float64Array => {
      const grown = new Float64Array(Math.max(16, of.length * 2));
      grown.set(of);
      return grown;
    };
    this.refs = larger(this.refs);
    this.times = larger(this.times);
    const words = this.words;
    this.values = new Float64Array(this.refs.length);
    this.words = new Uint32Array(this.values.buffer);
    this.words.set(words);
    if (this.starts !== undefined) this.starts = larger(this.starts);
  }
}

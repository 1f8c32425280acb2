// Where the chunks of one series lie in several blocks, as columns: no object for a chunk.

/** Up to so many are put in order in place. */
const FEW = 64;

export class ChunkPlaces {
  count = 0;
  /** By number: the block a chunk is in. */
  inputs = new Uint32Array(64);
  /** Both inclusive, ms. */
  minTimes = new Float64Array(64);
  maxTimes = new Float64Array(64);
  segments = new Uint32Array(64);
  offsets = new Uint32Array(64);

  clear(): void {
    this.count = 0;
  }

  /** Adds one; any order will do. */
  add(input: number, minTime: number, maxTime: number, segment: number, offset: number): void {
    const at = this.count;
    if (at === this.inputs.length) this.#grow();
    this.inputs[at] = input;
    this.minTimes[at] = minTime;
    this.maxTimes[at] = maxTime;
    this.segments[at] = segment;
    this.offsets[at] = offset;
    this.count = at + 1;
  }

  /** Puts them in order of their start, then their end; of equal ones the first added stays first. */
  sort(): void {
    if (this.#isSorted()) return;
    if (this.count <= FEW) {
      this.#insertAll();
      return;
    }
    const { count, minTimes, maxTimes } = this;
    const order = Array.from({ length: count }, (_, i) => i);
    order.sort((a, b) => minTimes[a] - minTimes[b] || maxTimes[a] - maxTimes[b] || a - b);
    this.inputs = picked(this.inputs, order);
    this.minTimes = picked(this.minTimes, order);
    this.maxTimes = picked(this.maxTimes, order);
    this.segments = picked(this.segments, order);
    this.offsets = picked(this.offsets, order);
  }

  /** By insertion: nothing is allocated, and what comes from two blocks is nearly in order. */
  #insertAll(): void {
    const { count, inputs, minTimes, maxTimes, segments, offsets } = this;
    for (let i = 1; i < count; i++) {
      const input = inputs[i];
      const minTime = minTimes[i];
      const maxTime = maxTimes[i];
      const segment = segments[i];
      const offset = offsets[i];
      let at = i;
      for (; at > 0; at--) {
        const step = minTimes[at - 1] - minTime;
        if (step < 0 || (step === 0 && maxTimes[at - 1] <= maxTime)) break;
        inputs[at] = inputs[at - 1];
        minTimes[at] = minTimes[at - 1];
        maxTimes[at] = maxTimes[at - 1];
        segments[at] = segments[at - 1];
        offsets[at] = offsets[at - 1];
      }
      inputs[at] = input;
      minTimes[at] = minTime;
      maxTimes[at] = maxTime;
      segments[at] = segment;
      offsets[at] = offset;
    }
  }

  #isSorted(): boolean {
    const { count, minTimes, maxTimes } = this;
    for (let i = 1; i < count; i++) {
      const step = minTimes[i] - minTimes[i - 1];
      if (step < 0 || (step === 0 && maxTimes[i] < maxTimes[i - 1])) return false;
    }
    return true;
  }

  #grow(): void {
    const size = 2 * this.inputs.length;
    this.inputs = grown(this.inputs, new Uint32Array(size));
    this.minTimes = grown(this.minTimes, new Float64Array(size));
    this.maxTimes = grown(this.maxTimes, new Float64Array(size));
    this.segments = grown(this.segments, new Uint32Array(size));
    this.offsets = grown(this.offsets, new Uint32Array(size));
  }
}

/** A column of the same size with the first places in another order. */
function picked<T extends Uint32Array | Float64Array>(column: T, order: readonly number[]): T {
  const into = column.slice() as T;
  for (let i = 0; i < order.length; i++) into[i] = column[order[i]];
  return into;
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}

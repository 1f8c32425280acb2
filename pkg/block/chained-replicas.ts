// The order in which one-to-one de-duplication takes samples out of replicas: by time, each time once. Of equal times the
// replica in use goes on; when another has the earliest sample it is that which lies on top of the reference's heap, so
// the heap here moves as a binary heap does, ties included.

/** A replica: the first `length` times count, ascending. */
export interface ReplicaTimes {
  readonly times: ArrayLike<number>;
  readonly length: number;
}

export class ChainedReplicas {
  /** The replica of the sample at hand and its place there. Only after `next` said true. */
  replica = 0;
  index = -1;
  readonly #replicas: readonly ReplicaTimes[];
  readonly #at: Int32Array;
  /** Replicas that are not in use, the one with the earliest sample on top. */
  readonly #heap: number[] = [];
  #lastTime = Number.NEGATIVE_INFINITY;

  constructor(replicas: readonly ReplicaTimes[]) {
    this.#replicas = replicas;
    this.#at = new Int32Array(replicas.length);
    // The first replica is in use from the start, one step before its first sample.
    this.#at[0] = -1;
    for (let i = 1; i < replicas.length; i++) if (replicas[i].length > 0) this.#push(i);
  }

  /** Moves to the next sample; false when there is none. */
  next(): boolean {
    let current = this.replica;
    for (;;) {
      this.#at[current]++;
      const ahead = this.#timeOf(current);
      if (ahead === this.#lastTime) continue;
      if (ahead !== undefined) {
        if (this.#heap.length === 0 || ahead < this.#timeOf(this.#heap[0])!) return this.#take(current, ahead);
        this.#push(current);
      }
      if (this.#heap.length === 0) return false;
      current = this.#pop();
      const time = this.#timeOf(current)!;
      if (time !== this.#lastTime) return this.#take(current, time);
    }
  }

  #take(replica: number, time: number): true {
    this.replica = replica;
    this.index = this.#at[replica];
    this.#lastTime = time;
    return true;
  }

  /** Undefined when the replica has no more samples. */
  #timeOf(replica: number): number | undefined {
    const at = this.#at[replica];
    return at < this.#replicas[replica].length ? this.#replicas[replica].times[at] : undefined;
  }

  #isBefore(a: number, b: number): boolean {
    return this.#timeOf(this.#heap[a])! < this.#timeOf(this.#heap[b])!;
  }

  #push(replica: number): void {
    const heap = this.#heap;
    heap.push(replica);
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #pop(): number {
    const heap = this.#heap;
    const last = heap.length - 1;
    this.#swap(0, last);
    const top = heap.pop()!;
    for (let at = 0; ; ) {
      let child = 2 * at + 1;
      if (child >= last) return top;
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++;
      if (!this.#isBefore(child, at)) return top;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    const kept = heap[a];
    heap[a] = heap[b];
    heap[b] = kept;
  }
}

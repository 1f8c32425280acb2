// A bounded queue between one or more writers and one reader: a full queue makes the writer wait, an empty one the
// reader. It ends by `close` (what is queued is still read) or `fail` (the reader gets the failure at once).

import { Fault } from '../errors/fault.ts';
import { faultOf, sharedSignal } from './deadline.ts';

interface Parked {
  readonly go: () => void;
}

export class Queue<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  #items: T[] = [];
  /** Items before it are read already; the array is cut when half of it is. */
  #head = 0;
  readonly #writers = new Set<Parked>();
  readonly #readers = new Set<Parked>();
  #end: { readonly failure?: unknown } | undefined;

  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity);
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Waits for room. False when the queue has ended: the reader is gone or done, stop writing. */
  async push(item: T, signal: AbortSignal): Promise<boolean> {
    while (this.#end === undefined && this.size >= this.#capacity) await park(this.#writers, signal);
    if (signal.aborted) throw faultOf(signal);
    if (this.#end !== undefined) return false;
    this.#items.push(item);
    wakeOne(this.#readers);
    return true;
  }

  /** The next item; undefined when the queue was closed and is empty. Throws what `fail` was given. */
  async shift(signal: AbortSignal): Promise<T | undefined> {
    for (;;) {
      if (signal.aborted) throw faultOf(signal);
      if (this.#end !== undefined && 'failure' in this.#end) throw this.#end.failure;
      if (this.size > 0) return this.#take();
      if (this.#end !== undefined) return undefined;
      await park(this.#readers, signal);
    }
  }

  /** No more items. Those queued are still read. */
  close(): void {
    if (this.#end !== undefined) return;
    this.#end = {};
    this.#wakeAll();
  }

  /** Drops what is queued; readers throw the failure. */
  fail(failure: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { failure };
    this.#items = [];
    this.#head = 0;
    this.#wakeAll();
  }

  /** Reads to the end. Leaving the loop early ends the queue for its writers. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    const never = sharedSignal(new AbortController().signal);
    try {
      for (;;) {
        const item = await this.shift(never);
        if (item === undefined && this.size === 0 && this.#end !== undefined) return;
        yield item as T;
      }
    } finally {
      this.fail(new Fault('canceled', 'the reader of the queue left'));
    }
  }

  #take(): T {
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined as T; // Lets go of it now, not when the array is cut.
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    wakeOne(this.#writers);
    return item;
  }

  #wakeAll(): void {
    for (const parked of [...this.#readers, ...this.#writers]) parked.go();
    this.#readers.clear();
    this.#writers.clear();
  }
}

function park(line: Set<Parked>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(faultOf(signal));
      return;
    }
    const onAbort = () => {
      line.delete(parked);
      reject(faultOf(signal));
    };
    const parked: Parked = {
      go: () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
    };
    signal.addEventListener('abort', onAbort, { once: true });
    line.add(parked);
  });
}

function wakeOne(line: Set<Parked>): void {
  const first = line.values().next().value;
  if (first === undefined) return;
  line.delete(first);
  first.go();
}

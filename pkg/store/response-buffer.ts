// One endpoint's stream, read ahead within a bound of bytes, with its own patience and its own way to be cancelled.

import { type Deadline, linked, orAbort, throwIfAborted, withTimeout } from '../async/deadline.ts';
import { Fault } from '../errors/fault.ts';
import { printDuration } from '../model/duration.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { SeriesBatch } from './store.ts';

export interface ResponseBufferOptions {
  /** Aborting it cancels the stream. */
  readonly signal: AbortSignal;
  /** Longest wait for one message; 0 waits for ever. */
  readonly responseTimeoutMs: number;
  /** Reading ahead stops when this much waits to be taken; one batch may overshoot it. */
  readonly maxBytes: number;
}

/**
 * Starts to read at once and hands the batches out in order. `next` throws what the stream threw, `timeout` when a
 * message took too long, or the reason of the signal. `return` cancels the stream and resolves when it has let go, or
 * at once when it does not listen.
 */
export class ResponseBuffer implements AsyncIterableIterator<SeriesBatch> {
  readonly #options: ResponseBufferOptions;
  readonly #cancel: Deadline;
  readonly #waiting: { readonly batch: SeriesBatch; readonly bytes: number }[] = [];
  readonly #pump: Promise<void>;
  #waitingBytes = 0;
  #isEnded = false;
  #failure: unknown;
  #wakeReader: () => void = () => {};
  #wakePump: () => void = () => {};

  constructor(open: (signal: AbortSignal) => AsyncIterable<SeriesBatch>, options: ResponseBufferOptions) {
    this.#options = options;
    this.#cancel = linked(options.signal);
    this.#pump = this.#run(open);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<SeriesBatch, undefined>> {
    for (;;) {
      const first = this.#waiting.shift();
      if (first !== undefined) {
        this.#waitingBytes -= first.bytes;
        this.#wakePump();
        return { done: false, value: first.batch };
      }
      if (this.#isEnded) {
        const failure = this.#failure;
        this.#failure = undefined;
        if (failure !== undefined) throw failure;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<SeriesBatch, undefined>> {
    if (!this.#isEnded) this.#cancel.abort(new Fault('canceled', 'no longer needed'));
    this.#wakePump();
    await this.#pump;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#failure = undefined;
    return { done: true, value: undefined };
  }

  async #run(open: (signal: AbortSignal) => AsyncIterable<SeriesBatch>): Promise<void> {
    let stream: AsyncIterator<SeriesBatch> | undefined;
    let isListening = true;
    try {
      stream = open(this.#cancel.signal)[Symbol.asyncIterator]();
      for (;;) {
        isListening = false;
        const result = await this.#patiently(stream.next());
        isListening = true;
        if (result.done === true) break;
        const bytes = batchBytes(result.value);
        this.#waiting.push({ batch: result.value, bytes });
        this.#waitingBytes += bytes;
        this.#wakeReader();
        await this.#room();
      }
    } catch (thrown) {
      this.#failure = thrown;
      this.#cancel.abort(thrown);
    } finally {
      this.#isEnded = true;
      this.#wakeReader();
      this.#cancel.release();
      // A generator that hangs inside next() would make us wait for it here; it has the signal and must do with that.
      const closed = stream?.return?.();
      if (closed !== undefined) {
        if (isListening) await closed.catch(() => {});
        else closed.catch(() => {});
      }
    }
  }

  async #room(): Promise<void> {
    const { signal } = this.#cancel;
    while (this.#waitingBytes >= this.#options.maxBytes) {
      const taken = new Promise<void>((resolve) => {
        this.#wakePump = resolve;
      });
      await orAbort(taken, signal);
    }
    throwIfAborted(signal);
  }

  async #patiently<T>(work: Promise<T>): Promise<T> {
    const { responseTimeoutMs } = this.#options;
    if (responseTimeoutMs <= 0) return await orAbort(work, this.#cancel.signal);
    const limit = withTimeout(this.#cancel.signal, responseTimeoutMs, silenceText(responseTimeoutMs));
    try {
      return await orAbort(work, limit.signal);
    } finally {
      limit.release();
    }
  }
}

/** What is said of an endpoint that sent nothing for so long. */
export function silenceText(timeoutMs: number): string {
  return `failed to receive any data in ${printDuration(timeoutMs)}`;
}

/** What a batch keeps alive: the bytes of its chunk tables and a guess at its labels. */
export function batchBytes(batch: SeriesBatch): number {
  let bytes = 0;
  let last: ChunkTable | undefined;
  for (const { labels, chunks } of batch.series) {
    bytes += 64 + labels.flat.length * 24;
    for (const { table } of chunks) {
      // Neighbours of one frame share a table.
      if (table !== last) bytes += table.bytes.length + table.length * 32;
      last = table;
    }
  }
  return bytes;
}

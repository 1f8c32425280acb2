// A stream of bytes that lets go of what it holds, also when nobody has read from it: an async generator that was never
// started skips its `finally`, which would leave a file or a socket open.

export interface ByteSource {
  /** The next bytes, never empty; undefined at the end. */
  pull(): Promise<Uint8Array | undefined>;
  /** Frees what is held. Called once: at the end, after a failure, or when the reader leaves. */
  close(): Promise<void>;
}

export class ByteStream implements AsyncIterableIterator<Uint8Array> {
  readonly #source: ByteSource;
  #isClosed = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isClosed) return { done: true, value: undefined };
    try {
      const bytes = await this.#source.pull();
      if (bytes !== undefined) return { done: false, value: bytes };
    } catch (thrown) {
      await this.#close();
      throw thrown;
    }
    await this.#close();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#close();
    return { done: true, value: undefined };
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#source.close();
  }
}

// A file at a distance as bytes that can be read at once: pages of it are kept, and what is missing is fetched in between.
//
// Whoever reads runs in `readThrough`. A read of bytes that are not there ends the run, they are fetched, and the run
// begins anew: so every reader of a format in memory reads over a network as well. A run has to be repeatable, and is
// begun as often as it comes upon something new, so one that wants many places names them with `prefetch` first.

import { type ByteSource, checkRange } from '../bytes/byte-source.ts';
import { Fault } from '../errors/fault.ts';
import type { BlockSource } from './block-source.ts';

const PAGE_BYTES = 64 * 1024;
/** Most that one request asks for, as far as one read does not want more. */
const REQUEST_BYTES = 4 * 1024 * 1024;
const REQUESTS_AT_ONCE = 4;

export interface Range {
  readonly offset: number;
  readonly length: number;
}

export class PagedSource implements ByteSource {
  readonly file: string;
  readonly sizeBytes: number;
  readonly #source: BlockSource;
  readonly #budgetBytes: number;
  /** By number, the least recently used first. */
  readonly #pages = new Map<number, Uint8Array>();
  #missing: Range | undefined;
  /** The page used last, where the next read mostly is too. */
  #last: Uint8Array = new Uint8Array(0);
  #lastOffset = 0;

  /** Keeps about `budgetBytes` of the file between runs. */
  constructor(source: BlockSource, file: string, sizeBytes: number, budgetBytes: number) {
    this.#source = source;
    this.file = file;
    this.sizeBytes = sizeBytes;
    this.#budgetBytes = budgetBytes;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(offset, length, this.sizeBytes);
    const inLast = offset - this.#lastOffset;
    if (inLast >= 0 && inLast + length <= this.#last.length) return this.#last.subarray(inLast, inLast + length);
    const first = Math.floor(offset / PAGE_BYTES);
    const last = Math.floor(Math.max(offset, offset + length - 1) / PAGE_BYTES);
    for (let page = first; page <= last; page++) {
      if (this.#pages.has(page) || length === 0) continue;
      this.#missing = { offset, length };
      throw new Fault('internal', `${this.file}: bytes ${offset} to ${offset + length} are not here yet`);
    }
    if (length === 0) return new Uint8Array(0);
    const from = offset - first * PAGE_BYTES;
    if (first === last) return this.#used(first).subarray(from, from + length);
    const out = new Uint8Array(length);
    let done = 0;
    for (let page = first; page <= last; page++) {
      const bytes = this.#used(page);
      const start = page === first ? from : 0;
      const part = bytes.subarray(start, Math.min(bytes.length, start + length - done));
      out.set(part, done);
      done += part.length;
    }
    return out;
  }

  /** Fetches what is not there of these ranges, neighbours together. */
  async prefetch(ranges: readonly Range[], signal?: AbortSignal): Promise<void> {
    const wanted = new Set<number>();
    for (const { offset, length } of ranges) {
      const end = Math.min(this.sizeBytes, offset + length);
      for (let page = Math.floor(offset / PAGE_BYTES); page * PAGE_BYTES < end; page++) {
        if (!this.#pages.has(page)) wanted.add(page);
      }
    }
    const requests: { first: number; last: number }[] = [];
    for (const page of [...wanted].sort((a, b) => a - b)) {
      const request = requests.at(-1);
      const isNext = request !== undefined && page === request.last + 1;
      if (isNext && (page + 1 - request.first) * PAGE_BYTES <= REQUEST_BYTES) request.last = page;
      else requests.push({ first: page, last: page });
    }
    for (let i = 0; i < requests.length; i += REQUESTS_AT_ONCE) {
      const round = requests.slice(i, i + REQUESTS_AT_ONCE);
      await Promise.all(round.map(({ first, last }) => this.#fetch(first, last, signal)));
    }
  }

  /** What the last run came upon and did not have; asked once. */
  takeMissing(): Range | undefined {
    const missing = this.#missing;
    this.#missing = undefined;
    return missing;
  }

  /** Lets go of what was not used lately. Not while something runs. */
  shrink(): void {
    let over = this.#pages.size - Math.max(1, Math.floor(this.#budgetBytes / PAGE_BYTES));
    for (const page of this.#pages.keys()) {
      if (over-- <= 0) return;
      this.#pages.delete(page);
    }
  }

  async #fetch(first: number, last: number, signal: AbortSignal | undefined): Promise<void> {
    const offset = first * PAGE_BYTES;
    const length = Math.min(this.sizeBytes, (last + 1) * PAGE_BYTES) - offset;
    const bytes = await this.#source.read(this.file, offset, length, signal);
    if (bytes.length !== length) {
      throw new Fault('corrupt', `${this.file} has ${bytes.length} bytes at ${offset} where there should be ${length}`);
    }
    for (let page = first; page <= last; page++) {
      const at = (page - first) * PAGE_BYTES;
      // A copy, so that a page that stays does not keep its neighbours.
      this.#pages.set(page, bytes.slice(at, at + PAGE_BYTES));
    }
  }

  #used(page: number): Uint8Array {
    const bytes = this.#pages.get(page)!;
    this.#pages.delete(page);
    this.#pages.set(page, bytes);
    this.#last = bytes;
    this.#lastOffset = page * PAGE_BYTES;
    return bytes;
  }
}

/**
 * Runs what reads from the sources, again and again until nothing is missing, and gives its result. `run` must be good to
 * repeat. One run at a time may use a source.
 */
export async function readThrough<T>(sources: readonly PagedSource[], run: () => T, signal?: AbortSignal): Promise<T> {
  for (const source of sources) source.shrink();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return run();
    } catch (thrown) {
      let isMissing = false;
      for (const source of sources) {
        const missing = source.takeMissing();
        if (missing === undefined) continue;
        isMissing = true;
        await source.prefetch([missing], signal);
      }
      if (!isMissing) throw thrown;
    }
  }
}

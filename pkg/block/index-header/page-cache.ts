// Pages of local files in memory, the least recently used going first: what a mapping would give, with a fixed size.
//
// Reads are synchronous. A mapped file stops the program for a page from disk just the same; going through promises for
// each of the millions of lookups that hit would cost far more than the few that miss.

import { closeSync, openSync, readSync } from 'node:fs';
import { Fault } from '../../errors/fault.ts';

const PAGE_BYTES = 16 * 1024;

/** A file opened through the cache. */
export interface PagedFile {
  readonly id: number;
  readonly path: string;
  readonly descriptor: number;
  readonly sizeBytes: number;
}

export class PageCache {
  readonly #capacity: number;
  /** In order of use, the oldest first; keyed by file and page. */
  readonly #pages = new Map<number, Uint8Array>();
  #nextFile = 0;

  constructor(budgetBytes: number) {
    this.#capacity = Math.max(4, Math.floor(budgetBytes / PAGE_BYTES));
  }

  get sizeBytes(): number {
    return this.#pages.size * PAGE_BYTES;
  }

  open(path: string, sizeBytes: number): PagedFile {
    // Ids count up and leave room for 2^28 pages a file, 4 TiB, below the safe integers.
    return { id: this.#nextFile++, path, descriptor: openSync(path, 'r'), sizeBytes };
  }

  close(file: PagedFile): void {
    closeSync(file.descriptor);
    const first = file.id * 2 ** 28;
    const pageCount = Math.ceil(file.sizeBytes / PAGE_BYTES);
    if (pageCount < this.#pages.size) {
      for (let page = 0; page < pageCount; page++) this.#pages.delete(first + page);
    } else {
      for (const key of this.#pages.keys()) if (key >= first && key < first + 2 ** 28) this.#pages.delete(key);
    }
  }

  /** Bytes [offset, offset + length), which must lie in the file. A view of a page where one holds them, else a copy: read only. */
  read(file: PagedFile, offset: number, length: number): Uint8Array {
    if (offset < 0 || offset + length > file.sizeBytes) {
      throw new Fault(
        'corrupt',
        `${file.path}: bytes ${offset} to ${offset + length} are outside of ${file.sizeBytes}`,
      );
    }
    const firstPage = Math.floor(offset / PAGE_BYTES);
    const start = offset - firstPage * PAGE_BYTES;
    if (start + length <= PAGE_BYTES) return this.#page(file, firstPage).subarray(start, start + length);
    const out = new Uint8Array(length);
    for (let done = 0, page = firstPage, from = start; done < length; page++, from = 0) {
      const bytes = this.#page(file, page);
      const count = Math.min(bytes.length - from, length - done);
      out.set(bytes.subarray(from, from + count), done);
      done += count;
    }
    return out;
  }

  /** From `offset` to the end of its page: at least one byte, as many as come without a copy. */
  restOfPage(file: PagedFile, offset: number, end: number): Uint8Array {
    const inPage = PAGE_BYTES - (offset % PAGE_BYTES);
    return this.read(file, offset, Math.min(inPage, end - offset));
  }

  #page(file: PagedFile, page: number): Uint8Array {
    const key = file.id * 2 ** 28 + page;
    const known = this.#pages.get(key);
    if (known !== undefined) {
      // Marking the use of a page costs two map operations, so it is done only when eviction is near at all.
      if (this.#pages.size * 2 > this.#capacity) {
        this.#pages.delete(key);
        this.#pages.set(key, known);
      }
      return known;
    }
    const bytes = readFully(file, page * PAGE_BYTES, Math.min(PAGE_BYTES, file.sizeBytes - page * PAGE_BYTES));
    if (this.#pages.size >= this.#capacity) {
      for (const oldest of this.#pages.keys()) {
        this.#pages.delete(oldest);
        break;
      }
    }
    this.#pages.set(key, bytes);
    return bytes;
  }
}

/** Reads past the cache: for passes over a whole file. */
export function readFully(file: PagedFile, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(file.descriptor, bytes, done, length - done, offset + done);
    if (count === 0) throw new Fault('corrupt', `${file.path} ends early, at ${offset + done}`);
    done += count;
  }
  return bytes;
}

// Files kept open between ranged reads: a query reads a block's few files again and again, and opening one takes longer
// than reading from it.

import type { FileHandle } from 'node:fs/promises';
import { openFileShare } from './open-file-share.ts';

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  /** Reads in hand; a file that was dropped is closed after the last one. */
  readers: number;
  isDropped: boolean;
  readonly openedMs: number;
}

/** A file that was replaced behind our back is read in its old state for this long at most. */
const MOST_AGE_MS = 5_000;

export class OpenFiles {
  readonly #open: (path: string) => Promise<FileHandle>;
  readonly #files = new Map<string, OpenFile>();
  /** Of these the ones that nobody reads, least recently used first. */
  readonly #idle = new Map<string, OpenFile>();
  readonly #mostFiles: number;
  readonly #closing = new Set<Promise<void>>();
  #sweeper: NodeJS.Timeout | undefined;

  /** More than `mostFiles` are open only while more are being read. */
  constructor(open: (path: string) => Promise<FileHandle>, mostFiles = openFileShare()) {
    this.#open = open;
    this.#mostFiles = mostFiles;
  }

  /** Runs `read` with the file at `path` open. What opening throws is thrown, and forgotten. */
  async using<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
    const file = this.#files.get(path) ?? {
      handle: this.#open(path),
      readers: 0,
      isDropped: false,
      openedMs: Date.now(),
    };
    this.#files.set(path, file);
    this.#idle.delete(path);
    file.readers++;
    this.#sweeper ??= setInterval(() => this.#sweep(), MOST_AGE_MS).unref();
    try {
      return await read(await file.handle);
    } catch (thrown) {
      this.#drop(path, file);
      throw thrown;
    } finally {
      file.readers--;
      if (file.readers === 0) {
        if (file.isDropped) await closed(file);
        else this.#idle.set(path, file);
      }
      if (this.#files.size > this.#mostFiles) this.#dropOldest();
    }
  }

  /** The object was replaced or deleted: the next read opens it anew. */
  forget(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) this.#drop(path, file);
  }

  /** Nothing is open when this returns, but for reads in hand. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    for (const [path, file] of this.#files) this.#drop(path, file);
    await Promise.all(this.#closing);
  }

  #drop(path: string, file: OpenFile): void {
    if (this.#files.get(path) === file) this.#files.delete(path);
    if (this.#idle.get(path) === file) this.#idle.delete(path);
    if (file.isDropped) return;
    file.isDropped = true;
    if (file.readers === 0) this.#close(file);
  }

  /** Nobody waits for it now; `close` does. */
  #close(file: OpenFile): void {
    const closing = closed(file).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #dropOldest(): void {
    for (const [path, file] of this.#idle) {
      if (this.#files.size <= this.#mostFiles) return;
      this.#drop(path, file);
    }
  }

  #sweep(): void {
    const oldest = Date.now() - MOST_AGE_MS;
    for (const [path, file] of this.#files) {
      if (file.openedMs < oldest) this.#drop(path, file);
    }
    if (this.#files.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

/** Never rejects: a file that could not be opened has nothing to close. */
async function closed(file: OpenFile): Promise<void> {
  try {
    await (await file.handle).close();
  } catch {
    // Told to the reader already, or lost with the disk it was on.
  }
}

// Room on the local disk, spoken for before a run begins: runs side by side each count on their own.

import { statfs } from 'node:fs/promises';
import { orAbort } from '../async/deadline.ts';
import { Fault } from '../errors/fault.ts';

export class DiskSpace {
  #reservedBytes = 0;
  /** Of each run that has spoken for room, when it is over. */
  readonly #runs = new Set<Promise<void>>();

  /**
   * Speaks for so many bytes below a directory that exists; call what it gives back when the run is over. Waits for other
   * runs to end while there is no room beside them; `limit`, with both numbers, when there is none without them either.
   */
  async reserve(signal: AbortSignal, directory: string, bytes: number, freeBytes = freeBytesOf): Promise<() => void> {
    for (;;) {
      const free = (await freeBytes(directory)) - this.#reservedBytes;
      if (bytes <= free) return this.#take(bytes);
      if (this.#runs.size === 0) {
        throw new Fault('limit', `the compaction needs ${bytes} bytes of disk in ${directory}, ${free} are free`);
      }
      await orAbort(Promise.race(this.#runs), signal);
    }
  }

  #take(bytes: number): () => void {
    this.#reservedBytes += bytes;
    let end = (): void => {};
    const run = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#runs.add(run);
    return () => {
      if (!this.#runs.delete(run)) return;
      this.#reservedBytes -= bytes;
      end();
    };
  }
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

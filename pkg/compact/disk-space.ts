// Room on the local disk, spoken for before a run begins: runs side by side each count on their own.

import { statfs } from 'node:fs/promises';
import { Fault } from '../errors/fault.ts';

export class DiskSpace {
  #reservedBytes = 0;

  /**
   * Speaks for so many bytes below a directory that exists; call what it gives back when the run is over. `limit`, with
   * both numbers, when they are not free.
   */
  async reserve(directory: string, bytes: number, freeBytes = freeBytesOf): Promise<() => void> {
    const free = (await freeBytes(directory)) - this.#reservedBytes;
    if (bytes > free) {
      const others = this.#reservedBytes === 0 ? '' : ` beside the ${this.#reservedBytes} of other runs`;
      throw new Fault(
        'limit',
        `the compaction needs ${bytes} bytes of disk in ${directory}, ${free} are free${others}`,
      );
    }
    this.#reservedBytes += bytes;
    let isReserved = true;
    return () => {
      if (isReserved) this.#reservedBytes -= bytes;
      isReserved = false;
    };
  }
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

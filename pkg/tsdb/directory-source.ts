// The files of a block in a local directory. The system keeps what was read of them, so they are read at once, and nothing is
// kept here: a hundred thousand small reads through the pool of threads take longer than all the rest of a query.

import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { during, Fault, kindOf } from '../errors/fault.ts';
import type { BlockSource } from './block-source.ts';
import { FileSource } from './local-file.ts';

export class DirectorySource implements BlockSource {
  readonly name: string;
  readonly #open: FileSource[] = [];

  constructor(directory: string) {
    this.name = directory;
  }

  async sizeOf(file: string): Promise<number | undefined> {
    try {
      return (await stat(join(this.name, file))).size;
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return undefined;
      throw during(`look at ${file}`, thrown);
    }
  }

  async read(file: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    try {
      const handle = await open(join(this.name, file), 'r');
      try {
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length; ) {
          const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
          if (bytesRead === 0) throw new Fault('corrupt', `it ends at ${offset + done}`);
          done += bytesRead;
        }
        return bytes;
      } finally {
        await handle.close();
      }
    } catch (thrown) {
      throw during(`read ${file}`, thrown);
    }
  }

  openFile(file: string): FileSource {
    const opened = new FileSource(join(this.name, file));
    this.#open.push(opened);
    return opened;
  }

  async close(): Promise<void> {
    for (const file of this.#open.splice(0)) file.close();
  }
}

// The files of a block in a local directory.

import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { during, Fault, kindOf } from '../errors/fault.ts';
import type { BlockSource } from './block-source.ts';

export class DirectorySource implements BlockSource {
  readonly name: string;
  readonly #open = new Map<string, Promise<FileHandle>>();

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
    let opening = this.#open.get(file);
    if (opening === undefined) {
      opening = open(join(this.name, file), 'r');
      this.#open.set(file, opening);
    }
    try {
      const handle = await opening;
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new Fault('corrupt', `it ends at ${offset + done}`);
        done += bytesRead;
      }
      return bytes;
    } catch (thrown) {
      throw during(`read ${file}`, thrown);
    }
  }

  async close(): Promise<void> {
    const opened = [...this.#open.values()];
    this.#open.clear();
    for (const handle of await Promise.allSettled(opened))
      if (handle.status === 'fulfilled') await handle.value.close();
  }
}

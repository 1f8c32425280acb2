// The files of a block while it is written: aside, under `<ulid>.tmp-for-creation`, renamed when complete.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../errors/fault.ts';
import { type BlockMeta, META_FILE, printBlockMeta } from './block-meta.ts';
import { FileSink, syncDirectory } from './local-file.ts';
import { noTombstones, printTombstones } from './tombstones.ts';

/** What a directory is called until it is complete; leftovers are to be deleted. */
const CREATION_SUFFIX = '.tmp-for-creation';

export class BlockFiles {
  /** Where the files lie until `commit`. */
  readonly aside: string;
  readonly #final: string;
  readonly #isDurable: boolean;
  readonly #open = new Set<FileSink>();

  /**
   * Makes the directory aside in `parent`. End with `commit` or `abort`. `conflict` when the block exists. One that is not
   * durable is for this process only: after a crash of the machine anything may be left of it.
   */
  constructor(parent: string, ulid: string, isDurable = true) {
    this.#final = join(parent, ulid);
    this.#isDurable = isDurable;
    this.aside = this.#final + CREATION_SUFFIX;
    if (existsSync(this.#final)) throw new Fault('conflict', `block ${ulid} exists`);
    rmSync(this.aside, { recursive: true, force: true });
    mkdirSync(join(this.aside, 'chunks'), { recursive: true });
  }

  /** A new file by its path in the block. Its `finish` closes it. */
  create(name: string, bufferBytes?: number): FileSink {
    const sink = new FileSink(join(this.aside, name), { isDurable: this.#isDurable, bufferBytes });
    this.#open.add(sink);
    return sink;
  }

  /** Writes what else a block has, and gives it its name: everything durable is on the disk when this returns. */
  commit(meta: BlockMeta): void {
    this.#write(META_FILE, new TextEncoder().encode(printBlockMeta(meta)));
    this.#write('tombstones', printTombstones(noTombstones));
    this.#sync(join(this.aside, 'chunks'));
    this.#sync(this.aside);
    renameSync(this.aside, this.#final);
    this.#sync(join(this.#final, '..'));
  }

  /** Gives up: nothing of the block stays. */
  abort(): void {
    for (const file of this.#open) file.abandon();
    this.#open.clear();
    rmSync(this.aside, { recursive: true, force: true });
  }

  #sync(directory: string): void {
    if (this.#isDurable) syncDirectory(directory);
  }

  #write(name: string, bytes: Uint8Array): void {
    const sink = this.create(name, bytes.length);
    sink.write(bytes);
    sink.finish();
  }
}

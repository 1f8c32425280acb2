// All index-headers of a process: built when missing, opened when used, closed when memory is wanted for others.
//
// What open readers keep is counted, and the least recently used ones are closed when the sum passes the budget: memory
// depends on the budget and on what is being asked, not on how many blocks the bucket has.

import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestContext } from '../../async/request.ts';
import { SingleFlight } from '../../async/single-flight.ts';
import { Fault, kindOf } from '../../errors/fault.ts';
import { makeWritable } from '../../lifecycle/make-writable.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import { openFileShare } from '../../objstore/open-file-share.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { PageCache } from './page-cache.ts';
import { IndexHeaderReader } from './reader.ts';
import { writeIndexHeader } from './writer.ts';

export interface ReaderPoolDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
}

export interface ReaderPoolConfig {
  /** Headers lie in `<directory>/<ULID>/index-header`. */
  readonly directory: string;
  /** Pages of header files in memory. */
  readonly pageCacheBytes: number;
  /** Kept values and symbols of open readers. */
  readonly readerBytes: number;
  /** Whether files outlive the process. */
  readonly keepFiles: boolean;
}

export const defaultReaderPoolConfig = { pageCacheBytes: 64 * 1024 * 1024, readerBytes: 128 * 1024 * 1024 } as const;

/** A reader in use: it is not closed before `release`. */
export interface ReaderLease {
  readonly reader: IndexHeaderReader;
  release(): void;
}

interface Slot {
  readonly reader: IndexHeaderReader;
  userCount: number;
  isRemoved: boolean;
  /** What of its memory is in the sum. */
  countedBytes: number;
}

/** What the strings that readers share may take before the dictionary starts anew. */
const INTERNED_BYTES = 32 * 1024 * 1024;

export class ReaderPool {
  readonly #deps: ReaderPoolDeps;
  readonly #config: ReaderPoolConfig;
  readonly #pages: PageCache;
  /** In order of use, the oldest first. */
  readonly #slots = new Map<string, Slot>();
  readonly #building = new SingleFlight<string, void>();
  /** Blocks whose files are ours to delete when they are not to be kept. */
  readonly #prepared = new Set<string>();
  readonly #interned = new Map<string, string>();
  #internedBytes = 0;
  /** Of all readers, as of the last use of each. */
  #readerBytes = 0;
  /** Each has its file open. */
  readonly #mostReaders = openFileShare();

  constructor(deps: ReaderPoolDeps, config: ReaderPoolConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#pages = new PageCache(config.pageCacheBytes);
  }

  get openCount(): number {
    return this.#slots.size;
  }

  /** Bytes of readers and pages, about. */
  get memoryBytes(): number {
    return this.#pages.sizeBytes + this.#internedBytes + this.#readerBytes;
  }

  /** Makes the directory. Throws where it cannot be written to, naming `--data-dir`. */
  start(): void {
    makeWritable(this.#config.directory, '--data-dir');
  }

  /** Sees to it that the block's header is on disk. Does not open it. */
  async prepare(request: RequestContext, ulid: string): Promise<void> {
    const path = this.#path(ulid);
    if (!this.#config.keepFiles) this.#prepared.add(ulid);
    if (this.#slots.has(ulid) || (await exists(path))) return;
    await this.#build(request, ulid, path);
  }

  /** Opens the block's header, building it first where it is missing, and again where its file is damaged. */
  async acquire(request: RequestContext, ulid: string): Promise<ReaderLease> {
    const slot = this.#slots.get(ulid) ?? (await this.#open(request, ulid));
    this.#slots.delete(ulid);
    this.#slots.set(ulid, slot);
    slot.userCount++;
    let isHeld = true;
    this.#shrink();
    return {
      reader: slot.reader,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        slot.userCount--;
        this.#count(slot);
        if (slot.isRemoved && slot.userCount === 0) slot.reader.close();
      },
    };
  }

  /** Forgets a block and deletes its file; a reader in use is closed by its last user. */
  async remove(ulid: string): Promise<void> {
    const slot = this.#slots.get(ulid);
    if (slot !== undefined) this.#drop(ulid, slot);
    this.#prepared.delete(ulid);
    await rm(join(this.#config.directory, ulid), { recursive: true, force: true });
  }

  /** Closes what nobody uses, and deletes the files unless they are to be kept. */
  async close(): Promise<void> {
    for (const [ulid, slot] of this.#slots) {
      this.#drop(ulid, slot);
    }
    if (!this.#config.keepFiles) for (const ulid of this.#prepared) await this.remove(ulid);
    this.#interned.clear();
  }

  async #open(request: RequestContext, ulid: string): Promise<Slot> {
    const path = this.#path(ulid);
    await this.prepare(request, ulid);
    let reader: IndexHeaderReader;
    try {
      reader = this.#read(path);
    } catch (thrown) {
      const kind = kindOf(thrown);
      if (kind !== 'corrupt' && kind !== 'not-found') throw thrown;
      this.#deps.logger.warn('index-header is damaged, building it again', { block: ulid, err: String(thrown) });
      await rm(path, { force: true });
      await this.#build(request, ulid, path);
      reader = this.#read(path);
    }
    // Somebody else may have opened it while we waited; opening itself is synchronous.
    const known = this.#slots.get(ulid);
    if (known !== undefined) {
      reader.close();
      return known;
    }
    const slot = { reader, userCount: 0, isRemoved: false, countedBytes: 0 };
    this.#slots.set(ulid, slot);
    this.#count(slot);
    return slot;
  }

  #read(path: string): IndexHeaderReader {
    // No reader may fill the whole budget alone with symbols.
    const symbolBudgetBytes = Math.max(256 * 1024, this.#config.readerBytes / 8);
    return IndexHeaderReader.open(path, this.#pages, { symbolBudgetBytes, intern: (text) => this.#intern(text) });
  }

  async #build(request: RequestContext, ulid: string, path: string): Promise<void> {
    await this.#building.run(ulid, request.signal, (signal) =>
      writeIndexHeader({ ...request, signal }, this.#deps.bucket, ulid, path),
    );
  }

  /** A reader grows as it is used. */
  #count(slot: Slot): void {
    const bytes = slot.isRemoved ? 0 : slot.reader.memoryBytes;
    this.#readerBytes += bytes - slot.countedBytes;
    slot.countedBytes = bytes;
  }

  #shrink(): void {
    const isTooMuch = (): boolean =>
      this.#readerBytes > this.#config.readerBytes || this.#slots.size > this.#mostReaders;
    if (!isTooMuch()) return;
    for (const [ulid, slot] of this.#slots) {
      if (slot.userCount > 0) continue;
      this.#drop(ulid, slot);
      if (!isTooMuch()) return;
    }
  }

  #drop(ulid: string, slot: Slot): void {
    this.#slots.delete(ulid);
    slot.isRemoved = true;
    this.#count(slot);
    if (slot.userCount === 0) slot.reader.close();
  }

  /** One object for equal strings of all blocks: merging blocks then mostly compares pointers. */
  #intern(text: string): string {
    const known = this.#interned.get(text);
    if (known !== undefined) return known;
    if (this.#internedBytes > INTERNED_BYTES) {
      this.#interned.clear();
      this.#internedBytes = 0;
    }
    this.#interned.set(text, text);
    this.#internedBytes += text.length + 64;
    return text;
  }

  #path(ulid: string): string {
    // The name becomes a directory: never trust it to be more than a name.
    if (!/^[0-9A-Za-z]{26}$/.test(ulid)) throw new Fault('invalid', `not a block identifier: ${ulid}`);
    return join(this.#config.directory, ulid, 'index-header');
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

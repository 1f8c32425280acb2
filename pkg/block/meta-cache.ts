// Copies of meta.json that were fetched before: in memory, and in `<directory>/<ULID>/meta.json` over restarts. A copy
// that cannot be read or written costs a fetch, nothing else.

import { readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LoopTurn } from '../async/loop-turn.ts';
import { kindOf, messageOf } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import { META_FILE } from './layout.ts';
import { type BlockMeta, parseMeta } from './meta.ts';

interface Entry {
  readonly meta: BlockMeta;
  readonly modifiedMs: number | undefined;
}

export class MetaCache {
  readonly #directory: string | undefined;
  readonly #turn = new LoopTurn();
  readonly #logger: Logger;
  #memory = new Map<string, Entry>();

  /** Without a directory it lives in memory only. */
  constructor(logger: Logger, directory: string | undefined) {
    this.#logger = logger;
    this.#directory = directory;
  }

  /**
   * The copy, unless the object has another modification time than the copy was made from. Undefined as the time means
   * that any copy will do: blocks are immutable.
   */
  async get(ulid: string, modifiedMs: number | undefined): Promise<BlockMeta | undefined> {
    const known = this.#memory.get(ulid);
    if (known !== undefined) return isSameTime(known.modifiedMs, modifiedMs) ? known.meta : undefined;
    if (this.#directory === undefined) return undefined;
    const path = join(this.#directory, ulid, META_FILE);
    try {
      // In place: handing a file of a kilobyte to the thread pool takes longer than reading it.
      await this.#turn.share();
      const found = statSync(path, { throwIfNoEntry: false });
      if (found === undefined) return undefined;
      const copiedMs = Math.round(found.mtimeMs);
      if (!isSameTime(copiedMs, modifiedMs)) return undefined;
      const meta = parseMeta(readFileSync(path));
      if (meta.ulid !== ulid) return undefined;
      this.#memory.set(ulid, { meta, modifiedMs: copiedMs });
      return meta;
    } catch (thrown) {
      if (kindOf(thrown) !== 'not-found') this.#warn('copy of a block meta cannot be read', ulid, thrown);
      return undefined;
    }
  }

  async put(ulid: string, modifiedMs: number | undefined, meta: BlockMeta, bytes: Uint8Array): Promise<void> {
    this.#memory.set(ulid, { meta, modifiedMs });
    if (this.#directory === undefined) return;
    const path = join(this.#directory, ulid, META_FILE);
    try {
      await mkdir(join(this.#directory, ulid), { recursive: true });
      await writeFile(`${path}.tmp`, bytes);
      if (modifiedMs !== undefined) await utimes(`${path}.tmp`, modifiedMs / 1000, modifiedMs / 1000);
      await rename(`${path}.tmp`, path);
    } catch (thrown) {
      this.#warn('copy of a block meta cannot be written', ulid, thrown);
    }
  }

  /** Forgets every block that is not among these. */
  async keepOnly(ulids: ReadonlySet<string>): Promise<void> {
    for (const ulid of this.#memory.keys()) if (!ulids.has(ulid)) this.#memory.delete(ulid);
    if (this.#directory === undefined) return;
    for (const ulid of await readdir(this.#directory).catch(() => [])) {
      if (ulids.has(ulid)) continue;
      await rm(join(this.#directory, ulid), { recursive: true, force: true }).catch((thrown) =>
        this.#warn('copy of a block meta cannot be removed', ulid, thrown),
      );
    }
  }

  #warn(message: string, block: string, thrown: unknown): void {
    this.#logger.warn(message, { block, err: messageOf(thrown) });
  }
}

function isSameTime(copiedMs: number | undefined, wantedMs: number | undefined): boolean {
  return wantedMs === undefined || copiedMs === wantedMs;
}

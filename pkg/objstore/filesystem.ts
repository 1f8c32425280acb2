// A bucket in a local directory. An upload is written aside, synced and renamed, so that nobody ever reads half an object.
//
//   <directory>/<name>                     objects
//   <directory>/.tributary-uploads/<uuid>  uploads under way; what a crash leaves there is not listed, and removed later

import { createHash, randomUUID } from 'node:crypto';
import { type BigIntStats, type Dirent, readFileSync, readSync, type Stats, statSync } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  stat,
  unlink,
  utimes,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { throwIfAborted } from '../async/deadline.ts';
import { LoopTurn } from '../async/loop-turn.ts';
import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { slabs } from '../bytes/slabs.ts';
import { during, Fault, kindOf } from '../errors/fault.ts';
import {
  type Bucket,
  bodyOf,
  type ConditionalWrites,
  type LinkTo,
  type ListedObject,
  type ListOptions,
  type ObjectAttributes,
  type UploadOptions,
} from './bucket.ts';
import { conditionFailed, readSmall } from './conditional-writes.ts';
import { onePiece, streamOf } from './file-stream.ts';
import { checkObjectName, directoryOf } from './object-name.ts';
import { OpenFiles } from './open-files.ts';
import { replaceIf } from './replace-if.ts';

const UPLOADS_DIRECTORY = '.tributary-uploads';
/** Ranges up to this length are read without asking for the file's size before. */
const UNASKED_BYTES = 2 * 1024 * 1024;
/**
 * Ranges up to this length are read on the spot: what the system has in memory takes microseconds, and handing such a read
 * to another thread and back takes more processor time than everything else about it.
 */
const SPOT_BYTES = 64 * 1024;
/**
 * Reads on the spot that take longer on average hold up everybody: the disk is slow, and other threads do the reading for
 * a while. One late read says little; on a busy machine any may be.
 */
const SLOW_SPOT_MS = 2;
const SLOW_REST_MS = 10_000;
/** An upload still being written touches its file; one this old was left by a crash. */
const LEFTOVER_AGE_MS = 60 * 60 * 1000;

export class FilesystemBucket implements Bucket {
  readonly name: string;
  readonly #root: string;
  readonly #openFiles = new OpenFiles(openObject);
  readonly #turn = new LoopTurn();
  #cleaning: Promise<void> | undefined;
  /** When reads on the spot may be tried again, by the monotonic clock. */
  #spotFromMs = 0;
  /** How long they took lately, on average. */
  #spotMs = 0;

  readonly conditional: ConditionalWrites = {
    isCertain: true,
    read: async (request, name) => {
      try {
        const file = await this.#open(request, name);
        // Nobody writes into an object: what is open now stays one version until it is read.
        const version = versionOf(await file.stat({ bigint: true }));
        return { bytes: await readSmall(name, streamOf(request, file)), version };
      } catch (thrown) {
        if (kindOf(thrown) === 'not-found') return undefined;
        throw thrown;
      }
    },
    write: (request, name, bytes, expected) =>
      this.#write(request, name, bodyOf(bytes), {}, async (aside, path) => {
        const version = versionOf(await stat(aside, { bigint: true }));
        const current = (): string | undefined => {
          const found = statSync(path, { bigint: true, throwIfNoEntry: false });
          return found === undefined ? undefined : versionOf(found);
        };
        const lock = join(dirname(aside), `lock-${createHash('sha256').update(name).digest('hex')}`);
        if (!(await replaceIf(request, { aside, path, lock }, () => current() === expected))) {
          throw conditionFailed(name, expected);
        }
        return version;
      }),
  };

  readonly linkTo: LinkTo = async (request, name, path) => {
    throwIfAborted(request.signal);
    try {
      const object = this.#path(name);
      // A symbolic link would be linked itself.
      if (!(await lstat(object)).isFile()) return false;
      await link(object, path);
      return true;
    } catch {
      return false; // On another file system, mostly, or there is no object.
    }
  };

  /** The directory is made with the first upload; until then it may be missing and is an empty bucket. */
  constructor(directory: string) {
    this.name = directory;
    this.#root = resolve(directory);
  }

  async *list(request: RequestContext, directory: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    yield* this.#list(request, directoryOf(directory), options);
  }

  async *#list(request: RequestContext, directory: string, options: ListOptions): AsyncIterable<ListedObject> {
    const { startAfter } = options;
    for (const entry of await this.#entries(directory)) {
      throwIfAborted(request.signal);
      const name = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (await this.#isDirectory(entry, name)) {
        if (options.recursive === true) yield* this.#list(request, name, options);
        else if (isAfter(`${name}/`, startAfter) && (await this.#hasFile(name))) yield { name: `${name}/` };
        continue;
      }
      if (!isAfter(name, startAfter)) continue;
      if (options.attributes !== true) {
        yield { name };
        continue;
      }
      const attributes = await this.attributes(request, name).catch(undefinedIfMissing);
      if (attributes !== undefined) yield { name, attributes };
    }
  }

  async get(request: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    const path = this.#path(name);
    try {
      throwIfAborted(request.signal);
      const { size } = await this.#lookAtObject(path);
      // As small ranges are: of marks and metas there are thousands.
      if (size <= SPOT_BYTES && (await this.#mayBeOnTheSpot()))
        return onePiece(request, this.#readWholeOnTheSpot(path));
      return streamOf(request, await open(path, 'r'));
    } catch (thrown) {
      throw during(`open ${name}`, thrown);
    }
  }

  async getRange(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    throwIfAborted(request.signal);
    try {
      return await this.#openFiles.using(this.#path(name), async (file) =>
        length <= SPOT_BYTES && (await this.#mayBeOnTheSpot())
          ? this.#readOnTheSpot(file, offset, length)
          : readRange(request, file, offset, length),
      );
    } catch (thrown) {
      throw during(`read ${name}`, thrown);
    }
  }

  async exists(request: RequestContext, name: string): Promise<boolean> {
    throwIfAborted(request.signal);
    try {
      return (await this.#look(this.#path(name)))?.isFile() ?? false;
    } catch (thrown) {
      throw during(`look at ${name}`, thrown);
    }
  }

  async attributes(request: RequestContext, name: string): Promise<ObjectAttributes> {
    throwIfAborted(request.signal);
    try {
      const found = await this.#lookAtObject(this.#path(name));
      return { sizeBytes: found.size, lastModified: Math.trunc(found.mtimeMs) };
    } catch (thrown) {
      throw during(`look at ${name}`, thrown);
    }
  }

  async upload(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options: UploadOptions = {},
  ): Promise<void> {
    await this.#write(request, name, body, options, rename);
  }

  /** Writes aside, then lets `place` put the file in its place; in a directory that is there at the time. */
  async #write<T>(
    request: RequestContext,
    name: string,
    body: AsyncIterable<Uint8Array>,
    options: UploadOptions,
    place: (aside: string, path: string) => Promise<T>,
  ): Promise<T> {
    const path = this.#path(name);
    const uploads = join(this.#root, UPLOADS_DIRECTORY);
    this.#cleaning ??= removeLeftovers(uploads);
    await this.#cleaning;
    const aside = join(uploads, randomUUID());
    try {
      const isLinked = await inDirectory(uploads, () => linkedAside(aside, options));
      const file = await inDirectory(uploads, () => open(aside, isLinked ? 'r' : 'wx'));
      try {
        if (!isLinked) await writeAll(request, file, name, body, options);
        await file.sync();
      } finally {
        await file.close();
      }
      throwIfAborted(request.signal);
      const placed = await inDirectory(dirname(path), () => place(aside, path));
      this.#openFiles.forget(path);
      await syncDirectory(dirname(path));
      return placed;
    } catch (thrown) {
      await unlink(aside).catch(undefinedIfMissing);
      throw during(`upload ${name}`, thrown);
    } finally {
      await rmdir(uploads).catch(() => {}); // Not empty while others upload.
    }
  }

  async delete(request: RequestContext, name: string): Promise<void> {
    throwIfAborted(request.signal);
    const path = this.#path(name);
    try {
      if ((await stat(path)).isDirectory()) return;
      await unlink(path);
      this.#openFiles.forget(path);
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return;
      throw during(`delete ${name}`, thrown);
    }
    for (let parent = dirname(path); parent !== this.#root; parent = dirname(parent)) {
      try {
        await rmdir(parent);
      } catch {
        return; // Not empty, or removed by another.
      }
    }
  }

  async close(): Promise<void> {
    await this.#openFiles.close();
  }

  /** Waits when reads in place have filled this turn of the event loop. */
  async #mayBeOnTheSpot(): Promise<boolean> {
    const wait = this.#turn.share();
    if (wait !== undefined) await wait;
    return performance.now() >= this.#spotFromMs;
  }

  #readOnTheSpot(file: FileHandle, offset: number, length: number): Uint8Array {
    const since = performance.now();
    const bytes = uncleared(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(file.fd, bytes, filled, length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    this.#spotTook(since);
    return bytes.subarray(0, filled);
  }

  #readWholeOnTheSpot(path: string): Uint8Array {
    const since = performance.now();
    const bytes = readFileSync(path);
    this.#spotTook(since);
    return bytes;
  }

  /** A disk that is slow is left to the threads for a while. */
  #spotTook(since: number): void {
    const now = performance.now();
    this.#spotMs += (now - since - this.#spotMs) / 16;
    if (this.#spotMs <= SLOW_SPOT_MS) return;
    this.#spotFromMs = now + SLOW_REST_MS;
    this.#spotMs = 0;
  }

  #path(name: string): string {
    checkObjectName(name);
    return join(this.#root, ...name.split('/'));
  }

  async #entries(directory: string): Promise<Dirent[]> {
    try {
      const entries = await readdir(join(this.#root, directory), { withFileTypes: true });
      return entries
        .filter((entry) => directory !== '' || entry.name !== UPLOADS_DIRECTORY)
        .sort((a, b) => compareUtf8(a.name, b.name));
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return [];
      throw during(`list ${directory === '' ? this.name : directory}`, thrown);
    }
  }

  async #isDirectory(entry: Dirent, name: string): Promise<boolean> {
    if (!entry.isSymbolicLink()) return entry.isDirectory();
    const target = await stat(join(this.#root, name)).catch(undefinedIfMissing);
    return target?.isDirectory() ?? false;
  }

  async #hasFile(directory: string): Promise<boolean> {
    const entries = await this.#entries(directory);
    if (entries.some((entry) => entry.isFile())) return true;
    for (const entry of entries) {
      const name = `${directory}/${entry.name}`;
      if (!(await this.#isDirectory(entry, name)) || (await this.#hasFile(name))) return true;
    }
    return false;
  }

  async #open(request: RequestContext, name: string): Promise<FileHandle> {
    throwIfAborted(request.signal);
    try {
      const path = this.#path(name);
      await this.#lookAtObject(path);
      return await open(path, 'r');
    } catch (thrown) {
      throw during(`open ${name}`, thrown);
    }
  }

  async #lookAtObject(path: string): Promise<Stats> {
    const found = await this.#look(path);
    if (found === undefined) throw new Fault('not-found', 'no such file');
    if (!found.isFile()) throw new Fault('not-found', 'not an object');
    return found;
  }

  /** What is at a path. In place, as small ranges are read: most objects that are asked for by their names are not there. */
  async #look(path: string): Promise<Stats | undefined> {
    try {
      if (!(await this.#mayBeOnTheSpot())) return await stat(path);
      const since = performance.now();
      const found = statSync(path, { throwIfNoEntry: false });
      this.#spotTook(since);
      return found;
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return undefined;
      throw thrown;
    }
  }
}

/** Each write makes a new file, so its number and time tell writes apart. */
function versionOf(found: BigIntStats): string {
  return `${found.ino}-${found.mtimeNs}-${found.size}`;
}

async function openObject(path: string): Promise<FileHandle> {
  const file = await open(path, 'r');
  try {
    if (!(await file.stat()).isFile()) throw new Fault('not-found', 'not an object');
    return file;
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

async function readRange(
  request: RequestContext,
  file: FileHandle,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  // A short read tells the end of the file; its size is asked for only when the memory would be much.
  const wanted = length <= UNASKED_BYTES ? length : Math.max(0, Math.min(length, (await file.stat()).size - offset));
  const bytes = uncleared(wanted);
  let filled = 0;
  while (filled < wanted) {
    throwIfAborted(request.signal);
    const { bytesRead } = await file.read(bytes, filled, wanted - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** Not cleared: every byte that is handed out has been read. */
function uncleared(length: number): Uint8Array {
  const bytes = slabs.lend(length);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
}

async function writeAll(
  request: RequestContext,
  file: FileHandle,
  name: string,
  body: AsyncIterable<Uint8Array>,
  options: UploadOptions,
): Promise<void> {
  let size = 0;
  for await (const part of body) {
    throwIfAborted(request.signal);
    for (let written = 0; written < part.length; ) {
      written += (await file.write(part, written, part.length - written)).bytesWritten;
    }
    size += part.length;
  }
  if (options.sizeBytes !== undefined && options.sizeBytes !== size) {
    throw new Fault('invalid', `body of ${name} has ${size} bytes, ${options.sizeBytes} were promised`);
  }
}

/** Whether the file to be uploaded could be linked. As if it had been written now: what is old is taken for a leftover. */
async function linkedAside(aside: string, { ownFile, sizeBytes }: UploadOptions): Promise<boolean> {
  if (ownFile === undefined) return false;
  try {
    // A symbolic link would be linked itself.
    const found = await lstat(ownFile);
    if (!found.isFile() || (sizeBytes !== undefined && sizeBytes !== found.size)) return false;
    const now = new Date();
    await utimes(ownFile, now, now);
    await link(ownFile, aside);
    return true;
  } catch {
    return false; // On another file system, mostly: it is copied, which tells what is wrong, if anything is.
  }
}

/** Does work in a directory, making it first; again when a delete beside us removed the empty directory in between. */
async function inDirectory<T>(directory: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeDirectories(directory);
      return await work();
    } catch (thrown) {
      if (kindOf(thrown) !== 'not-found' || attempt === 10) throw thrown;
    }
  }
}

/** Making parents, too, Node says of a read-only file system that nothing is there; asked for one directory it says why. */
async function makeDirectories(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (thrown) {
    const parent = dirname(directory);
    if (kindOf(thrown) !== 'not-found' || parent === directory) throw thrown;
    await makeDirectories(parent);
    await mkdir(directory).catch((again: unknown) => {
      // Another upload was quicker.
      if (kindOf(again) !== 'conflict') throw again;
    });
  }
}

/** Makes a rename outlive a power cut. Some file systems cannot sync a directory; the rename is then as good as it gets. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

async function removeLeftovers(uploads: string): Promise<void> {
  const names = await readdir(uploads).catch(() => []);
  for (const name of names) {
    const path = join(uploads, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > LEFTOVER_AGE_MS) await unlink(path).catch(() => {});
  }
}

function isAfter(name: string, startAfter: string | undefined): boolean {
  return startAfter === undefined || compareUtf8(name, startAfter) > 0;
}

function undefinedIfMissing(thrown: unknown): undefined {
  if (kindOf(thrown) !== 'not-found') throw thrown;
}

// One block from a bucket into a directory. A download that broke off goes on where it was: every file gets its name only
// when it is complete, and what is there already is not fetched again.

import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { during, Fault } from '../errors/fault.ts';
import { type Bucket, readAll } from '../objstore/bucket.ts';
import { fileBody } from '../objstore/directory.ts';
import { CHUNKS_DIRECTORY, INDEX_FILE, META_FILE, metaName, objectName } from './layout.ts';
import { type BlockMeta, parseMeta } from './meta.ts';

const PART_SUFFIX = '.part';

interface RemoteFile {
  readonly relPath: string;
  /** Undefined where neither meta.json nor the listing tells. */
  readonly sizeBytes: number | undefined;
  /** '' = not recorded. */
  readonly sha256: string;
}

export interface DownloadOptions {
  /** Files at once. */
  readonly concurrency: number;
  /**
   * Files are only read, and fetched anew when found to be broken. So they need not be synced to the disk, and chunks and
   * index may be the bucket's own files under a second name, which must not be written into.
   */
  readonly isScratch?: boolean;
}

/**
 * Fetches meta.json, chunks and index into `directory` and gives the meta. Markers stay where they are. `not-found` when a
 * part of the block is missing, `corrupt` when one has another size or fingerprint than meta.json records.
 */
export async function downloadBlock(
  request: RequestContext,
  bucket: Bucket,
  ulid: string,
  directory: string,
  { concurrency, isScratch = false }: DownloadOptions,
): Promise<BlockMeta> {
  try {
    const bytes = await readAll(request, bucket, metaName(ulid));
    const meta = parseMeta(bytes);
    await mkdir(join(directory, CHUNKS_DIRECTORY), { recursive: true });
    const fetch = async (file: RemoteFile, signal: AbortSignal): Promise<void> => {
      const path = join(directory, file.relPath);
      if (await isComplete(path, file)) return;
      await fetchFile({ ...request, signal }, bucket, objectName(ulid, file.relPath), path, { ...file, isScratch });
    };
    const files = await filesOf(request, bucket, meta);
    await forEachParallel(files, Math.max(1, concurrency), fetch, request.signal);
    await writeFile(join(directory, META_FILE), bytes);
    return meta;
  } catch (thrown) {
    throw during(`download block ${ulid}`, thrown, { block: ulid });
  }
}

/** What meta.json lists; for old blocks, whose meta.json lists nothing, what the bucket has. */
async function filesOf(request: RequestContext, bucket: Bucket, meta: BlockMeta): Promise<readonly RemoteFile[]> {
  const recorded = meta.thanos.files.filter(({ relPath }) => isPart(relPath));
  if (recorded.length > 0) {
    return recorded.map((file) => ({ ...file, sizeBytes: file.sizeBytes === 0 ? undefined : file.sizeBytes }));
  }
  const found: RemoteFile[] = [];
  for await (const { name, attributes } of bucket.list(request, meta.ulid, { recursive: true, attributes: true })) {
    const relPath = name.slice(meta.ulid.length + 1);
    if (isPart(relPath)) found.push({ relPath, sizeBytes: attributes?.sizeBytes, sha256: '' });
  }
  if (!found.some(({ relPath }) => relPath === INDEX_FILE)) throw new Fault('not-found', 'the block has no index');
  return found;
}

/** Names come out of a bucket: only those a block has are taken, so that none leads out of the directory. */
function isPart(relPath: string): boolean {
  return relPath === INDEX_FILE || /^chunks\/\d+$/.test(relPath);
}

async function isComplete(path: string, file: RemoteFile): Promise<boolean> {
  const size = (await stat(path).catch(() => undefined))?.size;
  if (size === undefined || size !== file.sizeBytes) return false;
  if (file.sha256 === '') return true;
  const hash = createHash('sha256');
  for await (const bytes of fileBody(path)) hash.update(bytes);
  return hash.digest('hex') === file.sha256;
}

async function fetchFile(
  request: RequestContext,
  bucket: Bucket,
  name: string,
  path: string,
  { sizeBytes, sha256, isScratch }: RemoteFile & Required<Pick<DownloadOptions, 'isScratch'>>,
): Promise<void> {
  const part = path + PART_SUFFIX;
  // It may be the bucket's own file, linked before a crash: never to be written into.
  await rm(part, { force: true });
  if (isScratch && (await bucket.linkTo?.(request, name, part)) === true) {
    if (!(await isComplete(part, { relPath: name, sizeBytes: sizeBytes ?? (await stat(part)).size, sha256 }))) {
      await rm(part, { force: true });
      throw new Fault('corrupt', `object ${name} has another size or fingerprint than recorded`);
    }
    // Renaming one name of a file to another of its names would leave both.
    await rm(path, { force: true });
    await rename(part, path);
    return;
  }
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(part, 'wx');
  try {
    for await (const bytes of await bucket.get(request, name)) {
      if (sha256 !== '') hash.update(bytes);
      size += bytes.length;
      if (sizeBytes !== undefined && size > sizeBytes) break;
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
    }
    // A crash of the machine must not leave a file with its name and size but without its bytes.
    if (!isScratch) await file.sync();
  } catch (thrown) {
    await rm(part, { force: true });
    throw thrown;
  } finally {
    await file.close();
  }
  if (sizeBytes !== undefined && size !== sizeBytes) {
    await rm(part, { force: true });
    throw new Fault('corrupt', `object ${name} has another size than the ${sizeBytes} bytes recorded`);
  }
  if (sha256 !== '' && hash.digest('hex') !== sha256) {
    await rm(part, { force: true });
    throw new Fault('corrupt', `object ${name} has another fingerprint than the one recorded`);
  }
  await rename(part, path);
}

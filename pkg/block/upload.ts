// One block from a directory into a bucket: chunks, then the index, meta.json last, so that whoever sees meta.json can
// read the whole block.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestContext } from '../async/request.ts';
import { during, Fault } from '../errors/fault.ts';
import { printRfc3339 } from '../model/time.ts';
import { type Bucket, bodyOf } from '../objstore/bucket.ts';
import { fileBody, type LocalFile, listFiles, uploadDirectory, uploadFile } from '../objstore/directory.ts';
import { CHUNKS_DIRECTORY, INDEX_FILE, indexName, META_FILE, metaName } from './layout.ts';
import { type BlockFile, type BlockMeta, parseMeta, printMeta } from './meta.ts';

/** How files are fingerprinted in meta.json; '' = not. */
export const hashFuncs = ['', 'SHA256'] as const;
export type HashFunc = (typeof hashFuncs)[number];

export interface UploadConfig {
  /** Chunk files at once; 0 = one at a time. */
  readonly concurrency: number;
  readonly hashFunc: HashFunc;
  readonly nowMs: number;
  /** True when nobody writes into chunks and index any more, so that the bucket may have them by a second name. */
  readonly isDone?: boolean;
  /** Called when everything but meta.json is there: what it throws keeps the block from being seen. */
  readonly beforeMeta?: () => Promise<void>;
}

/**
 * Uploads the block in `directory` under the ULID of its meta.json, which must have external labels. What goes up as
 * meta.json carries the upload time and the file list; the local one stays as it is. A failure leaves a partial block
 * without meta.json, which nobody reads; uploading again replaces it. Gives what went up as meta.json.
 */
export async function uploadBlock(
  request: RequestContext,
  bucket: Bucket,
  directory: string,
  config: UploadConfig,
): Promise<BlockMeta> {
  const meta = parseMeta(await readFile(join(directory, META_FILE)));
  const { ulid } = meta;
  if (meta.thanos.labels.size === 0) {
    throw new Fault('invalid', `block ${ulid} has no external labels and cannot be uploaded`);
  }
  const files = await blockFiles(directory, config.hashFunc);
  const uploadTime = printRfc3339(config.nowMs);
  const uploaded = { ...meta, thanos: { ...meta.thanos, files, uploadTime } };
  const text = Buffer.from(printMeta(uploaded), 'utf8');
  try {
    const chunks = join(directory, CHUNKS_DIRECTORY);
    await uploadDirectory(request, bucket, chunks, `${ulid}/${CHUNKS_DIRECTORY}`, config.concurrency, config.isDone);
    await uploadFile(request, bucket, join(directory, INDEX_FILE), indexName(ulid), config.isDone);
    await config.beforeMeta?.();
    await bucket.upload(request, metaName(ulid), bodyOf(text), { sizeBytes: text.length });
    return uploaded;
  } catch (thrown) {
    throw during(`upload block ${ulid}`, thrown, { block: ulid });
  }
}

/** What meta.json lists as files: chunk segments, index and, without a size, itself; ordered by path. */
export async function blockFiles(directory: string, hashFunc: HashFunc): Promise<readonly BlockFile[]> {
  const files: BlockFile[] = [];
  for (const file of await listFiles(directory)) {
    if (file.relPath.startsWith(`${CHUNKS_DIRECTORY}/`) || file.relPath === INDEX_FILE) {
      files.push({ ...file, sha256: await sha256(directory, file, hashFunc) });
    } else if (file.relPath === META_FILE) {
      files.push({ relPath: META_FILE, sizeBytes: 0, sha256: '' });
    }
  }
  return files;
}

/** Base names of a block's chunk segments, in their order. */
export function segmentFilesOf(files: readonly BlockFile[]): readonly string[] {
  const prefix = `${CHUNKS_DIRECTORY}/`;
  return files.filter(({ relPath }) => relPath.startsWith(prefix)).map(({ relPath }) => relPath.slice(prefix.length));
}

async function sha256(directory: string, file: LocalFile, hashFunc: HashFunc): Promise<string> {
  if (hashFunc === '') return '';
  const hash = createHash('sha256');
  for await (const bytes of fileBody(join(directory, file.relPath))) hash.update(bytes);
  return hash.digest('hex');
}

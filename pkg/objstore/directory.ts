// Files of a directory to objects of a bucket, a bounded number at once.

import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { during } from '../errors/fault.ts';
import type { Bucket } from './bucket.ts';

const READ_BYTES = 256 * 1024;

export interface LocalFile {
  /** From the directory, with `/`. */
  readonly relPath: string;
  readonly sizeBytes: number;
}

/** All files below a directory, ordered by path. A missing directory has none. */
export async function listFiles(directory: string): Promise<readonly LocalFile[]> {
  const found: LocalFile[] = [];
  const walk = async (relative: string): Promise<void> => {
    const entries = await readdir(join(directory, relative), { withFileTypes: true }).catch((thrown: unknown) => {
      if ((thrown as { code?: unknown }).code === 'ENOENT' && relative === '') return [];
      throw during(`read directory ${directory}`, thrown);
    });
    for (const entry of entries) {
      const relPath = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) await walk(relPath);
      else found.push({ relPath, sizeBytes: (await stat(join(directory, relPath))).size });
    }
  };
  await walk('');
  return found.sort((a, b) => compareUtf8(a.relPath, b.relPath));
}

/**
 * A file as an upload body. It is opened when read, each time anew, so an upload can be tried again. A piece is good until
 * the next is asked for.
 */
export function fileBody(path: string): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      const file = await open(path, 'r');
      const held = new Uint8Array(READ_BYTES);
      try {
        for (;;) {
          const { bytesRead } = await file.read(held, 0, READ_BYTES, null);
          if (bytesRead === 0) return;
          yield held.subarray(0, bytesRead);
        }
      } finally {
        await file.close();
      }
    },
  };
}

/** Uploads one local file under a name. One that `isDone` is never written into again, by nobody, and may be linked. */
export async function uploadFile(
  request: RequestContext,
  bucket: Bucket,
  path: string,
  name: string,
  isDone = false,
): Promise<void> {
  const { size: sizeBytes } = await stat(path);
  await bucket.upload(request, name, fileBody(path), isDone ? { sizeBytes, ownFile: path } : { sizeBytes });
}

/**
 * Uploads every file below a directory as `<prefix>/<path>`, `concurrency` at once. The first failure stops the rest and
 * is thrown; what was uploaded stays. `isDone` as with `uploadFile`.
 */
export async function uploadDirectory(
  request: RequestContext,
  bucket: Bucket,
  directory: string,
  prefix: string,
  concurrency: number,
  isDone = false,
): Promise<void> {
  const upload = async ({ relPath }: LocalFile, signal: AbortSignal): Promise<void> =>
    uploadFile({ ...request, signal }, bucket, join(directory, relPath), `${prefix}/${relPath}`, isDone);
  await forEachParallel(await listFiles(directory), Math.max(1, concurrency), upload, request.signal);
}

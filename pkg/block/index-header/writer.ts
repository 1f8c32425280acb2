// Builds a block's index-header from ranged reads of its index, without downloading series and postings.

import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RequestContext } from '../../async/request.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { during, Fault } from '../../errors/fault.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import { checkIndexHeader, INDEX_HEADER_SIZE } from '../../tsdb/index/format.ts';
import { sortOffsetTable } from '../../tsdb/index/sort-offset-table.ts';
import { parseToc, TOC_SIZE } from '../../tsdb/index/toc.ts';
import { checkIndexVersion, headerPrefix, headerToc } from './format.ts';

/** Ranged reads are split into parts of this many bytes, so that memory stays small whatever the block. */
const PART_BYTES = 16 * 1024 * 1024;
/** One read at the end of the index usually brings the toc and the whole postings table. */
const TAIL_BYTES = 64 * 1024;

/**
 * Writes the header of block `ulid` to `path`, through a temporary file beside it. The checksums of toc, symbols and
 * postings table are verified on the way: an index that contradicts them is `corrupt` and leaves no file.
 */
export async function writeIndexHeader(
  request: RequestContext,
  bucket: Bucket,
  ulid: string,
  path: string,
): Promise<void> {
  const name = `${ulid}/index`;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await copyParts(request, bucket, name, file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw during(`build index-header of ${name}`, thrown, { block: ulid });
  }
}

async function copyParts(request: RequestContext, bucket: Bucket, name: string, file: FileHandle): Promise<void> {
  const { sizeBytes } = await bucket.attributes(request, name);
  if (sizeBytes < INDEX_HEADER_SIZE + TOC_SIZE) {
    throw new Fault('corrupt', `an index cannot be ${sizeBytes} bytes long`);
  }
  const tailStart = Math.max(0, sizeBytes - TAIL_BYTES);
  const tail = await exactly(request, bucket, name, tailStart, sizeBytes - tailStart);
  const tocBytes = tail.subarray(tail.length - TOC_SIZE);
  const toc = parseToc(tocBytes, sizeBytes);
  const prefix =
    tailStart === 0 ? tail.subarray(0, INDEX_HEADER_SIZE) : await exactly(request, bucket, name, 0, INDEX_HEADER_SIZE);
  const indexVersion = checkIndexVersion(checkIndexHeader(prefix));

  await file.write(headerPrefix(indexVersion, toc.postingOffsetTable));
  /** Copies bytes [from, to) of the index, out of the tail where that has them. */
  const copy = async (what: string, from: number, to: number): Promise<void> => {
    const check = new SectionCheck(what);
    for (let at = from; at < to; at += PART_BYTES) {
      const end = Math.min(to, at + PART_BYTES);
      const part =
        at >= tailStart
          ? tail.subarray(at - tailStart, end - tailStart)
          : await exactly(request, bucket, name, at, end - at);
      check.feed(part);
      await file.write(part);
    }
    check.finish();
  };
  await copy('symbols', toc.symbols, toc.series);
  const tableEnd = sizeBytes - TOC_SIZE;
  if (indexVersion === 1) {
    const table = await exactly(request, bucket, name, toc.postingOffsetTable, tableEnd - toc.postingOffsetTable);
    await file.write(sortOffsetTable(table));
  } else {
    await copy('postings table', toc.postingOffsetTable, tableEnd);
  }
  await file.write(tocBytes);
  await file.write(headerToc(toc.series - toc.symbols));
}

async function exactly(
  request: RequestContext,
  bucket: Bucket,
  name: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = await bucket.getRange(request, name, offset, length);
  if (bytes.length === length) return bytes;
  throw new Fault('corrupt', `index ends ${length - bytes.length} bytes early`);
}

/** Checks a section `length u32 | body | crc32c u32` that arrives in parts; what follows the checksum is padding. */
class SectionCheck {
  readonly #what: string;
  /** Length and checksum, byte by byte: parts may be cut anywhere. */
  readonly #words = new DataView(new ArrayBuffer(8));
  #seen = 0;
  #crc = 0;

  constructor(what: string) {
    this.#what = what;
  }

  feed(part: Uint8Array): void {
    let i = 0;
    for (; this.#seen < 4 && i < part.length; i++) this.#words.setUint8(this.#seen++, part[i]);
    if (this.#seen < 4) return;
    const bodyEnd = 4 + this.#words.getUint32(0);
    const inBody = Math.min(part.length - i, Math.max(0, bodyEnd - this.#seen));
    this.#crc = crc32c(part, i, i + inBody, this.#crc);
    this.#seen += inBody;
    for (i += inBody; this.#seen < bodyEnd + 4 && i < part.length; i++) {
      this.#words.setUint8(4 + this.#seen++ - bodyEnd, part[i]);
    }
  }

  finish(): void {
    if (this.#seen < 4 || this.#seen < this.#words.getUint32(0) + 8) {
      throw new Fault('corrupt', `${this.#what}: the section ends early`);
    }
    if (this.#words.getUint32(4) !== this.#crc) throw new Fault('corrupt', `${this.#what}: checksum differs`);
  }
}

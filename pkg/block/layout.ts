// Every object name of a block in a bucket, in one file.
//
//   <ULID>/meta.json               its presence means: the block exists. Written last, deleted first.
//   <ULID>/index
//   <ULID>/chunks/000001 ...
//   <ULID>/deletion-mark.json      markers, each optional
//   <ULID>/no-compact-mark.json
//   <ULID>/no-downsample-mark.json
//
// Names relative to the block are the same on disk, so the file names here serve both.

import { isUlid } from '../model/ulid.ts';

export const META_FILE = 'meta.json';
export const INDEX_FILE = 'index';
export const CHUNKS_DIRECTORY = 'chunks';
export const DELETION_MARK_FILE = 'deletion-mark.json';
export const NO_COMPACT_MARK_FILE = 'no-compact-mark.json';
export const NO_DOWNSAMPLE_MARK_FILE = 'no-downsample-mark.json';

/** The object name of a file of a block: `objectName(ulid, 'chunks/000001')`. */
export function objectName(ulid: string, file: string): string {
  return `${ulid}/${file}`;
}

/** The object of a block's meta.json. */
export function metaName(ulid: string): string {
  return objectName(ulid, META_FILE);
}

/** The object of a block's index. */
export function indexName(ulid: string): string {
  return objectName(ulid, INDEX_FILE);
}

/** The object of one chunk segment; `segmentFile` is its base name as meta.json's `segment_files` lists it. */
export function chunkSegmentName(ulid: string, segmentFile: string): string {
  return `${ulid}/${CHUNKS_DIRECTORY}/${segmentFile}`;
}

/** The block an object or a first-level directory belongs to; undefined for everything that is not part of a block. */
export function blockOf(name: string): string | undefined {
  const slash = name.indexOf('/');
  const first = slash < 0 ? name : name.slice(0, slash);
  return isUlid(first) ? first : undefined;
}

// Reads a log directory from its newest checkpoint on, and repairs one whose writer was interrupted.

import { closeSync, fsyncSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { crc32c } from '../../bytes/crc32c.ts';
import { Fault } from '../../errors/fault.ts';
import { FileSource, syncDirectory } from '../local-file.ts';
import { listCheckpoints, listSegments, type WalSegmentFile } from './directory.ts';
import { FRAGMENT_HEADER_BYTES, FragmentKind, KIND_MASK, PAGE_BYTES } from './format.ts';
import { readSegment } from './segment.ts';

export interface LoggedRecord {
  /** The record as record.ts decodes it; good until the next one is asked for. */
  readonly bytes: Uint8Array;
  /** The segment it lies in and where it begins there; of a checkpoint, the checkpoint's own. */
  readonly segment: number;
  readonly offset: number;
  readonly isCheckpoint: boolean;
}

/**
 * Every record in the order it was logged: those of the newest checkpoint, then those of the segments after it. A record
 * of samples may call series that are gone, which is no error. `corrupt` names the segment and the place of damage;
 * what was given before is good.
 */
export function* readLog(directory: string): Generator<LoggedRecord> {
  const checkpoint = listCheckpoints(directory).at(-1);
  if (checkpoint !== undefined) {
    for (const file of listSegments(checkpoint.path)) yield* readFile(file, true);
  }
  const first = checkpoint === undefined ? 0 : checkpoint.lastSegment + 1;
  for (const file of listSegments(directory)) if (file.segment >= first) yield* readFile(file, false);
}

/** The records of one segment file. */
export function* readFile({ segment, path }: WalSegmentFile, isCheckpoint = false): Generator<LoggedRecord> {
  const source = new FileSource(path);
  try {
    for (const { bytes, offset } of readSegment(source, segment)) yield { bytes, segment, offset, isCheckpoint };
  } finally {
    source.close();
  }
}

export interface WalDamage {
  readonly segment: number;
  /** Where the good part of the segment ends. */
  readonly offset: number;
  readonly message: string;
  /**
   * Nothing but the unfinished end of the last segment is lost, as when the writer was killed; else records that were
   * logged later lie behind the damage.
   */
  readonly isTornTail: boolean;
  /** Bytes from the damage to the end of the log, later segments included. */
  readonly lostBytes: number;
}

/** Reads the segments and says where the first damage is; undefined when there is none. Changes nothing. */
export function findDamage(directory: string): WalDamage | undefined {
  const files = listSegments(directory);
  for (const [i, file] of files.entries()) {
    try {
      for (const _record of readFile(file));
    } catch (thrown) {
      const facts = thrown instanceof Fault && thrown.kind === 'corrupt' ? thrown.facts : {};
      const offset = facts['offset'];
      if (typeof offset !== 'number') throw thrown;
      return describe(files, i, offset, (thrown as Fault).message);
    }
  }
  return undefined;
}

/**
 * Cuts a damaged log off after its last good record, as the reference does: the rest of that segment and all segments
 * after it go. Says what was found, undefined when nothing was. Damage within a checkpoint is not looked for here: there
 * is nothing to go back to.
 */
export function repairLog(directory: string): WalDamage | undefined {
  const damage = findDamage(directory);
  if (damage === undefined) return undefined;
  for (const { segment, path } of listSegments(directory).reverse()) {
    if (segment > damage.segment) rmSync(path);
    if (segment === damage.segment) truncate(path, damage.offset);
  }
  syncDirectory(directory);
  return damage;
}

function describe(files: readonly WalSegmentFile[], i: number, offset: number, message: string): WalDamage {
  let lostBytes = -offset;
  for (const { path } of files.slice(i)) lostBytes += sizeOf(path);
  const { segment, path } = files[i];
  const isLast = files.slice(i + 1).every((later) => sizeOf(later.path) === 0);
  const isTornTail = isLast && !hasLaterRecord(path, offset);
  return { segment, offset, message, isTornTail, lostBytes };
}

/** Whether a record begins, whole or in part, behind the one that is damaged: its writer was not stopped there. */
function hasLaterRecord(path: string, offset: number): boolean {
  const source = new FileSource(path);
  try {
    let start = -1;
    for (let at = offset; at + FRAGMENT_HEADER_BYTES <= source.sizeBytes; ) {
      const pageEnd = at - (at % PAGE_BYTES) + PAGE_BYTES;
      const head = source.read(at, FRAGMENT_HEADER_BYTES);
      const kind = head[0] & KIND_MASK;
      const length = (head[1] << 8) | head[2];
      const checksum = ((head[3] << 24) | (head[4] << 16) | (head[5] << 8) | head[6]) >>> 0;
      const dataAt = at + FRAGMENT_HEADER_BYTES;
      if (head[0] !== FragmentKind.pageEnd && start < 0) start = at;
      // What makes no sense is passed over to the next page.
      if (kind === FragmentKind.pageEnd || dataAt + length > Math.min(pageEnd, source.sizeBytes)) {
        at = pageEnd;
        continue;
      }
      const begins = kind === FragmentKind.full || kind === FragmentKind.first;
      if (begins && at > start && crc32c(source.read(dataAt, length)) === checksum) return true;
      at = dataAt + length;
      if (pageEnd - at < FRAGMENT_HEADER_BYTES) at = pageEnd;
    }
    return false;
  } finally {
    source.close();
  }
}

function truncate(path: string, offset: number): void {
  const file = openSync(path, 'r+');
  try {
    // The rest of the page is filled up with zeros, which end it.
    ftruncateSync(file, offset);
    ftruncateSync(file, Math.ceil(offset / PAGE_BYTES) * PAGE_BYTES);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function sizeOf(path: string): number {
  const source = new FileSource(path);
  try {
    return source.sizeBytes;
  } finally {
    source.close();
  }
}

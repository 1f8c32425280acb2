// Appends records to the segments of a log directory. Files are local and written synchronously; sync makes them safe.

import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { during } from '../../errors/fault.ts';
import { syncDirectory } from '../local-file.ts';
import { listSegments } from './directory.ts';
import { PAGE_BYTES, SEGMENT_BYTES, type WalCompression, walSegmentName } from './format.ts';
import { Fragmenter, recordCompressor } from './fragmenter.ts';

export interface WalWriterOptions {
  /** Snappy unless given, as with the reference. A record that does not get smaller is kept as it is. */
  readonly compression?: WalCompression;
  /** A multiple of 32 KiB; tests may ask for smaller segments than 128 MiB. */
  readonly segmentBytes?: number;
}

export class WalWriter {
  readonly #directory: string;
  readonly #fragmenter: Fragmenter;
  #segment: number;
  #file: number;
  /** Bytes of the segment that are in its file. */
  #written = 0;

  private constructor(directory: string, fragmenter: Fragmenter, segment: number) {
    this.#directory = directory;
    this.#fragmenter = fragmenter;
    this.#segment = segment;
    this.#file = this.#create(segment);
  }

  /**
   * Opens a log for appending, the directory too if it is missing; close it when done. It goes on in a new segment, and the
   * last page of the one before is filled up. A log that may be damaged is to be repaired before.
   */
  static async open(directory: string, options: WalWriterOptions = {}): Promise<WalWriter> {
    const { compression = 'snappy', segmentBytes = SEGMENT_BYTES } = options;
    const fragmenter = new Fragmenter(await recordCompressor(compression), segmentBytes);
    try {
      mkdirSync(directory, { recursive: true });
      const last = listSegments(directory).at(-1);
      if (last !== undefined) completePage(last.path);
      return new WalWriter(directory, fragmenter, last === undefined ? 0 : last.segment + 1);
    } catch (thrown) {
      throw during(`open log ${directory}`, thrown);
    }
  }

  /** The number of the segment under way. */
  get segment(): number {
    return this.#segment;
  }

  /**
   * Appends records; they are in the file when this returns, and on the disk after `sync`. When writing fails, none of
   * those in the segment under way is left behind. `limit` for a record that no segment holds.
   */
  log(records: readonly Uint8Array[]): void {
    for (const record of records) {
      if (this.#fragmenter.add(record)) continue;
      this.cut();
      this.#fragmenter.add(record);
    }
    this.#flush();
  }

  /** Everything logged is on the disk when this returns. */
  sync(): void {
    fsyncSync(this.#file);
  }

  /** Ends the segment, which is on the disk then, and begins the next one; gives its number. */
  cut(): number {
    this.#fragmenter.endPage();
    this.#flush();
    fsyncSync(this.#file);
    const next = this.#create(this.#segment + 1);
    closeSync(this.#file);
    this.#file = next;
    this.#segment++;
    this.#written = 0;
    this.#fragmenter.rewind(0);
    return this.#segment;
  }

  /** Removes the segments before this one, as far as they are not under way. */
  truncate(before: number): void {
    for (const { segment, path } of listSegments(this.#directory)) {
      if (segment < Math.min(before, this.#segment)) rmSync(path);
    }
    syncDirectory(this.#directory);
  }

  /** Ends the segment; everything is on the disk when this returns. */
  close(): void {
    try {
      this.#fragmenter.endPage();
      this.#flush();
      fsyncSync(this.#file);
    } finally {
      closeSync(this.#file);
    }
  }

  #create(segment: number): number {
    const file = openSync(join(this.#directory, walSegmentName(segment)), 'wx');
    syncDirectory(this.#directory);
    return file;
  }

  #flush(): void {
    const bytes = this.#fragmenter.take();
    try {
      for (let at = 0; at < bytes.length; )
        at += writeSync(this.#file, bytes, at, bytes.length - at, this.#written + at);
    } catch (thrown) {
      // Half a record would make all that follows unreadable.
      this.#fragmenter.rewind(this.#written);
      ftruncateSync(this.#file, this.#written);
      throw during(`write log segment ${walSegmentName(this.#segment)}`, thrown);
    }
    this.#written += bytes.length;
  }
}

/** Fills the last page of a segment with zeros. */
function completePage(path: string): void {
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    const missing = (PAGE_BYTES - (size % PAGE_BYTES)) % PAGE_BYTES;
    if (missing === 0) return;
    ftruncateSync(file, size + missing);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

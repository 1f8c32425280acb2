// Chunks of some series, taken out of what a reader lends: their bytes one after the other in memory of their own, and columns
// of where each begins. No object is made for a chunk, and whoever keeps them keeps nothing else.

import { ChecksumWindow } from '../bytes/checksum-window.ts';
import { readUvarint, varintEnd } from '../bytes/varint.ts';
import { CHUNK_OVERHEAD } from './chunks/format.ts';
import { ChunkView, readChunk, readSummedChunk, type SegmentReader } from './chunks/segment-reader.ts';
import type { RecentRuns } from './recent-runs.ts';

export class GatheredChunks {
  #bytes = new Uint8Array(0);
  /** How much of the bytes is in use. */
  #size = 0;
  #count = 0;
  /** Where a chunk's data are, without encoding byte and checksum. */
  #offsets = new Uint32Array(0);
  #lengths = new Uint32Array(0);
  #encodings = new Uint8Array(0);
  readonly #view = new ChunkView();

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#size;
  }

  /** Begins anew in the same memory, with room for `count` chunks. */
  clear(count: number): void {
    this.#size = 0;
    this.#count = 0;
    if (count > this.#offsets.length) this.#makeColumns(count);
  }

  /** The same chunks in memory of their own, exactly large enough. */
  copy(): GatheredChunks {
    const copy = new GatheredChunks();
    copy.#bytes = this.#bytes.slice(0, this.#size);
    copy.#size = this.#size;
    copy.#count = this.#count;
    copy.#makeColumns(this.#count);
    copy.#offsets.set(this.#offsets.subarray(0, this.#count));
    copy.#lengths.set(this.#lengths.subarray(0, this.#count));
    copy.#encodings.set(this.#encodings.subarray(0, this.#count));
    return copy;
  }

  /**
   * Takes the chunks that start at these offsets of a segment, which ascend and are near to each other: all of it is one read
   * and one copy, or none where it was read lately. `corrupt` when one reaches past the next or the segment's end, or its
   * checksum differs; nothing of them is taken then.
   */
  addRun(
    reader: SegmentReader,
    recent: RecentRuns | undefined,
    segment: number,
    offsets: readonly number[],
    from: number,
    to: number,
  ): void {
    const first = offsets[from];
    const last = offsets[to - 1];
    // What is kept are whole chunks, so it has the last one if it has its beginning.
    const known = recent?.find(segment, first);
    const isKnown = known !== undefined && known.length > last - first;
    let run = isKnown ? known : reader.readRun(segment, first, last);
    const lastLength = readUvarint(run, last - first, run.length);
    const length = varintEnd + lastLength + CHUNK_OVERHEAD;
    if (length > run.length) run = reader.readBytes(segment, first, length);
    const at = this.#size;
    const end = at + length;
    this.#reserve(end);
    const taken = length === run.length ? run : run.subarray(0, length);
    this.#bytes.set(taken, at);
    const view = this.#view;
    const sums = isKnown ? undefined : new ChecksumWindow(taken);
    for (let i = from, count = this.#count; i < to; i++, count++) {
      const next = i + 1 < to ? offsets[i + 1] - first : length;
      if (sums === undefined) readChunk(taken, offsets[i] - first, view, next, false);
      else readSummedChunk(taken, offsets[i] - first, view, next, sums);
      this.#offsets[count] = at + view.offset;
      this.#lengths[count] = view.length;
      this.#encodings[count] = view.encoding;
    }
    this.#count += to - from;
    this.#size = end;
    if (!isKnown) recent?.keep(segment, first, taken);
  }

  /** Finds chunk `i`, whose bytes are those of its neighbours too. */
  read(i: number, into: ChunkView): void {
    into.bytes = this.#bytes;
    into.encoding = this.#encodings[i];
    into.offset = this.#offsets[i];
    into.length = this.#lengths[i];
  }

  /** Where the data of chunk `i` end. */
  endOf(i: number): number {
    return this.#offsets[i] + this.#lengths[i];
  }

  #makeColumns(count: number): void {
    this.#offsets = new Uint32Array(count);
    this.#lengths = new Uint32Array(count);
    this.#encodings = new Uint8Array(count);
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, sizeBytes));
    bytes.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = bytes;
  }
}

// Appends chunks to segments, beginning a new one when the next chunk might not fit. The bytes are drawn in format.ts.

import type { ByteSink } from '../../bytes/byte-sink.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import {
  CHUNK_OVERHEAD,
  MAX_CHUNK_SIZE_BYTES,
  MAX_SEGMENT_SIZE,
  SEGMENT_HEADER_SIZE,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  segmentName,
} from './format.ts';
import { packRef } from './ref.ts';

/** One segment while it is written. */
export interface SegmentSink extends ByteSink {
  /** Everything written is safe when this returns. */
  finish(): void;
}

export class SegmentWriter {
  readonly #open: (name: string) => SegmentSink;
  readonly #maxSizeBytes: number;
  readonly #entry = new ByteWriter(4096);
  #sink: SegmentSink | undefined;
  #segment = -1;
  #sizeBytes = 0;

  /** `open` makes the segment of a name; at most one is open at a time. Tests may ask for smaller segments. */
  constructor(open: (name: string) => SegmentSink, maxSizeBytes = MAX_SEGMENT_SIZE) {
    this.#open = open;
    this.#maxSizeBytes = maxSizeBytes;
  }

  /** Number of the segment at hand from 0, -1 before the first, and its bytes so far. */
  get place(): { readonly segment: number; readonly sizeBytes: number } {
    return { segment: this.#segment, sizeBytes: this.#sizeBytes };
  }

  /** Appends a chunk's data and returns its packed reference. `checksum` is that of encoding and data, where it is known. */
  add(encoding: number, data: Uint8Array, checksum?: number): number {
    const largest = MAX_CHUNK_SIZE_BYTES + data.length + CHUNK_OVERHEAD;
    if (this.#sink === undefined || this.#sizeBytes + largest > this.#maxSizeBytes) this.cut();
    const ref = packRef(this.#segment, this.#sizeBytes);
    const entry = this.#entry;
    entry.clear();
    entry.uvarint(data.length);
    const from = entry.length;
    entry.u8(encoding);
    entry.bytes(data);
    if (checksum === undefined) entry.checksum(from);
    else entry.be32(checksum);
    this.#sink!.write(entry.written);
    this.#sizeBytes += entry.length;
    return ref;
  }

  /**
   * Appends bytes [from, to) that hold whole chunks as another segment had them, and returns the packed reference of the
   * first; undefined, and nothing is done, when they might not fit and have to be added one by one.
   */
  addStored(bytes: Uint8Array, from: number, to: number): number | undefined {
    if (this.#sink === undefined || this.#sizeBytes + MAX_CHUNK_SIZE_BYTES + to - from > this.#maxSizeBytes) {
      return undefined;
    }
    const ref = packRef(this.#segment, this.#sizeBytes);
    this.#sink.write(bytes.subarray(from, to));
    this.#sizeBytes += to - from;
    return ref;
  }

  /** Appends bytes that hold whole chunks, for those who know what fits and have begun the segment by `cut`. */
  write(bytes: Uint8Array): void {
    this.#sink!.write(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** Ends the last segment. Nothing may be added afterwards. */
  finish(): void {
    this.#sink?.finish();
    this.#sink = undefined;
  }

  /** Ends the segment at hand, if there is one, and begins the next, which `add` does where it is needed. */
  cut(): void {
    this.#sink?.finish();
    this.#sink = undefined;
    this.#sink = this.#open(segmentName(++this.#segment));
    this.#entry.clear();
    this.#entry.be32(SEGMENT_MAGIC);
    this.#entry.u8(SEGMENT_VERSION);
    this.#entry.pad(SEGMENT_HEADER_SIZE);
    this.#sink.write(this.#entry.written);
    this.#sizeBytes = SEGMENT_HEADER_SIZE;
  }
}

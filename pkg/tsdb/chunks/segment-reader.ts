// Reads one chunk by its place, from segments over random-access bytes or from bytes somebody fetched.

import type { ByteSource } from '../../bytes/byte-source.ts';
import { crc32c } from '../../bytes/crc32c.ts';
import { readUvarint, varintEnd } from '../../bytes/varint.ts';
import { Fault } from '../../errors/fault.ts';
import { CHUNK_OVERHEAD, MAX_CHUNK_SIZE_BYTES, SEGMENT_HEADER_SIZE, SEGMENT_MAGIC, SEGMENT_VERSION } from './format.ts';

/** What most chunks fit into. Reads of a file are views of a larger window, so asking for more costs nothing. */
const USUAL_CHUNK_BYTES = 1024;

const noBytes = new Uint8Array(0);

/** A chunk inside bytes: data is [offset, offset + length), without encoding byte and checksum. Reused by `readChunk`. */
export class ChunkView {
  bytes: Uint8Array = noBytes;
  encoding = 0;
  offset = 0;
  length = 0;
  /** Just after the checksum: where the next chunk starts. */
  end = 0;
}

/**
 * Finds the chunk that starts at `at` (its size field) in `bytes`, which are borrowed by `into`. `corrupt` when it reaches
 * past `end` or its checksum differs; `verify: false` leaves the checksum alone.
 */
export function readChunk(bytes: Uint8Array, at: number, into: ChunkView, end = bytes.length, verify = true): void {
  const length = readUvarint(bytes, at, end);
  const encodingAt = varintEnd;
  const dataEnd = encodingAt + 1 + length;
  if (dataEnd + 4 > end) throw new Fault('corrupt', `chunk of ${length} bytes reaches past the end of its range`);
  if (verify) {
    const stored =
      ((bytes[dataEnd] << 24) | (bytes[dataEnd + 1] << 16) | (bytes[dataEnd + 2] << 8) | bytes[dataEnd + 3]) >>> 0;
    const actual = crc32c(bytes, encodingAt, dataEnd);
    if (stored !== actual) {
      throw new Fault('corrupt', `chunk: checksum is ${actual.toString(16)}, expected ${stored.toString(16)}`);
    }
  }
  into.bytes = bytes;
  into.encoding = bytes[encodingAt];
  into.offset = encodingAt + 1;
  into.length = length;
  into.end = dataEnd + 4;
}

/** The segments of one block, in order of their names. */
export class SegmentReader {
  readonly #segments: readonly ByteSource[];

  /** Checks every header. The sources stay in use. */
  constructor(segments: readonly ByteSource[]) {
    this.#segments = segments;
    segments.forEach((segment, i) => {
      checkSegmentHeader(segment.read(0, Math.min(segment.sizeBytes, SEGMENT_HEADER_SIZE)), i);
    });
  }

  /** Reads one chunk; `into` is good until the next call. */
  read(segment: number, offset: number, into: ChunkView): void {
    const source = this.#sourceOf(segment, offset);
    let bytes = source.read(offset, Math.min(USUAL_CHUNK_BYTES, source.sizeBytes - offset));
    const length = readUvarint(bytes, 0, Math.min(bytes.length, MAX_CHUNK_SIZE_BYTES));
    const size = varintEnd + length + CHUNK_OVERHEAD;
    if (size > bytes.length) bytes = source.read(offset, size);
    readChunk(bytes, 0, into);
  }

  /**
   * The bytes of a segment from a chunk's start on: as many as a copy of the chunks up to the one at `last` most likely
   * takes, good until the next call. Their checksums are nobody's business here.
   */
  readRun(segment: number, first: number, last: number): Uint8Array {
    const source = this.#sourceOf(segment, last);
    return source.read(first, Math.min(last - first + USUAL_CHUNK_BYTES, source.sizeBytes - first));
  }

  /** Exactly these bytes of a segment, good until the next call. */
  readBytes(segment: number, offset: number, length: number): Uint8Array {
    return this.#sourceOf(segment, offset).read(offset, length);
  }

  #sourceOf(segment: number, offset: number): ByteSource {
    const source = this.#segments[segment];
    if (source === undefined) {
      throw new Fault('corrupt', `chunk is in segment ${segment} of ${this.#segments.length}`);
    }
    if (offset < SEGMENT_HEADER_SIZE || offset + MAX_CHUNK_SIZE_BYTES > source.sizeBytes) {
      throw new Fault('corrupt', `chunk at ${offset} is outside of its segment of ${source.sizeBytes} bytes`);
    }
    return source;
  }
}

/** `corrupt` unless these are the first eight bytes of a segment. */
export function checkSegmentHeader(bytes: Uint8Array, segment: number): void {
  if (bytes.length < SEGMENT_HEADER_SIZE) throw new Fault('corrupt', `chunk segment ${segment} has no header`);
  const magic = ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
  if (magic !== SEGMENT_MAGIC) {
    throw new Fault('corrupt', `chunk segment ${segment} starts with ${magic.toString(16)}, not 85bd40dd`);
  }
  if (bytes[4] !== SEGMENT_VERSION) {
    throw new Fault('corrupt', `chunk segment ${segment} has unknown version ${bytes[4]}`);
  }
}

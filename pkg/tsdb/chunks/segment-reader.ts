// Reads one chunk by its place, from segments over random-access bytes or from bytes somebody fetched.

import type { ByteSource } from '../../bytes/byte-source.ts';
import { ChecksumWindow } from '../../bytes/checksum-window.ts';
import { signedCrc32c } from '../../bytes/crc32c.ts';
import { readUvarint, varintEnd } from '../../bytes/varint.ts';
import { Fault } from '../../errors/fault.ts';
import { CHUNK_OVERHEAD, MAX_CHUNK_SIZE_BYTES, SEGMENT_HEADER_SIZE, SEGMENT_MAGIC, SEGMENT_VERSION } from './format.ts';

/** What most chunks fit into. Reads of a file are views of a larger window, so asking for more costs nothing. */
const USUAL_CHUNK_BYTES = 1024;
/** What is read at a time of chunks that lie one after the other. */
const WINDOW_BYTES = 256 * 1024;

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
  if (verify) checkSum(bytes, dataEnd, signedCrc32c(bytes, encodingAt, dataEnd));
  into.bytes = bytes;
  into.encoding = bytes[encodingAt];
  into.offset = encodingAt + 1;
  into.length = length;
  into.end = dataEnd + 4;
}

/** The same for one chunk of many: `sums` are over the same bytes. */
export function readSummedChunk(
  bytes: Uint8Array,
  at: number,
  into: ChunkView,
  end: number,
  sums: ChecksumWindow,
): void {
  readChunk(bytes, at, into, end, false);
  const dataEnd = into.offset + into.length;
  checkSum(bytes, dataEnd, sums.sum(into.offset - 1, dataEnd));
}

/** `corrupt` unless the checksum at `at` is this one, a signed number. */
function checkSum(bytes: Uint8Array, at: number, actual: number): void {
  const stored = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  if (stored === actual) return;
  const [is, expected] = [actual, stored].map((sum) => (sum >>> 0).toString(16));
  throw new Fault('corrupt', `chunk: checksum is ${is}, expected ${expected}`);
}

/** The segments of one block, in order of their names. */
export class SegmentReader {
  readonly #segments: readonly ByteSource[];
  /** What `readNext` read last, and where that lies. */
  #window: Uint8Array = noBytes;
  #sums = new ChecksumWindow(noBytes);
  #windowSegment = -1;
  #windowOffset = 0;

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
   * The same for those who read one chunk after the other as they lie in the segments, and nothing else in between: many
   * are read, and summed up, at a time.
   */
  readNext(segment: number, offset: number, into: ChunkView): void {
    let at = offset - this.#windowOffset;
    let size = segment === this.#windowSegment && at >= 0 ? this.#sizeAt(at) : undefined;
    if (size === undefined || at + size > this.#window.length) {
      const source = this.#sourceOf(segment, offset);
      this.#windowSegment = -1;
      this.#window = source.read(offset, Math.min(WINDOW_BYTES, source.sizeBytes - offset));
      at = 0;
      size = this.#sizeAt(0) ?? CHUNK_OVERHEAD;
      if (size > this.#window.length) this.#window = source.read(offset, size);
      this.#sums = new ChecksumWindow(this.#window);
      this.#windowSegment = segment;
      this.#windowOffset = offset;
    }
    readSummedChunk(this.#window, at, into, this.#window.length, this.#sums);
  }

  /** Bytes of the chunk at `at` of the window; undefined when its size does not lie in it. */
  #sizeAt(at: number): number | undefined {
    const bytes = this.#window;
    if (at + MAX_CHUNK_SIZE_BYTES > bytes.length) return undefined;
    const length = readUvarint(bytes, at, at + MAX_CHUNK_SIZE_BYTES);
    return varintEnd - at + length + CHUNK_OVERHEAD;
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

  /** Up to so many bytes of a segment from a chunk's start on; good until the next call. */
  readUpTo(segment: number, offset: number, most: number): Uint8Array {
    const source = this.#sourceOf(segment, offset);
    return source.read(offset, Math.min(most, source.sizeBytes - offset));
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

// Cuts records into the fragments of a segment. The bytes are drawn in format.ts; where a record is cut is the reference's
// way, to the byte.

import { crc32c } from '../../bytes/crc32c.ts';
import { encodeSnappy } from '../../bytes/snappy.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import { loadZstdEncoder } from '../../bytes/zstd.ts';
import { Fault } from '../../errors/fault.ts';
import {
  FRAGMENT_HEADER_BYTES,
  FragmentKind,
  PAGE_BYTES,
  SNAPPY_FLAG,
  type WalCompression,
  ZSTD_FLAG,
} from './format.ts';

/** How records are made smaller, and what their fragments say of it. */
export interface RecordCompressor {
  readonly flag: number;
  readonly compress: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

export async function recordCompressor(compression: WalCompression): Promise<RecordCompressor> {
  if (compression === 'none') return { flag: 0, compress: undefined };
  if (compression === 'snappy') return { flag: SNAPPY_FLAG, compress: encodeSnappy };
  return { flag: ZSTD_FLAG, compress: await loadZstdEncoder() };
}

export class Fragmenter {
  readonly #compressor: RecordCompressor;
  readonly #segmentBytes: number;
  readonly #pending = new ByteWriter(2 * PAGE_BYTES);
  /** Bytes of the segment that were taken before those pending. */
  #taken = 0;

  constructor(compressor: RecordCompressor, segmentBytes: number) {
    this.#compressor = compressor;
    this.#segmentBytes = segmentBytes;
  }

  /** Bytes of the segment so far. */
  get position(): number {
    return this.#taken + this.#pending.length;
  }

  /** Adds a record; false, and nothing is done, when this segment has no room for it. `limit` when no segment has. */
  add(record: Uint8Array): boolean {
    const { flag, compress } = this.#compressor;
    let data = record;
    let flags = 0;
    if (compress !== undefined && record.length > 0) {
      const smaller = compress(record);
      if (smaller.length < record.length) {
        data = smaller;
        flags = flag;
      }
    }
    if (this.position >= this.#segmentBytes) return false;
    // What this segment can still take; the page under way is never full.
    const inPage = PAGE_BYTES - (this.position % PAGE_BYTES);
    const pagesAfter = Math.floor((this.#segmentBytes - this.position) / PAGE_BYTES) - (inPage === PAGE_BYTES ? 1 : 0);
    const pageRoom = PAGE_BYTES - FRAGMENT_HEADER_BYTES;
    if (data.length > inPage - FRAGMENT_HEADER_BYTES + pagesAfter * pageRoom) {
      const most = (this.#segmentBytes / PAGE_BYTES) * pageRoom;
      if (data.length > most) {
        throw new Fault('limit', `a record of ${data.length} bytes does not fit a log segment, which takes ${most}`);
      }
      return false;
    }
    let from = 0;
    for (let isFirst = true; isFirst || from < data.length; isFirst = false) {
      const room = PAGE_BYTES - (this.position % PAGE_BYTES) - FRAGMENT_HEADER_BYTES;
      const to = Math.min(data.length, from + room);
      this.#fragment(kindOfPart(isFirst, to === data.length) | flags, data.subarray(from, to));
      from = to;
    }
    return true;
  }

  #fragment(head: number, data: Uint8Array): void {
    const pending = this.#pending;
    pending.u8(head);
    pending.be16(data.length);
    pending.be32(crc32c(data));
    pending.bytes(data);
    // A page without room for a header is over.
    if (PAGE_BYTES - (this.position % PAGE_BYTES) < FRAGMENT_HEADER_BYTES) this.endPage();
  }

  /** Fills the page under way with zeros, as at the end of a segment. */
  endPage(): void {
    this.#pending.pad(PAGE_BYTES, this.#taken);
  }

  /** The bytes that were not taken before; good until the next call. */
  take(): Uint8Array {
    const bytes = this.#pending.written;
    this.#taken += bytes.length;
    this.#pending.clear();
    return bytes;
  }

  /** Goes back to a position before which everything was taken, or to 0 for a new segment; what was not taken is gone. */
  rewind(position: number): void {
    this.#taken = position;
    this.#pending.clear();
  }
}

function kindOfPart(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? FragmentKind.full : FragmentKind.first;
  return isLast ? FragmentKind.last : FragmentKind.middle;
}

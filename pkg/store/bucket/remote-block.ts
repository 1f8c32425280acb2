// One block of the bucket that is being served: what it is, where its bytes are, and who is reading it.

import type { RequestContext } from '../../async/request.ts';
import type { ReaderLease, ReaderPool } from '../../block/index-header/reader-pool.ts';
import { chunkSegmentName, indexName } from '../../block/layout.ts';
import type { BlockMeta } from '../../block/meta.ts';
import { during, Fault } from '../../errors/fault.ts';
import type { Labels } from '../../model/labels.ts';
import type { Bucket } from '../../objstore/bucket.ts';
import { segmentName } from '../../tsdb/chunks/format.ts';

/** What an entry is taken to need when its block does not say: most are far smaller. */
const SERIES_ESTIMATE_BYTES = 65_536;
const CHUNK_ESTIMATE_BYTES = 16_000;
/** Length, encoding and checksum around a chunk's data. */
const CHUNK_OVERHEAD_BYTES = 5 + 1 + 4;

export class RemoteBlock {
  readonly meta: BlockMeta;
  readonly #bucket: Bucket;
  readonly #pool: ReaderPool;
  readonly #segments: readonly string[];
  #userCount = 0;
  #isRetired = false;

  constructor(meta: BlockMeta, bucket: Bucket, pool: ReaderPool) {
    this.meta = meta;
    this.#bucket = bucket;
    this.#pool = pool;
    const { segmentFiles, files } = meta.thanos;
    this.#segments =
      segmentFiles.length > 0
        ? segmentFiles
        : files.filter(({ relPath }) => relPath.startsWith('chunks/')).map(({ relPath }) => relPath.slice(7));
  }

  get ulid(): string {
    return this.meta.ulid;
  }

  get labels(): Labels {
    return this.meta.thanos.labels;
  }

  get resolutionMs(): number {
    return this.meta.thanos.resolutionMs;
  }

  /** Bytes to read for a series entry whose size is not known yet. */
  get seriesEstimate(): number {
    return this.meta.thanos.seriesMaxSizeBytes || SERIES_ESTIMATE_BYTES;
  }

  /** Bytes to read for a chunk whose size is not known yet, what surrounds its data included. */
  get chunkEstimate(): number {
    const { chunkMaxSizeBytes } = this.meta.thanos;
    return chunkMaxSizeBytes > 0 ? chunkMaxSizeBytes + CHUNK_OVERHEAD_BYTES : CHUNK_ESTIMATE_BYTES;
  }

  /** Keeps the block's header from being deleted until `leave`. */
  enter(): void {
    this.#userCount++;
  }

  async leave(): Promise<void> {
    this.#userCount--;
    if (this.#isRetired && this.#userCount === 0) await this.#pool.remove(this.ulid);
  }

  /** The block is not served any more: its header goes with its last reader. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    if (this.#userCount === 0) await this.#pool.remove(this.ulid);
  }

  async header(request: RequestContext): Promise<ReaderLease> {
    return this.#pool.acquire(request, this.ulid);
  }

  /** Bytes of the index from `offset` on, fewer only at its end. */
  readIndex(request: RequestContext, offset: number, length: number): Promise<Uint8Array> {
    return this.#read(request, indexName(this.ulid), offset, length);
  }

  /** The object of the segment that chunk references call by this number; `corrupt` when the block has none such. */
  segmentName(segment: number): string {
    // Old metas do not list their segments.
    const file = this.#segments.length === 0 ? segmentName(segment) : this.#segments[segment];
    if (file === undefined) {
      throw new Fault('corrupt', `block ${this.ulid}: a chunk is in segment ${segment}, of ${this.#segments.length}`);
    }
    return chunkSegmentName(this.ulid, file);
  }

  /** Bytes of a chunk segment from `offset` on, fewer only at its end. */
  readSegment(request: RequestContext, segment: number, offset: number, length: number): Promise<Uint8Array> {
    return this.#read(request, this.segmentName(segment), offset, length);
  }

  async #read(request: RequestContext, name: string, offset: number, length: number): Promise<Uint8Array> {
    try {
      return await this.#bucket.getRange(request, name, offset, length);
    } catch (thrown) {
      throw during(`read ${length} bytes at ${offset} of ${name}`, thrown, { block: this.ulid, object: name });
    }
  }
}

// One block among those that are merged: its series in turn, their labels by references into the symbols of all, and their
// chunks, copied as they lie or taken apart.

import { readUvarint, varintEnd } from '../bytes/varint.ts';
import { during, Fault } from '../errors/fault.ts';
import type { Block } from './block.ts';
import type { ChunkPlaces } from './chunk-places.ts';
import { CHUNK_OVERHEAD } from './chunks/format.ts';
import { ChunkView, readChunk } from './chunks/segment-reader.ts';
import { SeriesEntry } from './index/series-entry.ts';
import type { SeriesScan } from './index/series-scan.ts';
import type { LentBytes } from './lent-bytes.ts';
import { type StoredChunk, sampleCountAt, withoutDeleted } from './stored-chunk.ts';
import type { Interval } from './tombstones.ts';

export const NOTHING_DELETED: readonly Interval[] = [];

export type VisitSeries = (id: number, entry: SeriesEntry) => void;

/** Where copies of chunks go. */
export interface CopySink {
  /** Bytes [from, to) with whole chunks: the reference of the first, or undefined when they have to come one by one. */
  addStored(bytes: Uint8Array, from: number, to: number): number | undefined;
  add(encoding: number, data: Uint8Array, checksum: number): number;
  note(ref: number, minTime: number, maxTime: number, encoding: number, sampleCount: number): void;
}

/** Stands at a series whose labels are given by references into the symbols of all. */
export class MergeInput {
  isEnded = false;
  labelRefs = new Uint32Array(64);
  labelCount = 0;
  /** What was deleted of the series that `addChunks` gave last. */
  deleted: readonly Interval[] = NOTHING_DELETED;
  readonly #block: Block;
  readonly #refs: Uint32Array;
  readonly #outside: readonly Interval[];
  readonly #visit: VisitSeries;
  readonly #scan: SeriesScan;
  readonly #entry = new SeriesEntry();
  readonly #view = new ChunkView();
  /** Of the chunks that are copied at once. */
  #counts = new Uint32Array(64);
  #encodings = new Uint8Array(64);
  #lastRefs = new Uint32Array(64);

  /** `visit` sees each series as it is read, borrowed; what it throws ends the reading. */
  constructor(block: Block, refs: Uint32Array, outside: readonly Interval[], visit: VisitSeries) {
    this.#block = block;
    this.#refs = refs;
    this.#outside = outside;
    this.#visit = visit;
    // Chunks that repeat a time are put in order with the rest.
    this.#scan = block.index.scan({ verify: true, allowsDisorder: true });
    this.advance();
  }

  advance(): void {
    try {
      const entry = this.#entry;
      this.isEnded = !this.#scan.next(entry);
      if (this.isEnded) return;
      this.#visit(this.#scan.id, entry);
      const before = this.labelCount;
      const last = this.labelRefs;
      this.labelRefs = this.#lastRefs;
      this.#lastRefs = last;
      const { labelCount, labelRefs } = entry;
      if (2 * labelCount > this.labelRefs.length) this.labelRefs = new Uint32Array(4 * labelCount);
      for (let i = 0; i < 2 * labelCount; i++) {
        const ref = this.#refs[labelRefs[i]];
        if (ref === undefined) throw new Fault('corrupt', `series ${this.#scan.id} has a label that is no symbol`);
        this.labelRefs[i] = ref;
      }
      this.labelCount = labelCount;
      if (before > 0 && compareRefs(this.labelRefs, labelCount, { labelRefs: last, labelCount: before }) <= 0) {
        throw new Fault('corrupt', `series ${this.#scan.id} is out of order`);
      }
    } catch (thrown) {
      throw this.#inBlock('read series', thrown);
    }
  }

  /** Adds where the chunks of the series at hand lie, and says from here on what of them was deleted. */
  addChunks(number: number, to: ChunkPlaces): void {
    const { minTimes, maxTimes, segments, offsets, chunkCount } = this.#entry;
    this.deleted = this.#block.tombstones.get(this.#scan.id) ?? NOTHING_DELETED;
    for (let i = 0; i < chunkCount; i++) to.add(number, minTimes[i], maxTimes[i], segments[i], offsets[i]);
  }

  /** A chunk of which nothing was deleted, its bytes copied into `lent`. */
  readWhole({ minTimes, maxTimes, segments, offsets }: ChunkPlaces, i: number, lent: LentBytes): StoredChunk {
    const view = this.#view;
    try {
      this.#block.chunkAt(segments[i], offsets[i], view);
      const { encoding, bytes, offset, length } = view;
      sampleCountAt(encoding, bytes, offset, length);
      const checksum = readBe32(bytes, offset + length);
      const data = lent.copy(bytes, offset, offset + length);
      return { minTime: minTimes[i], maxTime: maxTimes[i], encoding, data, checksum };
    } catch (thrown) {
      throw this.#inBlock('read chunk', thrown);
    }
  }

  /** A chunk of this block with bytes of its own, without what was deleted; none when nothing is left. */
  read({ minTimes, maxTimes, segments, offsets }: ChunkPlaces, i: number): readonly StoredChunk[] {
    const view = this.#view;
    try {
      this.#block.chunkAt(segments[i], offsets[i], view);
      const { encoding } = view;
      const data = view.bytes.slice(view.offset, view.offset + view.length);
      const checksum = readBe32(view.bytes, view.offset + view.length);
      const chunk = { minTime: minTimes[i], maxTime: maxTimes[i], encoding, data, checksum };
      const chunks = withoutDeleted(chunk, [...this.#outside, ...this.deleted]);
      // Counted here already, so that of a chunk that cannot be read it is known where it came from.
      for (const { encoding, data } of chunks) sampleCountAt(encoding, data, 0, data.length);
      return chunks;
    } catch (thrown) {
      throw this.#inBlock('read chunk', thrown);
    }
  }

  /** Copies the chunks [from, to), which lie in one segment one after the other, with the checksums they have. */
  copy({ minTimes, maxTimes, segments, offsets }: ChunkPlaces, from: number, to: number, sink: CopySink): void {
    const view = this.#view;
    const segment = segments[from];
    const base = offsets[from];
    if (to - from > this.#counts.length) {
      this.#counts = new Uint32Array(2 * (to - from));
      this.#encodings = new Uint8Array(2 * (to - from));
    }
    try {
      let bytes = this.#block.segments.readRun(segment, base, offsets[to - 1]);
      for (let i = from; i < to; ) {
        // As far as chunks touch they are one piece.
        const start = offsets[i] - base;
        let end = start;
        let next = i;
        for (; next < to && offsets[next] - base === end; next++) {
          const length = readUvarint(bytes, end, bytes.length);
          const dataAt = varintEnd + 1;
          end = varintEnd + length + CHUNK_OVERHEAD;
          if (end > bytes.length) bytes = this.#block.segments.readBytes(segment, base, end);
          this.#counts[next - from] = sampleCountAt(bytes[dataAt - 1], bytes, dataAt, length);
          this.#encodings[next - from] = bytes[dataAt - 1];
        }
        const first = sink.addStored(bytes, start, end);
        for (; i < next; i++) {
          let ref: number;
          if (first === undefined) {
            readChunk(bytes, offsets[i] - base, view, end, false);
            const data = bytes.subarray(view.offset, view.offset + view.length);
            ref = sink.add(view.encoding, data, readBe32(bytes, view.offset + view.length));
          } else {
            ref = first + offsets[i] - base - start;
          }
          sink.note(ref, minTimes[i], maxTimes[i], this.#encodings[i - from], this.#counts[i - from]);
        }
      }
    } catch (thrown) {
      throw this.#inBlock('read chunk', thrown);
    }
  }

  #inBlock(doing: string, thrown: unknown): Fault {
    const { ulid } = this.#block.meta;
    return during(`${doing} of block ${ulid}`, thrown, { block: ulid });
  }
}

function readBe32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** The order of series; an input that has ended comes last. */
export function compareInputs(a: MergeInput, b: MergeInput): number {
  if (a.isEnded || b.isEnded) return Number(a.isEnded) - Number(b.isEnded);
  return compareRefs(a.labelRefs, a.labelCount, b);
}

interface LabelRefs {
  readonly labelRefs: Uint32Array;
  readonly labelCount: number;
}

/** Symbols are in byte order, so label order is the order of references, pair by pair. */
export function compareRefs(refs: Uint32Array, count: number, other: LabelRefs): number {
  const shared = 2 * Math.min(count, other.labelCount);
  for (let i = 0; i < shared; i++) if (refs[i] !== other.labelRefs[i]) return refs[i] - other.labelRefs[i];
  return count - other.labelCount;
}

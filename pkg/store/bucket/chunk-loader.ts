// Chunks of a stretch of series: from the bucket to chunk tables without decoding. What was read together becomes one
// table whose parts point into the bytes as they came; nothing is copied.

import { mapParallel } from '../../async/parallel.ts';
import type { RequestContext } from '../../async/request.ts';
import { AGGREGATE_ENCODING, AGGREGATE_PARTS, AggregateParts, splitAggregateChunk } from '../../block/aggr-chunk.ts';
import { ChecksumWindow } from '../../bytes/checksum-window.ts';
import { plainView } from '../../bytes/plain-view.ts';
import { readUvarint, varintEnd } from '../../bytes/varint.ts';
import { during, Fault } from '../../errors/fault.ts';
import { type ChunkSlice, type ChunkTable, ChunkTableBuilder } from '../chunk-table.ts';
import { Aggregate } from '../store.ts';
import { GAP_BYTES, type Part, partition } from './partitioner.ts';
import type { RemoteBlock } from './remote-block.ts';
import type { RequestStats } from './request-stats.ts';
import type { SeriesTable } from './series-table.ts';

const CONCURRENT_READS = 4;
/** The longest length field and the encoding byte: what must be there to know a chunk's size. */
const PREFIX_BYTES = 6;
const CHECKSUM_BYTES = 4;

/** Loads chunks of one block for one request. */
export class ChunkLoader {
  readonly #block: RemoteBlock;
  readonly #stats: RequestStats;
  /** For each of the five aggregate parts the number it is asked for as, or 0. */
  readonly #wanted: Uint8Array;
  readonly #parts = new AggregateParts();

  constructor(block: RemoteBlock, aggregates: readonly Aggregate[], stats: RequestStats) {
    this.#block = block;
    this.#stats = stats;
    this.#wanted = Uint8Array.from(AGGREGATE_PARTS, (part) =>
      aggregates.includes(Aggregate[part]) ? Aggregate[part] : 0,
    );
  }

  /**
   * About how many bytes reading the chunks of one more series costs, given where the last one ended: what a batch is
   * cut by. Returns the new end through `cursor`.
   */
  cost(table: SeriesTable, series: number, cursor: ReadCursor): number {
    const estimate = this.#block.chunkEstimate;
    let bytes = 0;
    for (let c = table.firstChunk[series]; c < table.firstChunk[series + 1]; c++) {
      const offset = table.offsets[c];
      if (table.segments[c] === cursor.segment && offset >= cursor.last && offset <= cursor.end + GAP_BYTES) {
        // Within reach of the range being grown: only the step from the last chunk on is new.
        bytes += offset - cursor.last;
      } else {
        bytes += estimate;
      }
      cursor.segment = table.segments[c];
      cursor.last = offset;
      cursor.end = offset + estimate;
    }
    return bytes;
  }

  /** The chunks of the listed series. The bytes held are counted into `held`. */
  async load(request: RequestContext, table: SeriesTable, series: Int32Array, held: HeldBytes): Promise<LoadedChunks> {
    const chunks = listChunks(table, series);
    const order = ascending(table, chunks);
    const parts = this.#partition(table, chunks, order);
    const loaded = await mapParallel(
      parts,
      CONCURRENT_READS,
      async (part, signal) => {
        const length = part.end - part.start;
        await held.take(signal, length);
        const bytes = await this.#block.readSegment({ ...request, signal }, part.segment, part.start, length);
        this.#stats.chunks.fetches++;
        this.#stats.chunks.fetched += part.last - part.first;
        this.#stats.chunks.fetchedBytes += bytes.length;
        held.keep(bytes);
        return bytes;
      },
      request.signal,
    );
    const reads = loaded.map((bytes, p) => readOf(parts[p].last - parts[p].first, plainView(bytes)));
    const partOf = new Uint32Array(chunks.length);
    parts.forEach((part, p) => {
      for (let i = part.first; i < part.last; i++) partOf[order === undefined ? i : order[i]] = p;
    });

    const tables = reads.map((read) => read.table);
    const out = new LoadedChunks(tables, series.length, chunks.length);
    let at = 0;
    for (let s = 0; s < series.length; s++) {
      const count = table.firstChunk[series[s] + 1] - table.firstChunk[series[s]];
      for (let i = 0; i < count; i++, at++) {
        const c = chunks[at];
        let into = partOf[at];
        const read = reads[into];
        const offset = table.offsets[c] - parts[into].start;
        if (!this.#add(table, c, read, offset)) {
          into = tables.push(await this.#addLong(request, table, c, read.table.bytes, offset, held)) - 1;
        }
        out.add(into, tables[into].length - 1);
      }
      out.endSeries();
    }
    this.#stats.chunks.touched += chunks.length;
    return out;
  }

  #partition(table: SeriesTable, chunks: Uint32Array, order: Uint32Array | undefined): SegmentPart[] {
    const estimate = this.#block.chunkEstimate;
    const parts: SegmentPart[] = [];
    const chunkAt = (i: number): number => chunks[order === undefined ? i : order[i]];
    for (let first = 0; first < chunks.length; ) {
      const segment = table.segments[chunkAt(first)];
      let last = first + 1;
      while (last < chunks.length && table.segments[chunkAt(last)] === segment) last++;
      const base = first;
      for (const part of partition(
        last - first,
        (i) => table.offsets[chunkAt(base + i)],
        (i) => table.offsets[chunkAt(base + i)] + estimate,
      )) {
        parts.push({ ...part, first: base + part.first, last: base + part.last, segment });
      }
      first = last;
    }
    return parts;
  }

  /** Adds the chunk at `at` of the table's bytes. False when it reaches past them, in which case nothing is added. */
  #add(source: SeriesTable, c: number, { table: into, checksums }: ChunkRead, at: number): boolean {
    const { bytes } = into;
    if (at + PREFIX_BYTES > bytes.length) return false;
    const length = readUvarint(bytes, at, bytes.length);
    const encodingAt = varintEnd;
    const end = encodingAt + 1 + length;
    if (end + CHECKSUM_BYTES > bytes.length) return false;
    if (checksums.sum(encodingAt, end) !== checksumAt(bytes, end)) {
      throw this.#failure(source, c, new Fault('corrupt', 'chunk: checksum differs'));
    }
    into.chunk(source.minTimes[c], source.maxTimes[c]);
    const encoding = bytes[encodingAt];
    this.#stats.chunks.touchedBytes += length;
    if (encoding >= 1 && encoding <= 3) {
      into.refer(Aggregate.raw, encoding, encodingAt + 1, length);
      return true;
    }
    if (encoding !== AGGREGATE_ENCODING) {
      throw this.#failure(source, c, new Fault('unsupported', `unsupported chunk encoding ${encoding}`));
    }
    this.#addAggregates(source, c, into, encodingAt + 1, end);
    return true;
  }

  #addAggregates(source: SeriesTable, c: number, into: ChunkTableBuilder, from: number, end: number): void {
    const parts = this.#parts;
    try {
      splitAggregateChunk(into.bytes, from, end, parts);
    } catch (thrown) {
      throw this.#failure(source, c, thrown);
    }
    for (let p = 0; p < AGGREGATE_PARTS.length; p++) {
      if (this.#wanted[p] === 0) continue;
      if (parts.encodings[p] === 0) {
        throw this.#failure(source, c, new Fault('execution', `aggregate ${AGGREGATE_PARTS[p]} does not exist`));
      }
      into.refer(this.#wanted[p], parts.encodings[p], parts.offsets[p], parts.lengths[p]);
    }
  }

  /** Reads a chunk that is longer than estimated once more, exactly, into a table of its own. */
  async #addLong(
    request: RequestContext,
    source: SeriesTable,
    c: number,
    known: Uint8Array,
    at: number,
    held: HeldBytes,
  ): Promise<ChunkTableBuilder> {
    const segment = source.segments[c];
    const offset = source.offsets[c];
    let prefix = known.subarray(at);
    if (prefix.length < PREFIX_BYTES) prefix = await this.#block.readSegment(request, segment, offset, PREFIX_BYTES);
    let size: number;
    try {
      const length = readUvarint(prefix, 0, prefix.length);
      size = varintEnd + 1 + length + CHECKSUM_BYTES;
    } catch (thrown) {
      throw this.#failure(source, c, thrown);
    }
    await held.take(request.signal, size);
    const bytes = await this.#block.readSegment(request, segment, offset, size);
    held.keep(bytes);
    this.#stats.chunks.fetches++;
    this.#stats.chunks.fetchedBytes += bytes.length;
    const own = readOf(1, bytes);
    if (bytes.length < size || !this.#add(source, c, own, 0)) {
      throw this.#failure(source, c, new Fault('corrupt', `chunk of ${size} bytes ends after ${bytes.length}`));
    }
    return own.table;
  }

  #failure(source: SeriesTable, c: number, thrown: unknown): Fault {
    const name = this.#block.segmentName(source.segments[c]);
    return during(`read chunk at ${source.offsets[c]} of ${name}`, thrown, { block: this.#block.ulid, object: name });
  }
}

/** Where the read that grows stands; start with `segment: -1`. */
export interface ReadCursor {
  segment: number;
  last: number;
  end: number;
}

/** Counts the chunk bytes that a batch holds; `take` may wait for other requests. */
export interface HeldBytes {
  take(signal: AbortSignal, bytes: number): Promise<void>;
  /** These bytes live as long as the batch. */
  keep(bytes: Uint8Array): void;
}

interface SegmentPart extends Part {
  readonly segment: number;
}

/** Chunks of some series, and where each is. Slices are made as they are asked for: by then most of a batch is waiting. */
export class LoadedChunks {
  readonly #tables: readonly ChunkTable[];
  /** Of each series, and behind the last. */
  readonly #firstChunk: Uint32Array;
  readonly #tableOf: Uint32Array;
  readonly #placeOf: Uint32Array;
  #seriesCount = 0;
  #count = 0;

  constructor(tables: readonly ChunkTable[], seriesCount: number, chunkCount: number) {
    this.#tables = tables;
    this.#firstChunk = new Uint32Array(seriesCount + 1);
    this.#tableOf = new Uint32Array(chunkCount);
    this.#placeOf = new Uint32Array(chunkCount);
  }

  /** Adds a chunk to the series begun: number `place` of a table. */
  add(table: number, place: number): void {
    this.#tableOf[this.#count] = table;
    this.#placeOf[this.#count++] = place;
  }

  endSeries(): void {
    this.#firstChunk[++this.#seriesCount] = this.#count;
  }

  /** The chunks of a series in the order they were added, as few slices as there can be. */
  slicesOf(series: number): ChunkSlice[] {
    const slices: ChunkSlice[] = [];
    const end = this.#firstChunk[series + 1];
    for (let from = this.#firstChunk[series]; from < end; ) {
      const table = this.#tableOf[from];
      const place = this.#placeOf[from];
      let to = from + 1;
      while (to < end && this.#tableOf[to] === table && this.#placeOf[to] === place + to - from) to++;
      const slice = { table: this.#tables[table], from: place, to: place + to - from };
      // Nearly always the only one: a literal takes no more room than that.
      if (to === end && slices.length === 0) return [slice];
      slices.push(slice);
      from = to;
    }
    return slices;
  }
}

/** What was read together. */
interface ChunkRead {
  readonly table: ChunkTableBuilder;
  readonly checksums: ChecksumWindow;
}

function readOf(chunkCount: number, bytes: Uint8Array): ChunkRead {
  return { table: new ChunkTableBuilder(chunkCount, bytes), checksums: new ChecksumWindow(bytes) };
}

/** As a signed number. */
function checksumAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

function listChunks(table: SeriesTable, series: Int32Array): Uint32Array {
  let count = 0;
  for (let s = 0; s < series.length; s++) count += table.firstChunk[series[s] + 1] - table.firstChunk[series[s]];
  const chunks = new Uint32Array(count);
  for (let s = 0, at = 0; s < series.length; s++) {
    for (let c = table.firstChunk[series[s]]; c < table.firstChunk[series[s] + 1]; c++) chunks[at++] = c;
  }
  return chunks;
}

/** The indexes of `chunks` by position in the block; undefined when that is the order they have. */
function ascending(table: SeriesTable, chunks: Uint32Array): Uint32Array | undefined {
  const compare = (a: number, b: number): number =>
    table.segments[a] - table.segments[b] || table.offsets[a] - table.offsets[b];
  let isSorted = true;
  for (let i = 1; i < chunks.length && isSorted; i++) isSorted = compare(chunks[i - 1], chunks[i]) <= 0;
  return isSorted ? undefined : Uint32Array.from(chunks, (_, i) => i).sort((a, b) => compare(chunks[a], chunks[b]));
}

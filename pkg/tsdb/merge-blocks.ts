// Many blocks into one, series by series in label order. Chunks that overlap no other are copied as they are; the rest go
// through a rule that is handed in. In memory are the symbols, the posting lists to be, and the chunks of one overlap.

import { join } from 'node:path';
import { throwIfAborted } from '../async/deadline.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { during, Fault } from '../errors/fault.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { LoserTree } from '../storage/loser-tree.ts';
import type { Block } from './block.ts';
import { BlockFiles } from './block-files.ts';
import type { BlockCompaction, BlockMeta } from './block-meta.ts';
import { ENCODING_FLOAT_HISTOGRAM, ENCODING_HISTOGRAM, ENCODING_XOR } from './chunkenc/encoding.ts';
import { offsetOf, segmentOf } from './chunks/ref.ts';
import { ChunkView } from './chunks/segment-reader.ts';
import { SegmentWriter } from './chunks/segment-writer.ts';
import { SeriesEntry } from './index/series-entry.ts';
import type { SymbolTable } from './index/symbols.ts';
import { IndexWriter } from './index/writer.ts';
import { isSameChunk, type StoredChunk, storedSampleCount, withoutDeleted } from './stored-chunk.ts';
import type { Interval } from './tombstones.ts';

/**
 * Makes of chunks that overlap, in order of their start and then their end, chunks that follow one another, and hands
 * them to `emit` in order. `unsupported` when it cannot.
 */
export type OverlapRule = (chunks: readonly StoredChunk[], emit: (chunk: StoredChunk) => void) => void;

export interface MergeOptions {
  readonly ulid: string;
  readonly mergeOverlaps: OverlapRule;
  readonly signal: AbortSignal;
  /** Further keys of meta.json. */
  readonly others?: Readonly<Record<string, unknown>>;
}

/** The thread is given back for other work about this often. */
const SLICE_MS = 20;
const SERIES_PER_LOOK = 16;

/**
 * Writes the merger of the inputs, which stay open, as a block into the directory `parent`, and gives its meta; undefined,
 * and no block, when no sample was left. Deleted samples are left out. A failure that lies in an input has that block's
 * identifier among its facts.
 */
export async function mergeBlocks(
  parent: string,
  inputs: readonly Block[],
  options: MergeOptions,
): Promise<BlockMeta | undefined> {
  const files = new BlockFiles(parent, options.ulid);
  try {
    const merge = new Merge(inputs, files, options);
    let sliceEnd = performance.now() + SLICE_MS;
    for (let i = 0; merge.next(); i++) {
      if (i % SERIES_PER_LOOK !== 0 || performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setImmediate(resolve));
      throwIfAborted(options.signal);
      sliceEnd = performance.now() + SLICE_MS;
    }
    const meta = merge.finish();
    if (meta === undefined) files.abort();
    else files.commit(meta);
    return meta;
  } catch (thrown) {
    files.abort();
    throw thrown;
  }
}

/** What meta.json of a merger says of its origin. */
export function mergedCompaction(inputs: readonly Omit<BlockMeta, 'others'>[]): BlockCompaction {
  return {
    level: Math.max(...inputs.map((meta) => meta.compaction.level)) + 1,
    sources: [...new Set(inputs.flatMap((meta) => meta.compaction.sources))].sort(),
    deletable: false,
    parents: inputs.map(({ ulid, minTime, maxTime }) => ({ ulid, minTime, maxTime })),
    failed: false,
    hints: [],
  };
}

class Merge {
  readonly #options: MergeOptions;
  readonly #inputs: readonly InputCursor[];
  readonly #tree: LoserTree;
  readonly #segments: SegmentWriter;
  readonly #index: IndexWriter;
  readonly #finishIndex: () => void;
  readonly #entry = new SeriesEntry();
  readonly #minTime: number;
  readonly #maxTime: number;
  readonly #compaction: BlockCompaction;
  #seriesCount = 0;
  #chunkCount = 0;
  #sampleCount = 0;
  #floatCount = 0;
  #histogramCount = 0;

  constructor(blocks: readonly Block[], files: BlockFiles, options: MergeOptions) {
    this.#options = options;
    this.#minTime = Math.min(...blocks.map(({ meta }) => meta.minTime));
    this.#maxTime = Math.max(...blocks.map(({ meta }) => meta.maxTime));
    this.#compaction = mergedCompaction(blocks.map(({ meta }) => meta));
    const { symbols, refs } = mergeSymbols(blocks.map((block) => block.index.symbols));
    const outside = [
      { minTime: MIN_TIME, maxTime: this.#minTime - 1 },
      { minTime: this.#maxTime, maxTime: MAX_TIME },
    ];
    this.#inputs = blocks.map((block, i) => new InputCursor(block, refs[i], outside));
    this.#segments = new SegmentWriter((name) => files.create(join('chunks', name)));
    const sink = files.create('index');
    this.#index = new IndexWriter(sink, symbols);
    this.#finishIndex = () => sink.finish();
    const inputs = this.#inputs;
    this.#tree = new LoserTree(inputs.length, (a, b) => {
      const order = compareCursors(inputs[a], inputs[b]);
      return order < 0 || (order === 0 && a < b);
    });
  }

  /** Writes the next series; false when there is none. */
  next(): boolean {
    const first = this.#inputs[this.#tree.winner];
    if (first.isEnded) return false;
    const { labelRefs, labelCount } = first;
    const entry = this.#entry;
    entry.reserveLabels(labelCount);
    entry.labelRefs.set(labelRefs.subarray(0, 2 * labelCount));
    entry.labelCount = labelCount;
    entry.chunkCount = 0;
    const places: ChunkPlace[] = [];
    do {
      const input = this.#inputs[this.#tree.winner];
      input.addChunks(places);
      input.advance();
      this.#tree.replay();
    } while (this.#isSameSeries());
    places.sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime);
    this.#writeChunks(places);
    if (entry.chunkCount === 0) return true;
    this.#index.addSeries(entry);
    this.#seriesCount++;
    return true;
  }

  finish(): BlockMeta | undefined {
    this.#segments.finish();
    if (this.#seriesCount === 0) return undefined;
    this.#index.finish();
    this.#finishIndex();
    return {
      ulid: this.#options.ulid,
      minTime: this.#minTime,
      maxTime: this.#maxTime,
      stats: {
        numSamples: this.#sampleCount,
        numFloatSamples: this.#floatCount,
        numHistogramSamples: this.#histogramCount,
        numSeries: this.#seriesCount,
        numChunks: this.#chunkCount,
        numTombstones: 0,
      },
      compaction: this.#compaction,
      others: this.#options.others ?? {},
    };
  }

  #isSameSeries(): boolean {
    const input = this.#inputs[this.#tree.winner];
    return !input.isEnded && compareRefs(input.labelRefs, input.labelCount, this.#entry) === 0;
  }

  #writeChunks(places: readonly ChunkPlace[]): void {
    for (let from = 0; from < places.length; ) {
      let end = places[from].maxTime;
      let to = from + 1;
      for (; to < places.length && places[to].minTime <= end; to++) end = Math.max(end, places[to].maxTime);
      if (to === from + 1) this.#copy(places[from]);
      else this.#mergeOverlap(places.slice(from, to));
      from = to;
    }
  }

  #copy(place: ChunkPlace): void {
    for (const chunk of place.input.read(place)) this.#write(chunk);
  }

  #mergeOverlap(places: readonly ChunkPlace[]): void {
    const chunks: StoredChunk[] = [];
    for (const place of places) {
      for (const chunk of place.input.read(place)) {
        const last = chunks.at(-1);
        if (last === undefined || !isSameChunk(last, chunk)) chunks.push(chunk);
      }
    }
    if (chunks.length === 1) this.#write(chunks[0]);
    else if (chunks.length > 1) this.#options.mergeOverlaps(chunks, (chunk) => this.#write(chunk));
  }

  #write(chunk: StoredChunk): void {
    const entry = this.#entry;
    const at = entry.chunkCount;
    growChunks(entry);
    const ref = this.#segments.add(chunk.encoding, chunk.data, chunk.checksum);
    entry.minTimes[at] = chunk.minTime;
    entry.maxTimes[at] = chunk.maxTime;
    entry.segments[at] = segmentOf(ref);
    entry.offsets[at] = offsetOf(ref);
    entry.chunkCount = at + 1;
    const count = storedSampleCount(chunk);
    this.#chunkCount++;
    this.#sampleCount += count;
    if (chunk.encoding === ENCODING_XOR) this.#floatCount += count;
    else if (chunk.encoding === ENCODING_HISTOGRAM || chunk.encoding === ENCODING_FLOAT_HISTOGRAM) {
      this.#histogramCount += count;
    }
  }
}

/** Where a chunk of the series at hand lies. */
interface ChunkPlace {
  readonly input: InputCursor;
  readonly minTime: number;
  readonly maxTime: number;
  readonly segment: number;
  readonly offset: number;
  readonly deleted: readonly Interval[];
}

/** One input, standing at a series whose labels are given by references into the symbols of all. */
class InputCursor {
  isEnded = false;
  labelRefs = new Uint32Array(64);
  labelCount = 0;
  readonly #block: Block;
  readonly #refs: Uint32Array;
  readonly #outside: readonly Interval[];
  readonly #ids: Iterator<number>;
  readonly #entry = new SeriesEntry();
  readonly #view = new ChunkView();
  #id = 0;

  constructor(block: Block, refs: Uint32Array, outside: readonly Interval[]) {
    this.#block = block;
    this.#refs = refs;
    this.#outside = outside;
    this.#ids = block.index.walk()[Symbol.iterator]();
    this.advance();
  }

  advance(): void {
    try {
      const next = this.#ids.next();
      if (next.done === true) {
        this.isEnded = true;
        return;
      }
      this.#id = next.value;
      const entry = this.#entry;
      // Chunks that repeat a time are put in order with the rest.
      this.#block.index.series(this.#id, entry, true);
      const before = this.labelCount;
      const last = this.labelRefs.slice(0, 2 * before);
      if (2 * entry.labelCount > this.labelRefs.length) this.labelRefs = new Uint32Array(4 * entry.labelCount);
      for (let i = 0; i < 2 * entry.labelCount; i++) {
        const ref = this.#refs[entry.labelRefs[i]];
        if (ref === undefined) throw new Fault('corrupt', `series ${this.#id} has a label that is no symbol`);
        this.labelRefs[i] = ref;
      }
      this.labelCount = entry.labelCount;
      if (before > 0 && compareRefs(this.labelRefs, this.labelCount, { labelRefs: last, labelCount: before }) <= 0) {
        throw new Fault('corrupt', `series ${this.#id} is out of order`);
      }
    } catch (thrown) {
      throw this.#inBlock('read series', thrown);
    }
  }

  /** Adds where the chunks of the series at hand lie. */
  addChunks(to: ChunkPlace[]): void {
    const { minTimes, maxTimes, segments, offsets, chunkCount } = this.#entry;
    const tombstones = this.#block.tombstones.get(this.#id);
    const deleted = tombstones === undefined ? this.#outside : [...this.#outside, ...tombstones];
    for (let i = 0; i < chunkCount; i++) {
      to.push({
        input: this,
        minTime: minTimes[i],
        maxTime: maxTimes[i],
        segment: segments[i],
        offset: offsets[i],
        deleted,
      });
    }
  }

  /** A chunk of this block with bytes of its own, without what was deleted; none when nothing is left. */
  read(place: ChunkPlace): readonly StoredChunk[] {
    const view = this.#view;
    try {
      this.#block.chunkAt(place.segment, place.offset, view);
      const data = view.bytes.slice(view.offset, view.offset + view.length);
      const { minTime, maxTime } = place;
      const checksum = readBe32(view.bytes, view.offset + view.length);
      const chunks = withoutDeleted({ minTime, maxTime, encoding: view.encoding, data, checksum }, place.deleted);
      // Counted here already, so that of a chunk that cannot be read it is known where it came from.
      for (const chunk of chunks) storedSampleCount(chunk);
      return chunks;
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

/** All symbols in order, and for each table where its symbols stand among them. */
function mergeSymbols(tables: readonly SymbolTable[]): { symbols: string[]; refs: Uint32Array[] } {
  const symbols: string[] = [];
  const refs = tables.map((table) => new Uint32Array(table.count));
  const at = new Array<number>(tables.length).fill(0);
  const tree = new LoserTree(tables.length, (a, b) => {
    if (at[a] >= tables[a].count) return false;
    return at[b] >= tables[b].count || compareUtf8(tables[a].get(at[a]), tables[b].get(at[b])) < 0;
  });
  for (;;) {
    const winner = tree.winner;
    if (at[winner] >= tables[winner].count) return { symbols, refs };
    const symbol = tables[winner].get(at[winner]);
    if (symbols.length === 0 || symbols[symbols.length - 1] !== symbol) symbols.push(symbol);
    refs[winner][at[winner]++] = symbols.length - 1;
    tree.replay();
  }
}

/** The order of series; an input that has ended comes last. */
function compareCursors(a: InputCursor, b: InputCursor): number {
  if (a.isEnded || b.isEnded) return Number(a.isEnded) - Number(b.isEnded);
  return compareRefs(a.labelRefs, a.labelCount, b);
}

interface LabelRefs {
  readonly labelRefs: Uint32Array;
  readonly labelCount: number;
}

/** Symbols are in byte order, so label order is the order of references, pair by pair. */
function compareRefs(refs: Uint32Array, count: number, other: LabelRefs): number {
  const shared = 2 * Math.min(count, other.labelCount);
  for (let i = 0; i < shared; i++) if (refs[i] !== other.labelRefs[i]) return refs[i] - other.labelRefs[i];
  return count - other.labelCount;
}

/** Room for one more chunk, keeping those there. */
function growChunks(entry: SeriesEntry): void {
  const { chunkCount, minTimes, maxTimes, segments, offsets } = entry;
  if (chunkCount < minTimes.length) return;
  entry.reserveChunks(chunkCount + 1);
  entry.minTimes.set(minTimes);
  entry.maxTimes.set(maxTimes);
  entry.segments.set(segments);
  entry.offsets.set(offsets);
}

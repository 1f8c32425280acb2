// Many blocks into one, series by series in label order. Chunks that overlap no other are copied as they are, neighbours
// together, with the checksums they have, which are compared by whoever verifies the merger; the rest go through a rule that
// is handed in. In memory are the symbols, the posting lists to be, and the chunks of one overlap.

import { join } from 'node:path';
import { throwIfAborted } from '../async/deadline.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { LoserTree } from '../storage/loser-tree.ts';
import type { Block } from './block.ts';
import { BlockFiles } from './block-files.ts';
import { type BlockCompaction, type BlockMeta, mergedCompaction } from './block-meta.ts';
import { ChunkPlaces } from './chunk-places.ts';
import { ENCODING_FLOAT_HISTOGRAM, ENCODING_HISTOGRAM, ENCODING_XOR } from './chunkenc/encoding.ts';
import { offsetOf, segmentOf } from './chunks/ref.ts';
import { SegmentWriter } from './chunks/segment-writer.ts';
import { mergeSymbols } from './index/merge-symbols.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { IndexWriter } from './index/writer.ts';
import { LentBytes } from './lent-bytes.ts';
import { type CopySink, compareInputs, compareRefs, MergeInput, NOTHING_DELETED } from './merge-input.ts';
import { isSameChunk, type StoredChunk, sampleCountAt } from './stored-chunk.ts';

/**
 * Makes of chunks that overlap, in order of their start and then their end, chunks that follow one another, and hands
 * them to `emit` in order. What it gets is good until it returns, what it emits need be only until `emit` returns.
 * `unsupported` when it cannot.
 */
export type OverlapRule = (chunks: readonly StoredChunk[], emit: (chunk: StoredChunk) => void) => void;

export interface MergeOptions {
  readonly ulid: string;
  readonly mergeOverlaps: OverlapRule;
  readonly signal: AbortSignal;
  /** Further keys of meta.json. */
  readonly others?: Readonly<Record<string, unknown>>;
  /** False when the block is for this process only; true, unless given: on the disk when it is done. */
  readonly isDurable?: boolean;
  /** Called now and then as series are written. */
  readonly onProgress?: () => void;
  /** What a segment grows up to; tests may ask for less than usual. */
  readonly segmentBytes?: number;
  /**
   * Sees each series of each input, by its number, before anything of it is merged: borrowed, its checksum compared. What it
   * throws ends the merge.
   */
  readonly visit?: (input: number, id: number, entry: SeriesEntry) => void;
}

/** The thread is given back for other work about this often. */
const SLICE_MS = 20;
const SERIES_PER_LOOK = 16;
/** Neighbours are copied together up to about so much. */
const RUN_BYTES = 128 * 1024;

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
  const files = new BlockFiles(parent, options.ulid, options.isDurable);
  try {
    const merge = new Merge(inputs, files, options);
    let sliceEnd = performance.now() + SLICE_MS;
    for (let i = 0; merge.next(); i++) {
      if (i % SERIES_PER_LOOK !== 0 || performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setImmediate(resolve));
      throwIfAborted(options.signal);
      options.onProgress?.();
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

class Merge implements CopySink {
  readonly #options: MergeOptions;
  readonly #inputs: readonly MergeInput[];
  readonly #tree: LoserTree;
  readonly #segments: SegmentWriter;
  readonly #index: IndexWriter;
  readonly #finishIndex: () => void;
  readonly #entry = new SeriesEntry();
  readonly #places = new ChunkPlaces();
  /** The chunks of the overlap at hand, and bytes of theirs. */
  readonly #overlapping: StoredChunk[] = [];
  readonly #lent = new LentBytes();
  readonly #emit = (chunk: StoredChunk): void => this.#write(chunk);
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
    const tables = blocks.map((block) => block.index.symbols);
    const refs = tables.map(({ count }) => new Uint32Array(count));
    const symbols = mergeSymbols(tables, refs);
    const outside = [
      { minTime: MIN_TIME, maxTime: this.#minTime - 1 },
      { minTime: this.#maxTime, maxTime: MAX_TIME },
    ];
    const { visit = () => {} } = options;
    this.#inputs = blocks.map((block, i) => {
      return new MergeInput(block, refs[i], outside, (id, entry) => visit(i, id, entry));
    });
    this.#segments = new SegmentWriter((name) => files.create(join('chunks', name)), options.segmentBytes);
    const sink = files.create('index');
    this.#index = new IndexWriter(sink, symbols);
    this.#finishIndex = () => sink.finish();
    const inputs = this.#inputs;
    this.#tree = new LoserTree(inputs.length, (a, b) => {
      const order = compareInputs(inputs[a], inputs[b]);
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
    for (let i = 0; i < 2 * labelCount; i++) entry.labelRefs[i] = labelRefs[i];
    entry.labelCount = labelCount;
    entry.chunkCount = 0;
    this.#places.clear();
    do {
      const { winner } = this.#tree;
      const input = this.#inputs[winner];
      input.addChunks(winner, this.#places);
      input.advance();
      this.#tree.replay();
    } while (this.#isSameSeries());
    this.#places.sort();
    this.#writeChunks();
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

  #writeChunks(): void {
    const { count, minTimes, maxTimes } = this.#places;
    for (let from = 0; from < count; ) {
      let end = maxTimes[from];
      let to = from + 1;
      for (; to < count && minTimes[to] <= end; to++) end = Math.max(end, maxTimes[to]);
      if (to > from + 1) this.#mergeOverlap(from, to);
      else if (this.#isWhole(from)) to = this.#copyRun(from);
      else for (const chunk of this.#inputs[this.#places.inputs[from]].read(this.#places, from)) this.#write(chunk);
      from = to;
    }
  }

  /** Whether nothing of a chunk was deleted, as far as can be told without reading it. */
  #isWhole(i: number): boolean {
    const { inputs, minTimes, maxTimes } = this.#places;
    return (
      minTimes[i] >= this.#minTime && maxTimes[i] < this.#maxTime && this.#inputs[inputs[i]].deleted === NOTHING_DELETED
    );
  }

  /** Copies a chunk, and those after it that lie behind it in the same segment, overlap none and are whole; where it ended. */
  #copyRun(from: number): number {
    const { count, inputs, segments, offsets, minTimes, maxTimes } = this.#places;
    const last = offsets[from] + RUN_BYTES;
    let to = from + 1;
    for (; to < count; to++) {
      if (inputs[to] !== inputs[from] || segments[to] !== segments[from]) break;
      if (offsets[to] <= offsets[to - 1] || offsets[to] > last) break;
      if ((to + 1 < count && minTimes[to + 1] <= maxTimes[to]) || !this.#isWhole(to)) break;
    }
    this.#inputs[inputs[from]].copy(this.#places, from, to, this);
    return to;
  }

  #mergeOverlap(from: number, to: number): void {
    const chunks = this.#overlapping;
    chunks.length = 0;
    this.#lent.clear();
    for (let i = from; i < to; i++) {
      const input = this.#inputs[this.#places.inputs[i]];
      if (this.#isWhole(i)) this.#addOverlapping(input.readWhole(this.#places, i, this.#lent));
      else for (const chunk of input.read(this.#places, i)) this.#addOverlapping(chunk);
    }
    if (chunks.length === 1) this.#write(chunks[0]);
    else if (chunks.length > 1) this.#options.mergeOverlaps(chunks, this.#emit);
  }

  #addOverlapping(chunk: StoredChunk): void {
    const chunks = this.#overlapping;
    if (chunks.length === 0 || !isSameChunk(chunks[chunks.length - 1], chunk)) chunks.push(chunk);
  }

  #write({ minTime, maxTime, encoding, data, checksum }: StoredChunk): void {
    const ref = this.#segments.add(encoding, data, checksum);
    this.note(ref, minTime, maxTime, encoding, sampleCountAt(encoding, data, 0, data.length));
  }

  addStored(bytes: Uint8Array, from: number, to: number): number | undefined {
    return this.#segments.addStored(bytes, from, to);
  }

  add(encoding: number, data: Uint8Array, checksum: number): number {
    return this.#segments.add(encoding, data, checksum);
  }

  /** Puts a chunk that was written into the entry of its series. */
  note(ref: number, minTime: number, maxTime: number, encoding: number, sampleCount: number): void {
    const entry = this.#entry;
    const at = entry.chunkCount;
    growChunks(entry);
    entry.minTimes[at] = minTime;
    entry.maxTimes[at] = maxTime;
    entry.segments[at] = segmentOf(ref);
    entry.offsets[at] = offsetOf(ref);
    entry.chunkCount = at + 1;
    this.#chunkCount++;
    this.#sampleCount += sampleCount;
    if (encoding === ENCODING_XOR) this.#floatCount += sampleCount;
    else if (encoding === ENCODING_HISTOGRAM || encoding === ENCODING_FLOAT_HISTOGRAM) {
      this.#histogramCount += sampleCount;
    }
  }
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

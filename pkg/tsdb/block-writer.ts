// Writes a block directory from series in label order: aside under `<ulid>.tmp-for-creation`, renamed when complete.
//
// The index needs all symbols before the first series, so entries wait in a file of their own until the end; memory holds
// the symbols and four bytes for each label of each series.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { compareUtf8 } from '../bytes/compare.ts';
import { readUvarint, varintEnd } from '../bytes/varint.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { Fault } from '../errors/fault.ts';
import { bucketSpansProblem, type HistogramSample } from '../model/histogram.ts';
import { compareLabels, type Labels } from '../model/labels.ts';
import type { SampleColumns } from '../storage/sample-columns.ts';
import { BlockFiles } from './block-files.ts';
import type { BlockCompaction, BlockMeta } from './block-meta.ts';
import { ENCODING_XOR } from './chunkenc/encoding.ts';
import { HistogramChunker } from './chunkenc/histogram-chunker.ts';
import { encodeXor } from './chunkenc/xor-encoder.ts';
import { offsetOf, segmentOf } from './chunks/ref.ts';
import { SegmentWriter } from './chunks/segment-writer.ts';
import { SeriesEntry } from './index/series-entry.ts';
import { IndexWriter } from './index/writer.ts';
import { type FileSink, FileSource } from './local-file.ts';

export const SAMPLES_PER_CHUNK = 120;

const SPOOL_FILE = 'series.tmp';

export interface BlockWriterOptions {
  readonly ulid: string;
  /** Inclusive, ms. */
  readonly minTime: number;
  /** Exclusive, ms. */
  readonly maxTime: number;
  /** What meta.json says of the origin; level 1 and the block itself as its source unless given. */
  readonly compaction?: BlockCompaction;
  /** Further keys of meta.json. */
  readonly others?: Readonly<Record<string, unknown>>;
}

export class BlockWriter {
  readonly #options: BlockWriterOptions;
  readonly #files: BlockFiles;
  readonly #segments: SegmentWriter;
  readonly #spool: FileSink;
  readonly #record = new ByteWriter(4096);
  /** The chunks of the series under way, as they go into its record. */
  readonly #chunks = new ByteWriter(4096);
  readonly #histogramChunker = new HistogramChunker(SAMPLES_PER_CHUNK);
  /** Symbols in order of appearance; the index has them sorted. */
  readonly #symbols = new Map<string, number>();
  #lastLabels: Labels | undefined;
  #seriesCount = 0;
  #chunkCount = 0;
  #floatCount = 0;
  #histogramCount = 0;

  /** Makes the directory aside in `parent`. End with `finish` or `abort`. `conflict` when the block exists. */
  constructor(parent: string, options: BlockWriterOptions) {
    this.#options = options;
    this.#files = new BlockFiles(parent, options.ulid);
    this.#segments = new SegmentWriter((name) => this.#files.create(join('chunks', name)));
    this.#spool = this.#files.create(SPOOL_FILE);
  }

  /**
   * Adds a series: labels after those of the series before; floats and histograms each in ascending time within the
   * block's, together without a time twice, a histogram's buckets as many as its spans say. What breaks these rules is
   * `invalid`. A series without samples is left out.
   */
  addSeries(labels: Labels, floats: SampleColumns, histograms: readonly HistogramSample[] = []): void {
    if (floats.length === 0 && histograms.length === 0) return;
    if (this.#lastLabels !== undefined && compareLabels(this.#lastLabels, labels) >= 0) {
      throw new Fault('invalid', `series ${labels} does not come after ${this.#lastLabels}`);
    }
    this.#checkTimes(labels, floats);
    for (const { time, histogram } of histograms) {
      const problem = bucketSpansProblem(histogram);
      if (problem !== undefined) throw new Fault('invalid', `histogram of ${labels} at ${time} ${problem}`);
    }
    this.#checkHistogramTimes(labels, floats, histograms);
    this.#lastLabels = labels;
    this.#chunks.clear();
    const chunkCount = this.#addChunks(floats, histograms);
    const record = this.#record;
    record.clear();
    record.uvarint(labels.size);
    for (const text of labels.flat) record.uvarint(this.#symbolOf(text));
    record.uvarint(chunkCount);
    record.bytes(this.#chunks.written);
    // In front of each record stands its size.
    const body = record.copy();
    record.clear();
    record.be32(body.length);
    record.bytes(body);
    this.#spool.write(record.written);
    this.#seriesCount++;
    this.#chunkCount += chunkCount;
    this.#floatCount += floats.length;
    this.#histogramCount += histograms.length;
  }

  /**
   * Completes the block: everything is on the disk under its name when this returns. `invalid` when there was no sample,
   * since a block without series is never written; the directory aside is gone then.
   */
  finish(): BlockMeta {
    if (this.#seriesCount === 0) {
      this.abort();
      throw new Fault('invalid', `block ${this.#options.ulid} has no samples`);
    }
    try {
      this.#segments.finish();
      this.#spool.finish();
      this.#writeIndex();
      rmSync(join(this.#files.aside, SPOOL_FILE));
      const meta = this.#meta();
      this.#files.commit(meta);
      return meta;
    } catch (thrown) {
      this.abort();
      throw thrown;
    }
  }

  /** Gives up: nothing of the block stays. */
  abort(): void {
    this.#files.abort();
  }

  #checkTimes(labels: Labels, samples: SampleColumns): void {
    const { times, length } = samples;
    const { minTime, maxTime } = this.#options;
    for (let i = 1; i < length; i++) {
      if (times[i] <= times[i - 1]) throw new Fault('invalid', `samples of ${labels} are out of order at ${times[i]}`);
    }
    if (length > 0 && (times[0] < minTime || times[length - 1] >= maxTime)) {
      throw new Fault('invalid', `samples of ${labels} are outside of the block's time`);
    }
  }

  #checkHistogramTimes(labels: Labels, floats: SampleColumns, histograms: readonly HistogramSample[]): void {
    const { minTime, maxTime } = this.#options;
    let f = 0;
    let last = Number.NEGATIVE_INFINITY;
    for (const { time } of histograms) {
      if (time <= last) throw new Fault('invalid', `histograms of ${labels} are out of order at ${time}`);
      if (time < minTime || time >= maxTime) {
        throw new Fault('invalid', `histograms of ${labels} are outside of the block's time`);
      }
      while (f < floats.length && floats.times[f] < time) f++;
      if (f < floats.length && floats.times[f] === time) {
        throw new Fault('invalid', `series ${labels} has a float and a histogram at ${time}`);
      }
      last = time;
    }
  }

  /** Writes the samples in order of time, a new chunk where their kind changes; gives the number of chunks. */
  #addChunks(floats: SampleColumns, histograms: readonly HistogramSample[]): number {
    let chunkCount = 0;
    let h = 0;
    let from = 0;
    while (from < floats.length || h < histograms.length) {
      const nextHistogram = h < histograms.length ? histograms[h].time : Number.POSITIVE_INFINITY;
      let to = from;
      while (to < floats.length && to - from < SAMPLES_PER_CHUNK && floats.times[to] < nextHistogram) to++;
      if (to > from) {
        const { times } = floats;
        this.#addChunk(ENCODING_XOR, times[from], times[to - 1], encodeXor(floats, from, to));
        chunkCount++;
        from = to;
        continue;
      }
      const nextFloat = from < floats.length ? floats.times[from] : Number.POSITIVE_INFINITY;
      const chunker = this.#histogramChunker;
      for (; h < histograms.length && histograms[h].time < nextFloat; h++) {
        const ended = chunker.push(histograms[h]);
        if (ended === undefined) continue;
        this.#addChunk(ended.encoding, ended.minTime, ended.maxTime, ended.bytes);
        chunkCount++;
      }
      const last = chunker.finish()!;
      this.#addChunk(last.encoding, last.minTime, last.maxTime, last.bytes);
      chunkCount++;
    }
    return chunkCount;
  }

  #addChunk(encoding: number, firstTime: number, lastTime: number, bytes: Uint8Array): void {
    this.#chunks.uvarint(firstTime - this.#options.minTime);
    this.#chunks.uvarint(lastTime - this.#options.minTime);
    this.#chunks.uvarint(this.#segments.add(encoding, bytes));
  }

  #symbolOf(text: string): number {
    let symbol = this.#symbols.get(text);
    if (symbol === undefined) {
      symbol = this.#symbols.size;
      this.#symbols.set(text, symbol);
    }
    return symbol;
  }

  #writeIndex(): void {
    const sorted = [...this.#symbols.keys()].sort(compareUtf8);
    const refs = new Uint32Array(sorted.length);
    sorted.forEach((symbol, ref) => {
      refs[this.#symbols.get(symbol)!] = ref;
    });
    const sink = this.#files.create('index');
    const index = new IndexWriter(sink, sorted);
    const spool = new FileSource(join(this.#files.aside, SPOOL_FILE));
    try {
      const entry = new SeriesEntry();
      for (let at = 0; at < spool.sizeBytes; ) {
        const head = spool.read(at, 4);
        const size = ((head[0] << 24) | (head[1] << 16) | (head[2] << 8) | head[3]) >>> 0;
        readRecord(spool.read(at + 4, size), refs, this.#options.minTime, entry);
        index.addSeries(entry);
        at += 4 + size;
      }
    } finally {
      spool.close();
    }
    index.finish();
    sink.finish();
  }

  #meta(): BlockMeta {
    const { ulid, minTime, maxTime, compaction, others } = this.#options;
    return {
      ulid,
      minTime,
      maxTime,
      stats: {
        numSamples: this.#floatCount + this.#histogramCount,
        numFloatSamples: this.#floatCount,
        numHistogramSamples: this.#histogramCount,
        numSeries: this.#seriesCount,
        numChunks: this.#chunkCount,
        numTombstones: 0,
      },
      compaction: compaction ?? { level: 1, sources: [ulid], deletable: false, parents: [], failed: false, hints: [] },
      others: others ?? {},
    };
  }
}

/** Undoes what `addSeries` wrote, with symbols by their sorted reference. */
function readRecord(bytes: Uint8Array, refs: Uint32Array, minTime: number, into: SeriesEntry): void {
  const end = bytes.length;
  into.labelCount = readUvarint(bytes, 0, end);
  into.reserveLabels(into.labelCount);
  for (let i = 0; i < 2 * into.labelCount; i++) into.labelRefs[i] = refs[readUvarint(bytes, varintEnd, end)];
  into.chunkCount = readUvarint(bytes, varintEnd, end);
  into.reserveChunks(into.chunkCount);
  for (let i = 0; i < into.chunkCount; i++) {
    into.minTimes[i] = minTime + readUvarint(bytes, varintEnd, end);
    into.maxTimes[i] = minTime + readUvarint(bytes, varintEnd, end);
    const ref = readUvarint(bytes, varintEnd, end);
    into.segments[i] = segmentOf(ref);
    into.offsets[i] = offsetOf(ref);
  }
}

// Chunks of a response as samples: which part of each chunk a query wants, decoded into columns, replicas merged.

import { assert } from '../errors/assert.ts';
import { during, Fault } from '../errors/fault.ts';
import { divideHistogram } from '../model/histogram-math.ts';
import type { Labels } from '../model/labels.ts';
import { isStaleAt } from '../model/staleness.ts';
import { ColumnMerger, type DedupFunc, splitOverlaps } from '../storage/dedup.ts';
import { type CoarseStretch, lowerBound, SampleBuffer } from '../storage/sample-columns.ts';
import type { Series } from '../storage/series.ts';
import { applyCounterResets, type CounterState, newCounterState } from '../tsdb/chunkenc/counter-resets.ts';
import { columnDecoder, decodeXorChunk } from '../tsdb/chunkenc/decode.ts';
import { ENCODING_XOR } from '../tsdb/chunkenc/encoding.ts';
import { decodeHistogramValues } from '../tsdb/chunkenc/histogram-values.ts';
import { partOf } from './chunk-order.ts';
import type { ChunkSlice, ChunkTable } from './chunk-table.ts';
import { layersOf, overlay } from './mixed-resolutions.ts';
import { Aggregate, type StoreSeries } from './store.ts';

/** How the chunks of a select are to be read. */
export interface ChunkReading {
  /** Samples outside are left out, both inclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  /** As asked of the stores: one aggregate, or count and sum for their quotient. Raw chunks serve any. */
  readonly aggregates: readonly Aggregate[];
  /** Undefined: no replicas, a sample not after the last one is skipped. */
  readonly dedup: DedupFunc | undefined;
  /** Whether replicas are merged as counters. */
  readonly isCounter: boolean;
  /** Chunks may be of several resolutions, coarser ones than wanted too, of which the finest counts wherever there is any. */
  readonly mixed?: MixedReading;
}

export interface MixedReading {
  /** What was wanted; samples that stand for more than this are told in `SampleBuffer.coarse`. */
  readonly wantedMs: number;
  /** Told each stretch of time that is read in another resolution than the wanted one. */
  readonly onOther: (stretch: CoarseStretch) => void;
}

/**
 * Reads the series of one select. Holds the columns it decodes into, so that it serves one reader at a time; reading is
 * synchronous, which keeps two from interleaving.
 */
export class ChunkReader {
  readonly #reading: ChunkReading;
  readonly #accumulates: boolean;
  readonly #averages: boolean;
  readonly #merger = new ColumnMerger();
  readonly #columns: SampleBuffer[] = [];
  readonly #one = new SampleBuffer();
  readonly #other = new SampleBuffer();
  #minTimes = new Float64Array(64);
  #maxTimes = new Float64Array(64);
  #columnOf = new Uint32Array(64);
  readonly #layers: SampleBuffer[] = [];
  #minTime: number;
  /** The last raw value of the counter read last, of its replicas the one that is there longest; NaN when there is none. */
  #lastRaw = Number.NaN;
  #lastRawTime = -Infinity;

  constructor(reading: ChunkReading) {
    const { aggregates } = reading;
    this.#reading = reading;
    this.#minTime = reading.minTime;
    this.#accumulates = aggregates.length === 1 && aggregates[0] === Aggregate.counter;
    this.#averages = aggregates.length === 2;
    assert(
      aggregates.length === 1 ||
        (this.#averages && aggregates[0] === Aggregate.count && aggregates[1] === Aggregate.sum),
      'a select reads one aggregate, or count and sum',
    );
  }

  get reading(): ChunkReading {
    return this.#reading;
  }

  /** The series of a store as the engine reads it. Chunks must be as `orderChunks` has them. */
  series(series: StoreSeries): ChunkSeries {
    return new ChunkSeries(series.labels, series.chunks, this);
  }

  /** Appends the samples of one series, ascending. */
  read(labels: Labels, chunks: readonly ChunkSlice[], into: SampleBuffer): void {
    const start = into.length;
    try {
      if (chunks.some(isFreed)) throw new Fault('internal', 'its chunks have been let go');
      if (this.#reading.mixed === undefined) this.#readAlike(chunks, into);
      else this.#readMixed(chunks, this.#reading.mixed, into);
    } catch (thrown) {
      into.truncate(start);
      throw during(`read series ${labels}`, thrown);
    }
  }

  /** Chunks whose resolutions do not matter. */
  #readAlike(chunks: readonly ChunkSlice[], into: SampleBuffer, isCounter = hasCounterPart(chunks)): void {
    const start = into.length;
    const columnCount = this.#layOut(chunks);
    if (columnCount === 0) return;
    // With a single column of raw chunks a counter is as Prometheus reads it, resets and all. As soon as aggregates or
    // several columns are involved, values only compare when they are accumulated.
    const accumulates = this.#accumulates && (columnCount > 1 || isCounter);
    if (columnCount === 1) {
      this.#decode(chunks, accumulates, [into]);
      this.#trim(into, start);
      return;
    }
    while (this.#columns.length < columnCount) this.#columns.push(new SampleBuffer());
    const columns = this.#columns.slice(0, columnCount);
    for (const column of columns) column.clear();
    this.#decode(chunks, accumulates, columns);
    for (const column of columns) this.#trim(column, 0);
    this.#merger.merge(this.#reading.dedup ?? 'penalty', columns, this.#reading.isCounter, into);
  }

  #readMixed(chunks: readonly ChunkSlice[], { wantedMs, onOther }: MixedReading, into: SampleBuffer): void {
    const start = into.length;
    const layers = layersOf(chunks);
    const isCounter = this.#accumulates && hasCounterPart(chunks);
    const isCounted =
      this.#reading.aggregates[0] === Aggregate.count && !this.#averages && (layers.at(-1)?.resolutionMs ?? 0) > 0;
    into.isCounted = isCounted;
    let stretches: CoarseStretch[] = [];
    try {
      if (layers.length === 1) {
        const [{ resolutionMs }] = layers;
        if (resolutionMs > wantedMs) this.#minTime -= 2 * resolutionMs;
        this.#readAlike(chunks, into);
        if (resolutionMs === wantedMs || into.length === start) return;
        stretches = [{ minTime: into.times[start], maxTime: into.times[into.length - 1], resolutionMs }];
      } else {
        const read = layers.map((layer, i) => {
          const samples = (this.#layers[i] ??= new SampleBuffer());
          samples.clear();
          this.#lastRaw = Number.NaN;
          this.#lastRawTime = -Infinity;
          this.#minTime = this.#reading.minTime - (layer.resolutionMs > wantedMs ? 2 * layer.resolutionMs : 0);
          this.#readAlike(layer.slices, samples, isCounter);
          if (isCounted && layer.resolutionMs === 0) countEach(samples);
          return { layer, samples, lastRaw: this.#lastRaw };
        });
        stretches = overlay(read, isCounter, into);
      }
    } finally {
      this.#minTime = this.#reading.minTime;
    }
    for (const stretch of stretches) if (stretch.resolutionMs !== wantedMs) onOther(stretch);
    if (stretches.some(({ resolutionMs }) => resolutionMs > wantedMs)) into.coarse = stretches;
  }

  /** Fills `#columnOf` and returns the number of columns. */
  #layOut(chunks: readonly ChunkSlice[]): number {
    let count = 0;
    for (const { from, to } of chunks) count += to - from;
    if (count === 0) return 0;
    if (count > this.#minTimes.length) {
      this.#minTimes = new Float64Array(count * 2);
      this.#maxTimes = new Float64Array(count * 2);
      this.#columnOf = new Uint32Array(count * 2);
    }
    if (this.#reading.dedup === undefined) {
      this.#columnOf.fill(0, 0, count);
      return 1;
    }
    let at = 0;
    // One by one: a series has some chunks only, and two views for each slice of them would be left to the collector.
    for (const { table, from, to } of chunks) {
      for (let chunk = from; chunk < to; chunk++, at++) {
        this.#minTimes[at] = table.minTimes[chunk];
        this.#maxTimes[at] = table.maxTimes[chunk];
      }
    }
    return splitOverlaps(this.#minTimes, this.#maxTimes, count, this.#columnOf);
  }

  #decode(chunks: readonly ChunkSlice[], accumulates: boolean, columns: readonly SampleBuffer[]): void {
    for (let c = 0; c < columns.length; c++) {
      columnDecoder.begin();
      if (accumulates) this.#decodeCounters(chunks, c, columns[c]);
      else this.#decodeValues(chunks, c, columns[c]);
      columnDecoder.finish(columns[c]);
    }
  }

  #decodeCounters(chunks: readonly ChunkSlice[], ofColumn: number, column: SampleBuffer): void {
    const { maxTime } = this.#reading;
    const state = newCounterState();
    const start = column.length;
    let at = 0;
    for (const { table, from, to } of chunks) {
      for (let chunk = from; chunk < to; chunk++) {
        // What lies before the bounds still counts for an accumulated total.
        if (this.#columnOf[at++] !== ofColumn || table.minTimes[chunk] > maxTime) continue;
        this.#decodeCounter(table, chunk, state, column, start);
      }
    }
    if (!state.isStarted || state.lastTime <= this.#lastRawTime) return;
    this.#lastRaw = state.lastValue;
    this.#lastRawTime = state.lastTime;
  }

  #decodeValues(chunks: readonly ChunkSlice[], ofColumn: number, column: SampleBuffer): void {
    const { maxTime } = this.#reading;
    const minTime = this.#minTime;
    const start = column.length;
    let at = 0;
    for (const { table, from, to } of chunks) {
      for (let chunk = from; chunk < to; chunk++) {
        if (this.#columnOf[at++] !== ofColumn) continue;
        if (table.minTimes[chunk] > maxTime || table.maxTimes[chunk] < minTime) continue;
        this.#decodePlain(table, chunk, column, start);
      }
    }
  }

  #decodePlain(table: ChunkTable, chunk: number, column: SampleBuffer, start: number): void {
    const raw = partOf(table, chunk, Aggregate.raw);
    const isAverage = this.#averages && raw < 0;
    const part = this.#averages ? raw : this.#chosenPart(table, chunk);
    if (!isAverage && table.partEncoding[part] === ENCODING_XOR) {
      columnDecoder.add(table.bytes, table.partOffset[part], table.partLength[part], column, start);
      return;
    }
    columnDecoder.finish(column);
    const before = column.length;
    if (isAverage) this.#decodeAverage(table, chunk, column);
    else decodePart(table, part, column);
    if (before === start || column.length === before) return;
    const lastTime = column.times[before - 1];
    if (column.times[before] > lastTime) return;
    dropOverlap(column, before, lastTime);
  }

  #decodeAverage(table: ChunkTable, chunk: number, column: SampleBuffer): void {
    const counts = this.#one;
    const sums = this.#other;
    counts.clear();
    sums.clear();
    decodePart(table, required(partOf(table, chunk, Aggregate.count)), counts);
    decodePart(table, required(partOf(table, chunk, Aggregate.sum)), sums);
    if (counts.length !== sums.length) throw unequalAggregates();
    column.reserve(counts.length);
    for (let i = 0; i < counts.length; i++) {
      if (counts.times[i] !== sums.times[i]) throw unequalAggregates();
      const histogram = sums.histograms?.[i];
      if (histogram === undefined) column.push(sums.times[i], sums.values[i] / counts.values[i]);
      else column.pushHistogram(sums.times[i], divideHistogram(histogram, counts.values[i]));
    }
  }

  #decodeCounter(table: ChunkTable, chunk: number, state: CounterState, column: SampleBuffer, start: number): void {
    const part = this.#chosenPart(table, chunk);
    if (table.partEncoding[part] !== ENCODING_XOR) {
      // Histograms find resets by themselves and are handed on.
      columnDecoder.finish(column);
      const before = column.length;
      decodePart(table, part, column);
      if (before > start) dropOverlap(column, before, column.times[before - 1]);
      return;
    }
    if (!state.isStarted || table.minTimes[chunk] > state.lastTime) {
      // Nothing of it was seen before: the kernel accumulates while it decodes.
      columnDecoder.addCounter(table.bytes, table.partOffset[part], table.partLength[part], state, column);
      return;
    }
    columnDecoder.finish(column);
    const samples = this.#one;
    samples.clear();
    decodePart(table, part, samples);
    if (state.isStarted && samples.length > 0 && samples.times[0] <= state.lastTime) {
      samples.drop(0, lowerBound(samples.times, samples.length, state.lastTime + 1));
    }
    applyCounterResets(samples, state, column);
  }

  #chosenPart(table: ChunkTable, chunk: number): number {
    const part = partOf(table, chunk, this.#reading.aggregates[0]);
    return part >= 0 ? part : required(partOf(table, chunk, Aggregate.raw));
  }

  /** Cuts samples [start, length) to the bounds. */
  #trim(column: SampleBuffer, start: number): void {
    const { maxTime } = this.#reading;
    const from = lowerBound(column.times, column.length, this.#minTime, start);
    let end = column.length;
    while (end > from && column.times[end - 1] > maxTime) end--;
    column.truncate(end);
    column.drop(start, from);
  }
}

/** A series of chunks, which can be read elsewhere too: by a reader that reads in the same way. */
export class ChunkSeries implements Series {
  readonly labels: Labels;
  readonly chunks: readonly ChunkSlice[];
  readonly #reader: ChunkReader;

  constructor(labels: Labels, chunks: readonly ChunkSlice[], reader: ChunkReader) {
    this.labels = labels;
    this.chunks = chunks;
    this.#reader = reader;
  }

  get reading(): ChunkReading {
    return this.#reader.reading;
  }

  readInto(into: SampleBuffer): void {
    this.#reader.read(this.labels, this.chunks, into);
  }
}

/** Makes each sample a 1; stale markers stay what they are. */
function countEach(samples: SampleBuffer): void {
  for (let i = 0; i < samples.length; i++) if (!isStaleAt(samples.words, i)) samples.values[i] = 1;
  samples.histograms = undefined;
}

function decodePart(table: ChunkTable, part: number, into: SampleBuffer): void {
  const encoding = table.partEncoding[part];
  if (encoding === ENCODING_XOR) {
    decodeXorChunk(table.bytes, table.partOffset[part], table.partLength[part], into);
    return;
  }
  decodeHistogramValues(encoding, table.bytes, table.partOffset[part], table.partLength[part], into);
}

/** Whether the bytes are gone (bytes/free-now.ts): decoders would take them for chunks without samples. */
function isFreed({ table, from }: ChunkSlice): boolean {
  return table.bytes.length === 0 && table.partLength[table.firstPart[from]] > 0;
}

function hasCounterPart(chunks: readonly ChunkSlice[]): boolean {
  return chunks.some(({ table, from, to }) => {
    for (let part = table.firstPart[from]; part < table.firstPart[to]; part++) {
      if (table.partAggregate[part] === Aggregate.counter) return true;
    }
    return false;
  });
}

function required(part: number): number {
  if (part < 0) throw new Fault('execution', 'no valid chunk found');
  return part;
}

function unequalAggregates(): Fault {
  return new Fault('corrupt', 'count and sum of a downsampled chunk differ in their timestamps');
}

/** Takes out what was read from index `from` on up to a time that another chunk has covered. */
function dropOverlap(column: SampleBuffer, from: number, lastTime: number): void {
  const to = lowerBound(column.times, column.length, lastTime + 1, from);
  if (to === from) return;
  column.drop(from, to);
  column.breakSequence(from);
}

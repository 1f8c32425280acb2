// A series of a block whose chunks are in memory and still to be decoded: once for each reader, into columns of the reader's.

import { during } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import { histogramValueOf } from '../model/histogram-value.ts';
import type { Labels } from '../model/labels.ts';
import { lowerBound, SampleBuffer } from '../storage/sample-columns.ts';
import type { Series } from '../storage/series.ts';
import { appendChunk, decodeHistogramChunk } from './chunk-samples.ts';
import { columnDecoder } from './chunkenc/decode.ts';
import {
  chunkSampleCount,
  ENCODING_FLOAT_HISTOGRAM,
  ENCODING_HISTOGRAM,
  ENCODING_XOR,
  ENCODING_XOR2,
} from './chunkenc/encoding.ts';
import { decodeHistogramValues } from './chunkenc/histogram-values.ts';
import { decodeXor2 } from './chunkenc/xor2.ts';
import { ChunkView } from './chunks/segment-reader.ts';
import type { GatheredChunks } from './gathered-chunks.ts';
import { type Interval, removeDeleted } from './tombstones.ts';

/** Which samples of a series count. */
export interface SeriesPart {
  /** Both inclusive, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly deleted: readonly Interval[];
}

/** Where the chunk at hand is; what reads it is done with it before anything else is read. */
const view = new ChunkView();

export class UndecodedSeries implements Series {
  readonly labels: Labels;
  readonly #chunks: GatheredChunks;
  readonly #from: number;
  readonly #to: number;
  readonly #part: SeriesPart;

  /** Its chunks are those from number `from` up to `to`, in order of time. */
  constructor(labels: Labels, chunks: GatheredChunks, from: number, to: number, part: SeriesPart) {
    this.labels = labels;
    this.#chunks = chunks;
    this.#from = from;
    this.#to = to;
    this.#part = part;
  }

  /** Appends the samples as an engine computes with them; `into` is as long as before when it throws. */
  readInto(into: SampleBuffer): void {
    const start = into.length;
    const chunks = this.#chunks;
    try {
      columnDecoder.begin(this.#to > this.#from ? chunks.endOf(this.#to - 1) : undefined);
      for (let i = this.#from; i < this.#to; i++) {
        chunks.read(i, view);
        decode(view, into, start);
      }
      columnDecoder.finish(into);
    } catch (thrown) {
      into.truncate(start);
      throw this.#failed(thrown);
    }
    const { minTime, maxTime, deleted } = this.#part;
    let end = into.length;
    while (end > start && into.times[end - 1] > maxTime) end--;
    into.truncate(end);
    into.drop(start, lowerBound(into.times, end, minTime, start));
    if (deleted.length > 0) removeDeleted(into, deleted, start);
  }

  /** The samples as they are stored, yours. */
  samples(): { readonly floats: SampleBuffer; readonly histograms: HistogramSample[] } {
    const { minTime, maxTime, deleted } = this.#part;
    const chunks = this.#chunks;
    let count = 0;
    const histograms: HistogramSample[] = [];
    try {
      for (let i = this.#from; i < this.#to; i++) {
        chunks.read(i, view);
        if (view.encoding === ENCODING_XOR) count += chunkSampleCount(view.bytes, view.offset, view.length);
      }
      // A count that is wrong is found when the chunk is decoded: no chunk has more samples than these.
      const floats = new SampleBuffer(Math.min(count, 65_535));
      for (let i = this.#from; i < this.#to; i++) {
        chunks.read(i, view);
        appendChunk(view, minTime, maxTime, deleted, floats, histograms);
      }
      if (deleted.length > 0) removeDeleted(floats, deleted);
      return { floats, histograms };
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  #failed(thrown: unknown): Error {
    return during(`read samples of series ${this.labels}`, thrown);
  }
}

/** What lies at or before the last sample since `start` is left out. */
function decode({ encoding, bytes, offset, length }: ChunkView, into: SampleBuffer, start: number): void {
  if (encoding === ENCODING_XOR) {
    columnDecoder.add(bytes, offset, length, into, start);
    return;
  }
  columnDecoder.finish(into);
  const before = into.length;
  if (encoding === ENCODING_XOR2) decodeXor2(bytes, offset, length, into);
  else if (encoding === ENCODING_HISTOGRAM || encoding === ENCODING_FLOAT_HISTOGRAM) {
    decodeHistogramValues(encoding, bytes, offset, length, into);
  } else decodeWithStarts(encoding, bytes, offset, length, into);
  if (before === start || into.length === before || into.times[before] > into.times[before - 1]) return;
  into.drop(before, lowerBound(into.times, into.length, into.times[before - 1] + 1, before));
  into.breakSequence(before);
}

function decodeWithStarts(
  encoding: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  into: SampleBuffer,
): void {
  for (const { time, histogram } of decodeHistogramChunk(encoding, bytes, offset, length)) {
    const value = histogramValueOf(histogram);
    if (value === undefined) into.pushStale(time);
    else into.pushHistogram(time, value);
  }
}

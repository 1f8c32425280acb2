// A chunk with its bytes in hand, between the block it was read from and the one it is written to.

import type { HistogramSample } from '../model/histogram.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { decodeXorChunk } from './chunkenc/decode.ts';
import {
  chunkSampleCount,
  ENCODING_AGGREGATE,
  ENCODING_FLOAT_HISTOGRAM,
  ENCODING_HISTOGRAM,
  ENCODING_XOR,
  undecodable,
} from './chunkenc/encoding.ts';
import { decodeFloatHistograms } from './chunkenc/float-histogram.ts';
import { decodeHistograms } from './chunkenc/histogram.ts';
import { type HistogramChunk, HistogramChunker } from './chunkenc/histogram-chunker.ts';
import { encodeXor, MAX_CHUNK_SAMPLES } from './chunkenc/xor-encoder.ts';
import { type Interval, isDeleted, removeDeleted } from './tombstones.ts';

export interface StoredChunk {
  /** Both inclusive, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly encoding: number;
  /** Without encoding byte and checksum; its own array unless whoever gives it says otherwise. */
  readonly data: Uint8Array;
  /** The checksum it was stored with, when it was compared: a copy need not work it out again. */
  readonly checksum?: number;
}

/** Samples in a chunk; of an aggregate those of its count, as everybody who fills `stats` takes it. `corrupt` when cut off. */
export function storedSampleCount({ encoding, data }: Pick<StoredChunk, 'encoding' | 'data'>): number {
  return sampleCountAt(encoding, data, 0, data.length);
}

/** The same of a chunk whose data are bytes [offset, offset + length). */
export function sampleCountAt(encoding: number, bytes: Uint8Array, offset: number, length: number): number {
  switch (encoding) {
    case ENCODING_XOR:
    case ENCODING_HISTOGRAM:
    case ENCODING_FLOAT_HISTOGRAM:
      return chunkSampleCount(bytes, offset, length);
    case ENCODING_AGGREGATE: {
      // The first part is the count: its length, its encoding, and then a chunk that begins with its own count.
      let at = 0;
      while (at < length && bytes[offset + at] >= 0x80) at++;
      return bytes[offset] === 0 ? 0 : chunkSampleCount(bytes, offset + at + 2, length - at - 2);
    }
    default:
      throw undecodable(encoding);
  }
}

/** Whether both hold the same bytes for the same time. */
export function isSameChunk(a: StoredChunk, b: StoredChunk): boolean {
  if (a.minTime !== b.minTime || a.maxTime !== b.maxTime || a.encoding !== b.encoding) return false;
  return Buffer.compare(a.data, b.data) === 0;
}

const samples = new SampleBuffer();

/**
 * The chunk without the samples inside the intervals: itself when none of them touches it, none when nothing is left. A
 * chunk of aggregates cannot be cut (`unsupported`), only kept or dropped whole.
 */
export function withoutDeleted(chunk: StoredChunk, intervals: readonly Interval[]): readonly StoredChunk[] {
  const touching = intervals.filter(({ minTime, maxTime }) => minTime <= chunk.maxTime && maxTime >= chunk.minTime);
  if (touching.length === 0) return [chunk];
  if (touching.some(({ minTime, maxTime }) => minTime <= chunk.minTime && maxTime >= chunk.maxTime)) return [];
  const { encoding, data } = chunk;
  switch (encoding) {
    case ENCODING_XOR:
      return cutFloats(data, touching);
    case ENCODING_HISTOGRAM:
      return cutHistograms(decodeHistograms(data, 0, data.length), touching);
    case ENCODING_FLOAT_HISTOGRAM:
      return cutHistograms(decodeFloatHistograms(data, 0, data.length), touching);
    default:
      throw undecodable(encoding);
  }
}

function cutFloats(data: Uint8Array, intervals: readonly Interval[]): readonly StoredChunk[] {
  samples.clear();
  decodeXorChunk(data, 0, data.length, samples);
  removeDeleted(samples, intervals);
  const { length, times } = samples;
  if (length === 0) return [];
  return [{ minTime: times[0], maxTime: times[length - 1], encoding: ENCODING_XOR, data: encodeXor(samples) }];
}

function cutHistograms(histograms: readonly HistogramSample[], intervals: readonly Interval[]): readonly StoredChunk[] {
  const chunker = new HistogramChunker(MAX_CHUNK_SAMPLES);
  const ended: (HistogramChunk | undefined)[] = [];
  for (const sample of histograms) if (!isDeleted(sample.time, intervals)) ended.push(chunker.push(sample));
  ended.push(chunker.finish());
  return ended.filter((chunk) => chunk !== undefined).map(({ bytes, ...place }) => ({ ...place, data: bytes }));
}

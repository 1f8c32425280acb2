// The samples of one chunk of any encoding that holds raw samples, cut to a time and to what was not deleted.

import type { HistogramSample } from '../model/histogram.ts';
import { lowerBound, type SampleBuffer } from '../storage/sample-columns.ts';
import { decodeXorChunk } from './chunkenc/decode.ts';
import {
  ENCODING_FLOAT_HISTOGRAM,
  ENCODING_FLOAT_HISTOGRAM_ST,
  ENCODING_HISTOGRAM,
  ENCODING_HISTOGRAM_ST,
  ENCODING_XOR,
  ENCODING_XOR2,
  undecodable,
} from './chunkenc/encoding.ts';
import { decodeFloatHistograms, decodeFloatHistogramsWithStarts } from './chunkenc/float-histogram.ts';
import { decodeHistograms, decodeHistogramsWithStarts } from './chunkenc/histogram.ts';
import { decodeXor2 } from './chunkenc/xor2.ts';
import type { ChunkView } from './chunks/segment-reader.ts';
import { type Interval, isDeleted } from './tombstones.ts';

/**
 * Appends the samples of a chunk within [minTime, maxTime], both inclusive. Deleted histograms are left out; of floats that
 * is left to the caller, who does it for a whole series. `unsupported` for encodings that are not read here.
 */
export function appendChunk(
  chunk: ChunkView,
  minTime: number,
  maxTime: number,
  deleted: readonly Interval[],
  floats: SampleBuffer,
  histograms: HistogramSample[],
): void {
  const { bytes, offset, length, encoding } = chunk;
  if (encoding === ENCODING_XOR || encoding === ENCODING_XOR2) {
    const from = floats.length;
    if (encoding === ENCODING_XOR) decodeXorChunk(bytes, offset, length, floats);
    else decodeXor2(bytes, offset, length, floats);
    trim(floats, from, minTime, maxTime);
    return;
  }
  for (const sample of decodeHistogramChunk(encoding, bytes, offset, length)) {
    if (sample.time < minTime || sample.time > maxTime || isDeleted(sample.time, deleted)) continue;
    histograms.push(sample);
  }
}

/** The samples of a chunk of any encoding of histograms, as they are stored. `unsupported` for others. */
export function decodeHistogramChunk(
  encoding: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): HistogramSample[] {
  switch (encoding) {
    case ENCODING_HISTOGRAM:
      return decodeHistograms(bytes, offset, length);
    case ENCODING_FLOAT_HISTOGRAM:
      return decodeFloatHistograms(bytes, offset, length);
    case ENCODING_HISTOGRAM_ST:
      return decodeHistogramsWithStarts(bytes, offset, length);
    case ENCODING_FLOAT_HISTOGRAM_ST:
      return decodeFloatHistogramsWithStarts(bytes, offset, length);
    default:
      throw undecodable(encoding);
  }
}

/** Leaves of the samples from index `from` on only those in the time. */
function trim(samples: SampleBuffer, from: number, minTime: number, maxTime: number): void {
  const { times } = samples;
  let end = samples.length;
  while (end > from && times[end - 1] > maxTime) end--;
  const start = lowerBound(times, end, minTime, from);
  if (start > from) {
    times.copyWithin(from, start, end);
    samples.values.copyWithin(from, start, end);
  }
  samples.length = from + end - start;
}

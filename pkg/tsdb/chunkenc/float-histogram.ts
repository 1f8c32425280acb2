// Float histogram chunks, encoding 3. Header and layout are drawn in histogram-layout.ts; samples follow as one bit stream:
//
//   sample 0   time; count, zero count, sum and each bucket's absolute count in 64 bits
//   sample i   ΔΔ of time; xor of count, zero count, sum and of each bucket, every one with a window of its own
//
// A stale sample has no bucket fields, and only stale samples may follow it.

import type { FloatHistogram, HistogramSample } from '../../model/histogram.ts';
import { BitReader } from './bit-stream.ts';
import { chunkSampleCount, ENCODING_FLOAT_HISTOGRAM } from './encoding.ts';
import { decodeHistogramColumns, type HistogramColumns, isStaleColumn } from './histogram-columns.ts';
import {
  bucketCount,
  doubleOf,
  emptyLayout,
  HISTOGRAM_HEADER_SIZE,
  histogramChunkHint,
  isStaleSum,
  MAX_SAMPLES_WITH_STARTS,
  readLayout,
  sampleHint,
} from './histogram-layout.ts';
import {
  histogramSums,
  histogramSumWords,
  histogramTimes,
  histogramTotals,
  histogramZeros,
} from './kernels/histogram-kernel.ts';
import { readStart, type StartColumn, StartTimeReader } from './start-times.ts';
import { readVarbitInt } from './varbit.ts';
import { XorValue } from './xor-value.ts';

const none = new Float64Array(0);

/**
 * Decodes a whole chunk (count, flags and stream, without encoding byte and checksum) in order of time. Samples share
 * their layout's arrays, and the memory of their counts. `corrupt` when the bytes end before the samples do. Schemas above 8 are handed on as they are.
 */
export function decodeFloatHistograms(bytes: Uint8Array, offset: number, length: number): HistogramSample[] {
  const columns = decodeHistogramColumns(ENCODING_FLOAT_HISTOGRAM, bytes, offset, length);
  return columns === undefined ? decodeFloatHistogramsPlainly(bytes, offset, length) : samplesOf(columns);
}

/** The same without the compiled kernel: its oracle, and for what does not fit it. */
export function decodeFloatHistogramsPlainly(bytes: Uint8Array, offset: number, length: number): HistogramSample[] {
  const count = chunkSampleCount(bytes, offset, length);
  return decodeSamples(bytes, offset, length, count, undefined);
}

function samplesOf({ sampleCount, hint, layout, positive, negative, counts }: HistogramColumns): HistogramSample[] {
  const width = positive + negative;
  const samples: HistogramSample[] = [];
  for (let i = 0; i < sampleCount; i++) {
    const isStale = isStaleColumn(i);
    const middle = i * width + positive;
    const histogram: FloatHistogram = {
      kind: 'float',
      hint: sampleHint(hint, i === 0, isStale),
      ...(isStale ? emptyLayout : layout),
      count: isStale ? 0 : histogramTotals[i],
      zeroCount: isStale ? 0 : histogramZeros[i],
      sum: histogramSums[i],
      sumHigh: histogramSumWords[2 * i + 1],
      sumLow: histogramSumWords[2 * i],
      positiveCounts: isStale ? none : counts.subarray(middle - positive, middle),
      negativeCounts: isStale ? none : counts.subarray(middle, middle + negative),
    };
    samples.push({ time: histogramTimes[i], histogram });
  }
  return samples;
}

/**
 * The same of a chunk with start timestamps, encoding 6: the header's count has 14 bits, its third byte and what follows
 * each sample are drawn in start-times.ts. The start timestamps, 0 for none, are appended to `starts`.
 */
export function decodeFloatHistogramsWithStarts(
  bytes: Uint8Array,
  offset: number,
  length: number,
  starts?: number[],
): HistogramSample[] {
  const count = chunkSampleCount(bytes, offset, length) & MAX_SAMPLES_WITH_STARTS;
  const startTimes = new StartTimeReader(length > 2 ? bytes[offset + 2] : 0);
  return decodeSamples(bytes, offset, length, count, { startTimes, starts });
}

function decodeSamples(
  bytes: Uint8Array,
  offset: number,
  length: number,
  count: number,
  withStarts: StartColumn | undefined,
): HistogramSample[] {
  const chunkHint = histogramChunkHint(bytes, offset, length, withStarts === undefined ? 2 : 0);
  if (count === 0) return [];
  const reader = new BitReader(bytes, offset + HISTOGRAM_HEADER_SIZE, offset + length);
  const layout = readLayout(reader);
  const total = new XorValue();
  const zero = new XorValue();
  const sum = new XorValue();
  let positive: XorValue[] | undefined;
  let negative: XorValue[] | undefined;
  let time = 0;
  let delta = 0;
  const samples: HistogramSample[] = [];
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      time = readVarbitInt(reader);
      for (const field of [total, zero, sum]) field.readFirst(reader);
    } else {
      delta += readVarbitInt(reader);
      time += delta;
      for (const field of [total, zero, sum]) field.readNext(reader);
    }
    const isStale = isStaleSum(sum);
    const hint = sampleHint(chunkHint, i === 0, isStale);
    if (!isStale) {
      if (positive === undefined || negative === undefined) {
        positive = firstBuckets(reader, bucketCount(layout.positiveSpans, reader));
        negative = firstBuckets(reader, bucketCount(layout.negativeSpans, reader));
      } else {
        for (const bucket of positive) bucket.readNext(reader);
        for (const bucket of negative) bucket.readNext(reader);
      }
    }
    const histogram: FloatHistogram = {
      kind: 'float',
      hint,
      ...(isStale ? emptyLayout : layout),
      count: isStale ? 0 : doubleOf(total.high, total.low),
      zeroCount: isStale ? 0 : doubleOf(zero.high, zero.low),
      sum: doubleOf(sum.high, sum.low),
      sumHigh: sum.high,
      sumLow: sum.low,
      positiveCounts: isStale ? none : countsOf(positive!),
      negativeCounts: isStale ? none : countsOf(negative!),
    };
    samples.push({ time, histogram });
    readStart(reader, i, time, withStarts);
  }
  return samples;
}

function firstBuckets(reader: BitReader, count: number): XorValue[] {
  const buckets: XorValue[] = [];
  for (let i = 0; i < count; i++) {
    const bucket = new XorValue();
    bucket.readFirst(reader);
    buckets.push(bucket);
  }
  return buckets;
}

/** By bits. */
function countsOf(buckets: readonly XorValue[]): Float64Array {
  const counts = new Float64Array(buckets.length);
  const words = new Uint32Array(counts.buffer);
  for (let i = 0; i < buckets.length; i++) {
    words[2 * i] = buckets[i].low;
    words[2 * i + 1] = buckets[i].high;
  }
  return counts;
}

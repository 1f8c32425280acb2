// The samples of a histogram chunk as columns in the compiled kernel's memory: what both doors to histogram chunks read from.
// bench/kernels.ts shows what it is worth. What does not fit that memory, or is not exact in a double, is left to the plain
// decoders, which also are its oracles.

import { Fault } from '../../errors/fault.ts';
import type { BucketSpan, CounterResetHint } from '../../model/histogram.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/staleness.ts';
import { BitReader } from './bit-stream.ts';
import { chunkSampleCount, ENCODING_HISTOGRAM } from './encoding.ts';
import { HISTOGRAM_HEADER_SIZE, type HistogramLayout, histogramChunkHint, readLayout } from './histogram-layout.ts';
import {
  HISTOGRAM_BAD_WINDOW,
  HISTOGRAM_DONE,
  HISTOGRAM_TOO_LARGE,
  histogramCounts,
  histogramInput,
  histogramSumWords,
  kernelDecodeFloats,
  kernelDecodeIntegers,
  MOST_BUCKETS,
  MOST_COUNTS,
  MOST_SAMPLES,
} from './kernels/histogram-kernel.ts';

/** Below this many samples the plain decoders are as quick. */
const FEW_SAMPLES = 3;

/** What was decoded; times, totals, zero counts and sums lie in the kernel's columns until it is used again. */
export interface HistogramColumns {
  readonly sampleCount: number;
  readonly hint: CounterResetHint;
  readonly layout: HistogramLayout;
  /** Buckets on either side. */
  readonly positive: number;
  readonly negative: number;
  /** A row of absolute counts a sample, positive buckets first; yours. */
  readonly counts: Float64Array;
}

/**
 * Decodes a chunk of encoding 2 or 3 into the kernel's columns. Undefined when a plain decoder has to do it; `corrupt` when
 * the bytes end before the samples do.
 */
export function decodeHistogramColumns(
  encoding: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): HistogramColumns | undefined {
  const sampleCount = chunkSampleCount(bytes, offset, length);
  if (sampleCount < FEW_SAMPLES || sampleCount > MOST_SAMPLES || length > histogramInput.length) return undefined;
  const hint = histogramChunkHint(bytes, offset, length, 2);
  const reader = new BitReader(bytes, offset + HISTOGRAM_HEADER_SIZE, offset + length);
  const layout = readLayout(reader);
  const positive = sizeOf(layout.positiveSpans);
  const negative = sizeOf(layout.negativeSpans);
  const width = positive + negative;
  if (width > MOST_BUCKETS || width * sampleCount > MOST_COUNTS) return undefined;
  histogramInput.set(bytes.subarray(offset, offset + length));
  const decode = encoding === ENCODING_HISTOGRAM ? kernelDecodeIntegers : kernelDecodeFloats;
  const result = decode(length, length * 8 - reader.remaining, sampleCount, positive, negative);
  if (result === HISTOGRAM_TOO_LARGE) return undefined;
  if (result === HISTOGRAM_BAD_WINDOW) throw new Fault('corrupt', 'chunk has a window of more than 64 bits');
  if (result !== HISTOGRAM_DONE) throw new Fault('corrupt', 'chunk ends before its samples do');
  return { sampleCount, hint, layout, positive, negative, counts: histogramCounts.slice(0, width * sampleCount) };
}

/** Whether sample `i` of the columns is a stale marker. */
export function isStaleColumn(i: number): boolean {
  return histogramSumWords[2 * i + 1] === STALE_HIGH && histogramSumWords[2 * i] === STALE_LOW;
}

function sizeOf(spans: readonly BucketSpan[]): number {
  let size = 0;
  for (const { length } of spans) size += length;
  return size;
}

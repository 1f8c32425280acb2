// The door to histogram chunks for those who compute with them: samples as values in columns.

import { BucketTable, HistogramRow, rowNumbers } from '../../model/histogram-row.ts';
import { bucketIndexes, histogramValueOf } from '../../model/histogram-value.ts';
import type { SampleBuffer } from '../../storage/sample-columns.ts';
import { ENCODING_FLOAT_HISTOGRAM, ENCODING_HISTOGRAM, undecodable } from './encoding.ts';
import { decodeFloatHistogramsPlainly } from './float-histogram.ts';
import { decodeHistogramsPlainly } from './histogram.ts';
import { decodeHistogramColumns, isStaleColumn } from './histogram-columns.ts';
import { sampleHint } from './histogram-layout.ts';
import { histogramSums, histogramTimes, histogramTotals, histogramZeros } from './kernels/histogram-kernel.ts';

/** Finer schemas are merged when they are read. */
const FINEST_SCHEMA = 8;

/**
 * Decodes a chunk of encoding 2 or 3 and appends its samples to `into`, in order of time; stale ones as stale markers. Counts
 * of a chunk share memory, and its samples the indexes of their buckets. `corrupt` when the bytes contradict their format,
 * `unsupported` for other encodings; `into` is as long as before then.
 */
export function decodeHistogramValues(
  encoding: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  into: SampleBuffer,
): void {
  if (encoding !== ENCODING_HISTOGRAM && encoding !== ENCODING_FLOAT_HISTOGRAM) throw undecodable(encoding);
  const before = into.length;
  try {
    if (!decodeByKernel(encoding, bytes, offset, length, into)) decodePlainly(encoding, bytes, offset, length, into);
  } catch (thrown) {
    into.truncate(before);
    throw thrown;
  }
}

/** The same without the kernel: its oracle. */
export function decodePlainly(
  encoding: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  into: SampleBuffer,
): void {
  const decode = encoding === ENCODING_HISTOGRAM ? decodeHistogramsPlainly : decodeFloatHistogramsPlainly;
  for (const { time, histogram } of decode(bytes, offset, length)) {
    const value = histogramValueOf(histogram);
    if (value === undefined) into.pushStale(time);
    else into.pushHistogram(time, value);
  }
}

/** False when the plain decoder has to do it; nothing was appended then. */
function decodeByKernel(
  encoding: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  into: SampleBuffer,
): boolean {
  const columns = decodeHistogramColumns(encoding, bytes, offset, length);
  if (columns === undefined || columns.layout.schema > FINEST_SCHEMA) return false;
  const { sampleCount, hint, counts } = columns;
  const { schema, zeroThreshold, customValues, positiveSpans, negativeSpans } = columns.layout;
  const positive = bucketIndexes(positiveSpans);
  const negative = bucketIndexes(negativeSpans);
  const layout = { schema, zeroThreshold, customValues, positive, negative };
  const numbers = rowNumbers(sampleCount, counts);
  numbers.zeroCounts.set(histogramZeros.subarray(0, sampleCount));
  numbers.totals.set(histogramTotals.subarray(0, sampleCount));
  numbers.sums.set(histogramSums.subarray(0, sampleCount));
  const table = new BucketTable(layout, numbers);
  for (let i = 0; i < sampleCount; i++) {
    const time = histogramTimes[i];
    if (isStaleColumn(i)) into.pushStale(time);
    else into.pushHistogram(time, new HistogramRow(table, i, sampleHint(hint, i === 0, false)));
  }
  return true;
}

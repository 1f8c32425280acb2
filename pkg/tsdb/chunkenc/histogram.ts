// Integer histogram chunks, encoding 2. Header and layout are drawn in histogram-layout.ts; samples follow as one bit
// stream:
//
//   sample 0   time, count, zero count, sum 64 bits, each bucket's delta to its left neighbour
//   sample i   ΔΔ of time, count and zero count; xor of the sum; for each bucket ΔΔ of its delta
//
// A stale sample has no bucket fields, and only stale samples may follow it.

import type { HistogramSample, IntegerHistogram } from '../../model/histogram.ts';
import { BitReader } from './bit-stream.ts';
import { chunkSampleCount, ENCODING_HISTOGRAM } from './encoding.ts';
import { decodeHistogramColumns, type HistogramColumns, isStaleColumn } from './histogram-columns.ts';
import {
  bucketCount,
  doubleOf,
  emptyLayout,
  HISTOGRAM_HEADER_SIZE,
  type HistogramLayout,
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
import { readVarbitInt, readVarbitUint } from './varbit.ts';
import { XorValue } from './xor-value.ts';

/**
 * Decodes a whole chunk (count, flags and stream, without encoding byte and checksum) in order of time. Samples share
 * their layout's arrays. `corrupt` when the bytes end before the samples do. Schemas above 8 are handed on as they are.
 */
export function decodeHistograms(bytes: Uint8Array, offset: number, length: number): HistogramSample[] {
  const columns = decodeHistogramColumns(ENCODING_HISTOGRAM, bytes, offset, length);
  return columns === undefined ? decodeHistogramsPlainly(bytes, offset, length) : samplesOf(columns);
}

/** The same without the compiled kernel: its oracle, and for what does not fit it. */
export function decodeHistogramsPlainly(bytes: Uint8Array, offset: number, length: number): HistogramSample[] {
  const count = chunkSampleCount(bytes, offset, length);
  return decodeSamples(bytes, offset, length, count, undefined);
}

function samplesOf({ sampleCount, hint, layout, positive, negative, counts }: HistogramColumns): HistogramSample[] {
  const width = positive + negative;
  const samples: HistogramSample[] = [];
  for (let i = 0; i < sampleCount; i++) {
    const isStale = isStaleColumn(i);
    const middle = i * width + positive;
    const histogram: IntegerHistogram = {
      kind: 'integer',
      hint: sampleHint(hint, i === 0, isStale),
      ...(isStale ? emptyLayout : layout),
      count: isStale ? 0 : histogramTotals[i],
      zeroCount: isStale ? 0 : histogramZeros[i],
      sum: histogramSums[i],
      sumHigh: histogramSumWords[2 * i + 1],
      sumLow: histogramSumWords[2 * i],
      positiveDeltas: isStale ? [] : deltasOf(counts, middle - positive, middle),
      negativeDeltas: isStale ? [] : deltasOf(counts, middle, middle + negative),
    };
    samples.push({ time: histogramTimes[i], histogram });
  }
  return samples;
}

/** Counts [from, to) as differences to their left neighbours. */
function deltasOf(counts: Float64Array, from: number, to: number): number[] {
  const deltas: number[] = [];
  for (let i = from, before = 0; i < to; i++) {
    deltas.push(counts[i] - before);
    before = counts[i];
  }
  return deltas;
}

/**
 * The same of a chunk with start timestamps, encoding 5: the header's count has 14 bits, its third byte and what follows
 * each sample are drawn in start-times.ts. The start timestamps, 0 for none, are appended to `starts`.
 */
export function decodeHistogramsWithStarts(
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
  const time = new Accumulated();
  const total = new Accumulated();
  const zero = new Accumulated();
  const sum = new XorValue();
  let positive: Accumulated[] | undefined;
  let negative: Accumulated[] | undefined;
  const samples: HistogramSample[] = [];
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      time.value = readVarbitInt(reader);
      total.value = readVarbitUint(reader);
      zero.value = readVarbitUint(reader);
      sum.readFirst(reader);
    } else {
      time.advance(reader);
      total.advance(reader);
      zero.advance(reader);
      sum.readNext(reader);
    }
    const isStale = isStaleSum(sum);
    const hint = sampleHint(chunkHint, i === 0, isStale);
    if (isStale) {
      samples.push({ time: time.value, histogram: integerHistogram(hint, emptyLayout, 0, 0, sum, [], []) });
      readStart(reader, i, time.value, withStarts);
      continue;
    }
    if (positive === undefined || negative === undefined) {
      positive = firstBuckets(reader, bucketCount(layout.positiveSpans, reader));
      negative = firstBuckets(reader, bucketCount(layout.negativeSpans, reader));
    } else {
      for (const bucket of positive) bucket.advance(reader);
      for (const bucket of negative) bucket.advance(reader);
    }
    const [up, down] = [positive.map(currentValue), negative.map(currentValue)];
    samples.push({
      time: time.value,
      histogram: integerHistogram(hint, layout, total.value, zero.value, sum, up, down),
    });
    readStart(reader, i, time.value, withStarts);
  }
  return samples;
}

/** A number stored by its change of change: 0 at first. */
class Accumulated {
  value = 0;
  #change = 0;

  advance(reader: BitReader): void {
    this.#change += readVarbitInt(reader);
    this.value += this.#change;
  }
}

function currentValue(accumulated: Accumulated): number {
  return accumulated.value;
}

function firstBuckets(reader: BitReader, count: number): Accumulated[] {
  const buckets: Accumulated[] = [];
  for (let i = 0; i < count; i++) {
    const bucket = new Accumulated();
    bucket.value = readVarbitInt(reader);
    buckets.push(bucket);
  }
  return buckets;
}

function integerHistogram(
  hint: IntegerHistogram['hint'],
  layout: HistogramLayout,
  count: number,
  zeroCount: number,
  sum: XorValue,
  positiveDeltas: readonly number[],
  negativeDeltas: readonly number[],
): IntegerHistogram {
  return {
    kind: 'integer',
    hint,
    ...layout,
    count,
    zeroCount,
    sum: doubleOf(sum.high, sum.low),
    sumHigh: sum.high,
    sumLow: sum.low,
    positiveDeltas,
    negativeDeltas,
  };
}

// The raw samples of one series into chunks of aggregates.

import type { HistogramValue } from '../../model/histogram-value.ts';
import { histogramValueOf } from '../../model/histogram-value.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/staleness.ts';
import { SampleBuffer } from '../../storage/sample-columns.ts';
import { columnDecoder } from '../../tsdb/chunkenc/decode.ts';
import {
  ENCODING_FLOAT_HISTOGRAM,
  ENCODING_HISTOGRAM,
  ENCODING_XOR,
  undecodable,
} from '../../tsdb/chunkenc/encoding.ts';
import { decodeFloatHistograms } from '../../tsdb/chunkenc/float-histogram.ts';
import { decodeHistograms } from '../../tsdb/chunkenc/histogram.ts';
import { hasStartTimestamps, transcodeChunk } from '../../tsdb/chunkenc/transcode.ts';
import type { StoredChunk } from '../../tsdb/stored-chunk.ts';
import { floatAggregateChunk, histogramAggregateChunk } from './aggregate-chunk.ts';
import { accumulateHistograms, countSamples, sumHistograms } from './aggregate-histograms.ts';
import { sharesLayout } from './histogram-layout.ts';
import { aggregateRaw } from './raw-aggregates.ts';
import { outputChunkCount, windowEnd } from './windows.ts';

type Emit = (chunk: StoredChunk) => void;

const counts = new SampleBuffer();

/** Collects the samples of a series, then gives its chunks; used for one series after the other. */
export class RawSeries {
  readonly #samples = new SampleBuffer(16_384);
  /** Samples that went into windows, all series together: what the counts of all chunks must add up to. */
  aggregatedCount = 0;

  constructor() {
    this.clear();
  }

  /** Ready for the next series. */
  clear(): void {
    this.#samples.clear();
    columnDecoder.begin();
  }

  /**
   * Adds a chunk, which lies in `bytes`; chunks come in order of time. `corrupt` when it cannot be decoded. Between `clear`
   * and `finish` nothing else may be decoded on this thread.
   */
  add(encoding: number, bytes: Uint8Array, offset: number, length: number): void {
    const samples = this.#samples;
    if (encoding === ENCODING_XOR) {
      columnDecoder.add(bytes, offset, length, samples, 0);
      return;
    }
    columnDecoder.finish(samples);
    if (!hasStartTimestamps(encoding)) {
      addHistograms(encoding, bytes, offset, length, samples);
      return;
    }
    const chunk = transcodeChunk(encoding, bytes.subarray(offset, offset + length));
    this.add(chunk.encoding, chunk.bytes, 0, chunk.bytes.length);
  }

  /** The chunks of the series, in order; none when no sample is a number. Samples outside of the time are left out. */
  finish(time: { readonly min: number; readonly max: number }, resolutionMs: number, emit: Emit): void {
    const samples = this.#samples;
    // Nearly always all of a series is there, and nothing has to be taken out.
    const isPlain = samples.length === 0 && columnDecoder.holdsPlain;
    columnDecoder.finish(samples);
    if (!isPlain) dropUnusable(samples);
    let past = samples.length;
    while (past > 0 && samples.times[past - 1] > time.max) past--;
    let from = 0;
    while (from < past && samples.times[from] < time.min) from++;
    while (from < past) {
      const to = endOfRun(samples, from, past);
      const isFloat = samples.histograms?.[from] === undefined;
      eachBatch(samples, from, to, resolutionMs, (first, end) => {
        if (isFloat) this.#emitFloats(first, end, resolutionMs, emit);
        else this.#emitHistograms(first, end, resolutionMs, emit);
      });
      from = to;
    }
  }

  #emitFloats(from: number, to: number, resolutionMs: number, emit: Emit): void {
    const { columns, numberCount } = aggregateRaw(this.#samples, from, to, resolutionMs);
    const chunk = floatAggregateChunk(columns);
    if (chunk === undefined) return;
    this.aggregatedCount += numberCount;
    emit(chunk);
  }

  #emitHistograms(from: number, to: number, resolutionMs: number, emit: Emit): void {
    const column = {
      times: [...this.#samples.times.subarray(from, to)],
      values: this.#samples.histograms!.slice(from, to) as HistogramValue[],
    };
    counts.clear();
    countSamples(column, resolutionMs, counts);
    const sums = sumHistograms(column, resolutionMs);
    emit(histogramAggregateChunk(counts, sums, accumulateHistograms(column, resolutionMs)));
    this.aggregatedCount += to - from;
  }
}

function addHistograms(encoding: number, bytes: Uint8Array, offset: number, length: number, into: SampleBuffer): void {
  if (encoding !== ENCODING_HISTOGRAM && encoding !== ENCODING_FLOAT_HISTOGRAM) throw undecodable(encoding);
  const decode = encoding === ENCODING_HISTOGRAM ? decodeHistograms : decodeFloatHistograms;
  for (const { time, histogram } of decode(bytes, offset, length)) {
    const value = histogramValueOf(histogram);
    if (value !== undefined) into.pushHistogram(time, value);
  }
}

/** Takes out stale markers, and samples not after the one before. */
function dropUnusable(samples: SampleBuffer): void {
  const { times, values, words, histograms, length } = samples;
  let lastTime = Number.NEGATIVE_INFINITY;
  let i = 0;
  for (; i < length; i++) {
    const time = times[i];
    if (!(time > lastTime) || isStale(values, words, i)) break;
    lastTime = time;
  }
  if (i === length) return;
  let kept = i;
  for (; i < samples.length; i++) {
    if (times[i] <= lastTime || isStale(values, words, i)) continue;
    lastTime = times[i];
    times[kept] = lastTime;
    words[2 * kept] = words[2 * i];
    words[2 * kept + 1] = words[2 * i + 1];
    if (histograms !== undefined && (i < histograms.length || kept < histograms.length)) {
      while (histograms.length < kept) histograms.push(undefined);
      histograms[kept] = histograms[i];
    }
    kept++;
  }
  samples.truncate(kept);
}

function isStale(values: Float64Array, words: Uint32Array, i: number): boolean {
  return Number.isNaN(values[i]) && words[2 * i] === STALE_LOW && words[2 * i + 1] === STALE_HIGH;
}

/** Where the run of floats, or of histograms that can share a chunk, ends that begins at `from`. */
function endOfRun({ histograms }: SampleBuffer, from: number, past: number): number {
  if (histograms === undefined) return past;
  let to = from + 1;
  const first = histograms[from];
  for (; to < past; to++) {
    const next = histograms[to];
    if (first === undefined || next === undefined ? first !== next : !sharesLayout(first, next)) return to;
  }
  return to;
}

/** Cuts samples [from, to) into batches for one chunk each. None ends inside of a window that goes on. */
function eachBatch(
  { times }: SampleBuffer,
  from: number,
  to: number,
  resolutionMs: number,
  visit: (first: number, past: number) => void,
): void {
  const span = { minTime: times[from], maxTime: times[to - 1], sampleCount: to - from };
  const size = Math.trunc(span.sampleCount / outputChunkCount(span, { from: 0, to: resolutionMs })) + 1;
  for (let first = from; first < to; ) {
    let past = Math.min(first + size, to);
    const end = windowEnd(times[past - 1], resolutionMs);
    while (past < to && times[past] <= end) past++;
    visit(first, past);
    first = past;
  }
}

// The aggregates of one series into those of a coarser resolution. Chunks are taken whole: the raw values at the ends of
// their counters stand for the real ones, so a cut inside would lose resets.

import { AGGREGATE_PARTS, AggregateParts, splitAggregateChunk } from '../../block/aggr-chunk.ts';
import { Fault } from '../../errors/fault.ts';
import { type HistogramValue, histogramValueOf } from '../../model/histogram-value.ts';
import { SampleBuffer, type SampleColumns } from '../../storage/sample-columns.ts';
import { applyCounterResets, newCounterState } from '../../tsdb/chunkenc/counter-resets.ts';
import { decodeXorChunk } from '../../tsdb/chunkenc/decode.ts';
import {
  chunkSampleCount,
  ENCODING_AGGREGATE,
  ENCODING_FLOAT_HISTOGRAM,
  ENCODING_HISTOGRAM,
  ENCODING_XOR,
  undecodable,
} from '../../tsdb/chunkenc/encoding.ts';
import { decodeFloatHistograms } from '../../tsdb/chunkenc/float-histogram.ts';
import { decodeHistograms } from '../../tsdb/chunkenc/histogram.ts';
import type { StoredChunk } from '../../tsdb/stored-chunk.ts';
import { floatAggregateChunk, histogramAggregateChunk } from './aggregate-chunk.ts';
import { FloatAggregates, type Reduction, reduceCounter, reduceFloats } from './aggregate-floats.ts';
import { accumulateHistograms, type HistogramColumn, sumHistograms } from './aggregate-histograms.ts';
import { sharesLayout } from './histogram-layout.ts';
import { RawSeries } from './raw-series.ts';
import { outputChunkCount } from './windows.ts';

type Emit = (chunk: StoredChunk) => void;

const COUNT = 0;
const SUM = 1;
const COUNTER = 4;

const reductions: readonly Reduction[] = ['sum', 'sum', 'min', 'max'];

/** An aggregate chunk with the encodings of its parts. */
interface SourceChunk extends StoredChunk {
  readonly parts: AggregateParts;
  /** The first sum of a chunk of histograms, which tells its layout; undefined for floats. */
  readonly histogram: HistogramValue | undefined;
}

const aggregates = new FloatAggregates();
const column = new SampleBuffer();
const accumulated = new SampleBuffer();

/** Collects the chunks of a series, then gives those of the coarser resolution; used for one series after the other. */
export class AggregatedSeries {
  readonly #chunks: SourceChunk[] = [];
  readonly #raw = new RawSeries();
  readonly #resolutions: { readonly from: number; readonly to: number };
  /** Raw samples behind all series together. */
  aggregatedCount = 0;

  constructor(resolutions: { readonly from: number; readonly to: number }) {
    this.#resolutions = resolutions;
  }

  clear(): void {
    this.#chunks.length = 0;
  }

  /** Adds a chunk; chunks come in order of time. A raw one is made an aggregate first. `data` is needed until `clear`. */
  add(chunk: StoredChunk): void {
    if (chunk.encoding === ENCODING_AGGREGATE) {
      this.#chunks.push(sourceChunk(chunk));
      return;
    }
    const { data, encoding } = chunk;
    const raw = this.#raw;
    raw.clear();
    raw.add(encoding, data, 0, data.length);
    raw.finish({ min: chunk.minTime, max: chunk.maxTime }, this.#resolutions.from, (made) =>
      this.#chunks.push(sourceChunk(made)),
    );
  }

  /** The chunks of the series, in order. */
  finish(emit: Emit): void {
    const chunks = this.#chunks;
    for (let from = 0; from < chunks.length; ) {
      let to = from + 1;
      while (to < chunks.length && goTogether(chunks[from], chunks[to])) to++;
      this.#finishRun(chunks.slice(from, to), emit);
      from = to;
    }
  }

  #finishRun(run: readonly SourceChunk[], emit: Emit): void {
    let sampleCount = 0;
    for (const chunk of run) sampleCount += partSampleCount(chunk, COUNT);
    const span = { minTime: run[0].minTime, maxTime: run[run.length - 1].maxTime, sampleCount };
    const size = Math.max(1, Math.trunc(run.length / outputChunkCount(span, this.#resolutions)));
    for (let first = 0; first < run.length; first += size) {
      const batch = run.slice(first, first + size);
      if (run[0].histogram === undefined) this.#emitFloats(batch, emit);
      else this.#emitHistograms(batch, emit);
    }
  }

  #emitFloats(batch: readonly SourceChunk[], emit: Emit): void {
    aggregates.clear();
    for (const [part, reduction] of reductions.entries()) {
      decodeParts(batch, part, column);
      if (column.length > 0) reduceFloats(column, reduction, this.#resolutions.to, aggregates[AGGREGATE_PARTS[part]]);
    }
    const state = newCounterState();
    accumulated.clear();
    for (const chunk of batch) {
      if (chunk.parts.encodings[COUNTER] === 0) continue;
      column.clear();
      decodePart(chunk, COUNTER, column);
      const from = accumulated.length;
      applyCounterResets(column, state, accumulated);
      checkCounterTimes(accumulated, from, chunk, this.#resolutions.from);
    }
    reduceCounter(accumulated, state.lastValue, this.#resolutions.to, aggregates.counter);
    this.#count(aggregates.count);
    const chunk = floatAggregateChunk(aggregates);
    if (chunk !== undefined) emit(chunk);
  }

  #emitHistograms(batch: readonly SourceChunk[], emit: Emit): void {
    const resolutionMs = this.#resolutions.to;
    decodeParts(batch, COUNT, column);
    aggregates.count.clear();
    if (column.length > 0) reduceFloats(column, 'sum', resolutionMs, aggregates.count);
    this.#count(aggregates.count);
    const sums = sumHistograms(decodeHistogramParts(batch, SUM), resolutionMs);
    const counters = accumulateHistograms(decodeHistogramParts(batch, COUNTER), resolutionMs);
    emit(histogramAggregateChunk(aggregates.count, sums, counters));
  }

  #count({ values, length }: SampleBuffer): void {
    for (let i = 0; i < length; i++) this.aggregatedCount += values[i];
  }
}

function sourceChunk(chunk: StoredChunk): SourceChunk {
  const parts = new AggregateParts();
  splitAggregateChunk(chunk.data, 0, chunk.data.length, parts);
  const isHistogram = parts.encodings[SUM] > ENCODING_XOR || parts.encodings[COUNTER] > ENCODING_XOR;
  const { minTime, maxTime, encoding, data } = chunk;
  if (!isHistogram) return { minTime, maxTime, encoding, data, parts, histogram: undefined };
  const [counter] = histogramsOf({ ...chunk, parts }, COUNTER);
  const [sum] = histogramsOf({ ...chunk, parts }, SUM);
  if (sum === undefined || counter === undefined) {
    throw new Fault('corrupt', 'an aggregate chunk of histograms has no sum or no counter');
  }
  // The sum is always a gauge; the counter tells what the histograms were.
  return { ...chunk, parts, histogram: counter.value };
}

function goTogether(a: SourceChunk, b: SourceChunk): boolean {
  if (a.histogram === undefined || b.histogram === undefined) return a.histogram === b.histogram;
  return sharesLayout(a.histogram, b.histogram);
}

type PartsOf = Pick<SourceChunk, 'data' | 'parts'>;

function partSampleCount({ data, parts }: PartsOf, part: number): number {
  return parts.encodings[part] === 0 ? 0 : chunkSampleCount(data, parts.offsets[part], parts.lengths[part]);
}

function decodeParts(batch: readonly SourceChunk[], part: number, into: SampleBuffer): void {
  into.clear();
  for (const chunk of batch) {
    if (chunk.parts.encodings[part] === 0) continue;
    const from = into.length;
    decodePart(chunk, part, into);
    checkTimes(into.times, from, into.length, chunk);
  }
}

/** Windows ascend within the time of their chunk; chunks do so among each other. */
function checkTimes(times: Float64Array, from: number, to: number, { minTime, maxTime }: StoredChunk): void {
  let last = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const time = times[i];
    if (time > last && time >= minTime && time <= maxTime) last = time;
    else throw new Fault('corrupt', `an aggregate chunk from ${minTime} to ${maxTime} has a window at ${time}`);
  }
}

/** The first sample of a counter is a raw one, from inside of the first window; the others are at the ends of windows. */
function checkCounterTimes(
  { times, length }: SampleColumns,
  from: number,
  { minTime, maxTime }: StoredChunk,
  resolutionMs: number,
): void {
  if (from === length || (times[from] >= minTime - resolutionMs && times[length - 1] <= maxTime)) return;
  const at = times[from] >= minTime - resolutionMs ? times[length - 1] : times[from];
  throw new Fault('corrupt', `an aggregate chunk from ${minTime} to ${maxTime} has a counter at ${at}`);
}

function decodePart({ data, parts }: PartsOf, part: number, into: SampleBuffer): void {
  if (parts.encodings[part] !== ENCODING_XOR) throw undecodable(parts.encodings[part]);
  decodeXorChunk(data, parts.offsets[part], parts.lengths[part], into);
}

function decodeHistogramParts(batch: readonly SourceChunk[], part: number): HistogramColumn {
  const times: number[] = [];
  const values: HistogramValue[] = [];
  for (const chunk of batch) {
    const from = times.length;
    for (const { time, value } of histogramsOf(chunk, part)) {
      times.push(time);
      values.push(value);
    }
    checkTimes(Float64Array.from(times.slice(from)), 0, times.length - from, chunk);
  }
  return { times, values };
}

function histogramsOf({ data, parts }: PartsOf, part: number): { time: number; value: HistogramValue }[] {
  const encoding = parts.encodings[part];
  if (encoding === 0) return [];
  if (encoding !== ENCODING_HISTOGRAM && encoding !== ENCODING_FLOAT_HISTOGRAM) throw undecodable(encoding);
  const decode = encoding === ENCODING_HISTOGRAM ? decodeHistograms : decodeFloatHistograms;
  return decode(data, parts.offsets[part], parts.lengths[part]).flatMap(({ time, histogram }) => {
    const value = histogramValueOf(histogram);
    return value === undefined ? [] : [{ time, value }];
  });
}

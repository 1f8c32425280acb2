// The one shape samples take in memory: a column of times and a column of values, and beside them, only where there are
// any, the native histograms.

import { type HistogramValue, outOfSequence } from '../model/histogram-value.ts';
import { STALE_HIGH, STALE_LOW } from '../model/staleness.ts';

/** Read side: the first `length` entries count; times are ascending milliseconds. Borrowed unless said otherwise. */
export interface SampleColumns {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** The values' bits, low word first: stale markers are told apart here (see model/staleness.ts). */
  readonly words: Uint32Array;
  /**
   * Undefined as long as all samples are floats. Else sample i is a histogram where `histograms[i]` is one, its value then
   * being NaN; a stale histogram is a stale marker like any other. May be shorter than `length`, never longer.
   */
  readonly histograms: readonly (HistogramValue | undefined)[] | undefined;
  /**
   * Since when a counter has counted, in ms, for samples that know it; 0 and entries that are missing say nothing. Never
   * longer than `length`.
   */
  readonly starts?: readonly number[] | undefined;
  /** Which stretches stand for more time a sample than was asked for; undefined when none do. Ascending. */
  readonly coarse?: readonly CoarseStretch[] | undefined;
  /** The values are numbers of samples, 1 for each raw one: to count samples is to add them up. */
  readonly isCounted?: boolean;
  readonly length: number;
}

/** Samples of a stretch of time, both ends inclusive, and how much time each of them stands for: 0 for raw ones. */
export interface CoarseStretch {
  readonly minTime: number;
  readonly maxTime: number;
  readonly resolutionMs: number;
}

/**
 * Columns that grow and are reused. Chunks decode into them, merges write them, range functions read them. Values are
 * copied by bits: between two typed arrays by `set`, `copyWithin` and `subarray`, or word by word, never through a
 * number where a NaN payload matters.
 */
export class SampleBuffer implements SampleColumns {
  times: Float64Array;
  values: Float64Array;
  words: Uint32Array;
  histograms: (HistogramValue | undefined)[] | undefined = undefined;
  starts: number[] | undefined = undefined;
  coarse: readonly CoarseStretch[] | undefined = undefined;
  isCounted = false;
  length = 0;

  constructor(capacity = 1024) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = new Uint32Array(this.values.buffer);
  }

  get capacity(): number {
    return this.times.length;
  }

  clear(): void {
    this.length = 0;
    this.histograms = undefined;
    this.starts = undefined;
    this.coarse = undefined;
    this.isCounted = false;
  }

  /** Makes room for `extra` more samples. The column arrays may be replaced: read them again afterwards. */
  reserve(extra: number): void {
    const wanted = this.length + extra;
    if (wanted <= this.times.length) return;
    const capacity = Math.max(wanted, this.times.length * 2);
    const times = new Float64Array(capacity);
    times.set(this.times.subarray(0, this.length));
    const values = new Float64Array(capacity);
    values.set(this.values.subarray(0, this.length));
    this.times = times;
    this.values = values;
    this.words = new Uint32Array(values.buffer);
  }

  /** Adds one sample. Not for values whose NaN payload matters. */
  push(time: number, value: number): void {
    if (this.length === this.times.length) this.reserve(1);
    this.times[this.length] = time;
    this.values[this.length++] = value;
  }

  pushHistogram(time: number, histogram: HistogramValue): void {
    this.push(time, Number.NaN);
    this.#fill(this.length - 1).push(histogram);
  }

  pushStale(time: number): void {
    this.push(time, 0);
    this.words[2 * this.length - 2] = STALE_LOW;
    this.words[2 * this.length - 1] = STALE_HIGH;
  }

  /** Says since when the sample added last has counted; 0 says nothing. */
  startLast(start: number): void {
    if (start === 0 && this.starts === undefined) return;
    this.starts ??= [];
    while (this.starts.length < this.length - 1) this.starts.push(0);
    this.starts.push(start);
  }

  /** Adds samples [from, to) of other columns, by bits. */
  pushColumns(source: SampleColumns, from = 0, to = source.length): void {
    const count = to - from;
    if (count <= 0) return;
    this.reserve(count);
    this.times.set(source.times.subarray(from, to), this.length);
    this.values.set(source.values.subarray(from, to), this.length);
    this.length += count;
    if (source.histograms !== undefined || this.histograms !== undefined) this.#pushHistograms(source, from, to);
    if (source.starts !== undefined) this.#pushStarts(source.starts, from, to);
  }

  /** Brings the histograms up to `length`, of which the last ones are those of `source`. */
  #pushHistograms(source: SampleColumns, from: number, to: number): void {
    const histograms = this.#fill(this.length - (to - from));
    for (let i = from; i < to; i++) histograms.push(source.histograms?.[i]);
  }

  #pushStarts(source: readonly number[], from: number, to: number): void {
    const starts = (this.starts ??= []);
    while (starts.length < this.length - (to - from)) starts.push(0);
    for (let i = from; i < to; i++) starts.push(source[i] ?? 0);
  }

  /** The histograms with exactly `length` entries. */
  #fill(length: number): (HistogramValue | undefined)[] {
    const histograms = (this.histograms ??= []);
    while (histograms.length < length) histograms.push(undefined);
    return histograms;
  }

  /** Leaves the first `length` samples. */
  truncate(length: number): void {
    this.length = length;
    if (this.histograms !== undefined && this.histograms.length > length) this.histograms.length = length;
    if (this.starts !== undefined && this.starts.length > length) this.starts.length = length;
  }

  /** Says that sample i does not follow the one before it any more, as far as it is a histogram. */
  breakSequence(i: number): void {
    const histogram = this.histograms?.[i];
    if (histogram !== undefined) this.histograms![i] = outOfSequence(histogram);
  }

  /** Takes samples [from, to) out, moving the rest down by bits. */
  drop(from: number, to: number): void {
    if (to <= from) return;
    this.times.copyWithin(from, to, this.length);
    this.values.copyWithin(from, to, this.length);
    this.histograms?.splice(from, to - from);
    this.starts?.splice(from, to - from);
    this.length -= to - from;
  }
}

/** The first index in [from, length) whose time is at or after `time`; `length` when there is none. */
export function lowerBound(times: Float64Array, length: number, time: number, from = 0): number {
  let low = from;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

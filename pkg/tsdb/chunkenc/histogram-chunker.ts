// Puts the histogram samples of one series into chunks, byte for byte as Prometheus does between two cuts for size.

import type { BucketSpan, CounterResetHint, Histogram, HistogramSample } from '../../model/histogram.ts';
import { ENCODING_FLOAT_HISTOGRAM, ENCODING_HISTOGRAM } from './encoding.ts';
import { decodeFloatHistograms } from './float-histogram.ts';
import { FloatHistogramEncoder } from './float-histogram-encoder.ts';
import { decodeHistograms } from './histogram.ts';
import { type ChunkState, decideAppend, firstHeader, headerAfterCut, withBuckets } from './histogram-append.ts';
import { HistogramEncoder } from './histogram-encoder.ts';

/** A finished chunk. */
export interface HistogramChunk {
  readonly encoding: number;
  /** Both inclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  /** Without encoding byte and checksum; yours. */
  readonly bytes: Uint8Array;
}

interface OpenChunk extends ChunkState {
  readonly minTime: number;
  readonly maxTime: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
}

export class HistogramChunker {
  readonly #maxSamples: number;
  readonly #integers = new HistogramEncoder();
  readonly #floats = new FloatHistogramEncoder();
  #open: OpenChunk | undefined;

  /** A chunk of `maxSamples` (at most 65535) is full. */
  constructor(maxSamples: number) {
    this.#maxSamples = maxSamples;
  }

  /**
   * Adds a sample, later than the one before and with as many buckets as its spans say. Gives the chunk that it ended, if
   * it did end one.
   */
  push({ time, histogram }: HistogramSample): HistogramChunk | undefined {
    const open = this.#open;
    if (open === undefined || open.last.kind !== histogram.kind) {
      return this.#begin(time, histogram, firstHeader(histogram));
    }
    if (this.#encoderOf(histogram.kind).sampleCount >= this.#maxSamples) {
      return this.#begin(time, histogram, headerAfterCut(open, histogram));
    }
    const decision = decideAppend(open, histogram);
    if (decision.kind === 'new-chunk') return this.#begin(time, histogram, decision.header);
    const spans = decision.kind === 'recode' ? decision.spans : open;
    if (decision.kind === 'recode') this.#recode(open, spans);
    const last = withBuckets(histogram, spans);
    this.#encode(time, last);
    const { positiveSpans, negativeSpans } = spans;
    this.#open = { ...open, positiveSpans, negativeSpans, last, maxTime: time };
    return undefined;
  }

  /** Ends the chunk under way; what follows knows nothing of it. */
  finish(): HistogramChunk | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#open = undefined;
    return {
      encoding: open.last.kind === 'integer' ? ENCODING_HISTOGRAM : ENCODING_FLOAT_HISTOGRAM,
      minTime: open.minTime,
      maxTime: open.maxTime,
      bytes: this.#encoderOf(open.last.kind).bytes(),
    };
  }

  #begin(time: number, histogram: Histogram, header: CounterResetHint): HistogramChunk | undefined {
    const ended = this.finish();
    this.#encoderOf(histogram.kind).reset(header);
    this.#encode(time, histogram);
    const { positiveSpans, negativeSpans } = histogram;
    this.#open = { header, positiveSpans, negativeSpans, last: histogram, minTime: time, maxTime: time };
    return ended;
  }

  /** Writes the chunk under way again with more buckets. */
  #recode({ header, last }: OpenChunk, spans: Pick<OpenChunk, 'positiveSpans' | 'negativeSpans'>): void {
    const bytes = this.#encoderOf(last.kind).bytes();
    const samples =
      last.kind === 'integer'
        ? decodeHistograms(bytes, 0, bytes.length)
        : decodeFloatHistograms(bytes, 0, bytes.length);
    this.#encoderOf(last.kind).reset(header);
    for (const { time, histogram } of samples) this.#encode(time, withBuckets(histogram, spans));
  }

  #encoderOf(kind: Histogram['kind']): HistogramEncoder | FloatHistogramEncoder {
    return kind === 'integer' ? this.#integers : this.#floats;
  }

  #encode(time: number, histogram: Histogram): void {
    if (histogram.kind === 'integer') this.#integers.push(time, histogram);
    else this.#floats.push(time, histogram);
  }
}

// Writes integer histogram chunks, encoding 2, byte for byte as Prometheus does. The bytes are drawn in histogram.ts; which
// samples may share a chunk is decided in histogram-append.ts.

import { assert } from '../../errors/assert.ts';
import { type CounterResetHint, type IntegerHistogram, isStaleHistogram } from '../../model/histogram.ts';
import { BitWriter } from './bit-stream.ts';
import { emptyLayout, type HistogramLayout, writeHistogramHeader, writeLayout } from './histogram-layout.ts';
import { writeVarbitInt, writeVarbitUint } from './varbit.ts';
import { MAX_CHUNK_SAMPLES } from './xor-encoder.ts';
import { XorValueWriter } from './xor-value-writer.ts';

export class HistogramEncoder {
  readonly #bits = new BitWriter();
  readonly #time = new Difference();
  readonly #count = new Difference();
  readonly #zeroCount = new Difference();
  readonly #sum = new XorValueWriter();
  #buckets: Difference[] = [];
  #sampleCount = 0;

  /** Samples so far. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** Starts a chunk; the layout is that of its first sample that is not stale. */
  reset(hint: CounterResetHint): void {
    this.#bits.clear();
    writeHistogramHeader(this.#bits, hint);
    this.#sampleCount = 0;
  }

  /** The chunk, as a copy that is yours. More samples may follow. */
  bytes(): Uint8Array {
    this.#bits.setByte(0, this.#sampleCount >>> 8);
    this.#bits.setByte(1, this.#sampleCount);
    return this.#bits.written.slice();
  }

  /**
   * Adds a sample with the buckets of the first one; a stale one is followed by stale ones alone. Its hint means nothing
   * here. At most 65535 a chunk.
   */
  push(time: number, histogram: IntegerHistogram): void {
    assert(this.#sampleCount < MAX_CHUNK_SAMPLES, 'a chunk has at most 65535 samples');
    const isStale = isStaleHistogram(histogram);
    if (this.#sampleCount === 0) this.#pushFirst(time, histogram, isStale);
    else this.#pushNext(time, histogram, isStale);
    this.#sampleCount++;
  }

  #pushFirst(time: number, histogram: IntegerHistogram, isStale: boolean): void {
    const bits = this.#bits;
    const layout: HistogramLayout = isStale ? emptyLayout : histogram;
    writeLayout(bits, layout);
    writeVarbitInt(bits, this.#time.start(time));
    writeVarbitUint(bits, this.#count.start(isStale ? 0 : histogram.count));
    writeVarbitUint(bits, this.#zeroCount.start(isStale ? 0 : histogram.zeroCount));
    this.#sum.writeFirst(bits, histogram.sumHigh, histogram.sumLow);
    this.#buckets = [];
    if (isStale) return;
    for (const deltas of [histogram.positiveDeltas, histogram.negativeDeltas]) {
      for (const delta of deltas) {
        const bucket = new Difference();
        writeVarbitInt(bits, bucket.start(delta));
        this.#buckets.push(bucket);
      }
    }
  }

  #pushNext(time: number, histogram: IntegerHistogram, isStale: boolean): void {
    const bits = this.#bits;
    const { count, zeroCount, positiveDeltas, negativeDeltas } = histogram;
    writeVarbitInt(bits, this.#time.next(time));
    writeVarbitInt(bits, isStale ? 0 : this.#count.next(count));
    writeVarbitInt(bits, isStale ? 0 : this.#zeroCount.next(zeroCount));
    this.#sum.writeNext(bits, histogram.sumHigh, histogram.sumLow);
    if (isStale) return;
    const buckets = this.#buckets;
    const positiveCount = positiveDeltas.length;
    assert(buckets.length === positiveCount + negativeDeltas.length, 'samples of a chunk have the same buckets');
    for (let i = 0; i < buckets.length; i++) {
      const delta = i < positiveCount ? positiveDeltas[i] : negativeDeltas[i - positiveCount];
      writeVarbitInt(bits, buckets[i].next(delta));
    }
  }
}

/** A number as its change of change, which is the plain change at the second value. */
class Difference {
  #value = 0;
  #change = 0;

  start(value: number): number {
    this.#value = value;
    this.#change = 0;
    return value;
  }

  next(value: number): number {
    const change = value - this.#value;
    const result = change - this.#change;
    this.#value = value;
    this.#change = change;
    return result;
  }
}

// Writes float histogram chunks, encoding 3, byte for byte as Prometheus does. The bytes are drawn in float-histogram.ts;
// which samples may share a chunk is decided in histogram-append.ts.

import { assert } from '../../errors/assert.ts';
import { type CounterResetHint, type FloatHistogram, isStaleHistogram } from '../../model/histogram.ts';
import { BitWriter } from './bit-stream.ts';
import { emptyLayout, writeHistogramHeader, writeLayout } from './histogram-layout.ts';
import { writeVarbitInt } from './varbit.ts';
import { MAX_CHUNK_SAMPLES } from './xor-encoder.ts';
import { XorValueWriter } from './xor-value-writer.ts';

export class FloatHistogramEncoder {
  readonly #bits = new BitWriter();
  readonly #count = new XorValueWriter();
  readonly #zeroCount = new XorValueWriter();
  readonly #sum = new XorValueWriter();
  #buckets: XorValueWriter[] = [];
  #sampleCount = 0;
  #time = 0;
  #step = 0;

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
  push(time: number, histogram: FloatHistogram): void {
    assert(this.#sampleCount < MAX_CHUNK_SAMPLES, 'a chunk has at most 65535 samples');
    const bits = this.#bits;
    const isStale = isStaleHistogram(histogram);
    const isFirst = this.#sampleCount === 0;
    if (isFirst) {
      writeLayout(bits, isStale ? emptyLayout : histogram);
      writeVarbitInt(bits, time);
      this.#step = 0;
    } else {
      const step = time - this.#time;
      writeVarbitInt(bits, step - this.#step);
      this.#step = step;
    }
    this.#time = time;
    fields[0] = isStale ? 0 : histogram.count;
    fields[1] = isStale ? 0 : histogram.zeroCount;
    const write = isFirst ? 'writeFirst' : 'writeNext';
    this.#count[write](bits, fieldWords[1], fieldWords[0]);
    this.#zeroCount[write](bits, fieldWords[3], fieldWords[2]);
    this.#sum[write](bits, histogram.sumHigh, histogram.sumLow);
    if (!isStale) this.#pushBuckets(histogram, isFirst);
    this.#sampleCount++;
  }

  #pushBuckets({ positiveCounts, negativeCounts }: FloatHistogram, isFirst: boolean): void {
    const bucketCount = positiveCounts.length + negativeCounts.length;
    if (isFirst) this.#buckets = Array.from({ length: bucketCount }, () => new XorValueWriter());
    assert(this.#buckets.length === bucketCount, 'samples of a chunk have the same buckets');
    const write = isFirst ? 'writeFirst' : 'writeNext';
    let next = 0;
    for (const counts of [positiveCounts, negativeCounts]) {
      const words = new Uint32Array(counts.buffer, counts.byteOffset, counts.length * 2);
      for (let i = 0; i < words.length; i += 2) this.#buckets[next++][write](this.#bits, words[i + 1], words[i]);
    }
  }
}

const fields = new Float64Array(2);
const fieldWords = new Uint32Array(fields.buffer);

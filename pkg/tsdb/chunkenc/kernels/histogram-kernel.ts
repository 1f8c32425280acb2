// Loads the compiled histogram chunk decoder and lends its memory: one instance a thread, used synchronously.

import { instantiate } from '../../../bytes/instantiate.ts';
import { wasmBase64 } from './histogram.generated.ts';

/** Results of the kernel. */
export const HISTOGRAM_DONE = 0;
export const HISTOGRAM_TOO_SHORT = -1;
export const HISTOGRAM_BAD_WINDOW = -2;
/** A number is past those that doubles hold exactly; the plain decoder rounds it. */
export const HISTOGRAM_TOO_LARGE = -3;

type Decode = (length: number, fromBit: number, count: number, positive: number, negative: number) => number;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputAt(): number;
  inputSize(): number;
  maxSamples(): number;
  maxBuckets(): number;
  maxCounts(): number;
  timesAt(): number;
  totalsAt(): number;
  zerosAt(): number;
  sumsAt(): number;
  countsAt(): number;
  readonly decodeIntegers: Decode;
  readonly decodeFloats: Decode;
}

const exports = instantiate<Exports>(wasmBase64);
const { buffer } = exports.memory;
const samples = exports.maxSamples();

/** What fits; the plain decoder does the rest. Counts are those of all samples of a chunk. */
export const MOST_SAMPLES = samples;
export const MOST_BUCKETS = exports.maxBuckets();
export const MOST_COUNTS = exports.maxCounts();

/** Where the chunk is put. */
export const histogramInput = new Uint8Array(buffer, exports.inputAt(), exports.inputSize());
/** The decoded columns, good until the next call. */
export const histogramTimes = new Float64Array(buffer, exports.timesAt(), samples);
export const histogramTotals = new Float64Array(buffer, exports.totalsAt(), samples);
export const histogramZeros = new Float64Array(buffer, exports.zerosAt(), samples);
export const histogramSums = new Float64Array(buffer, exports.sumsAt(), samples);
/** The sums' bits, low word first. */
export const histogramSumWords = new Uint32Array(buffer, exports.sumsAt(), 2 * samples);
/** A row of absolute counts a sample, positive buckets first. */
export const histogramCounts = new Float64Array(buffer, exports.countsAt(), MOST_COUNTS);

/**
 * Decodes `count` samples of the first `length` bytes of the input, the first of which begins at bit `fromBit`, with so many
 * buckets on either side. One of the results above; then the columns are filled, save for counts of stale samples.
 */
export const kernelDecodeIntegers: Decode = exports.decodeIntegers;
export const kernelDecodeFloats: Decode = exports.decodeFloats;

// What the two histogram encodings share: the header and the layout, written once a chunk.
//
//   ┌───────────┬──────────┬─────────────────────────────────────────────────────────────┬─────────┐
//   │ count u16 │ flags u8 │ zero threshold, schema, positive spans, negative spans,     │ samples │
//   │           │          │ custom bounds only with schema -53                          │         │
//   └───────────┴──────────┴─────────────────────────────────────────────────────────────┴─────────┘
//
// The flags' top two bits tell about the border to the chunk before: 00 unknown, 01 no reset, 10 reset, 11 gauge.

import { Fault } from '../../errors/fault.ts';
import { type BucketSpan, type CounterResetHint, CUSTOM_BOUNDS_SCHEMA } from '../../model/histogram.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/staleness.ts';
import type { BitReader, BitWriter } from './bit-stream.ts';
import { readVarbitInt, readVarbitUint, writeVarbitInt, writeVarbitUint } from './varbit.ts';
import type { XorValue } from './xor-value.ts';

export const HISTOGRAM_HEADER_SIZE = 3;

const hints: readonly CounterResetHint[] = ['unknown', 'not-reset', 'reset', 'gauge'];

/** With start timestamps the two flags take the upper bits of the count. */
export const MAX_SAMPLES_WITH_STARTS = 0x3fff;

/** What the chunk's header says about the border to the chunk before it, in its byte `at`: 0 with start timestamps. */
export function histogramChunkHint(bytes: Uint8Array, offset: number, length: number, at: 0 | 2 = 2): CounterResetHint {
  if (length < HISTOGRAM_HEADER_SIZE) throw new Fault('corrupt', `histogram chunk of ${length} bytes has no header`);
  return hints[bytes[offset + at] >>> 6];
}

/** Starts a chunk: room for the count, and what its header says. */
export function writeHistogramHeader(bits: BitWriter, hint: CounterResetHint): void {
  bits.bits(0, 16);
  bits.bits(hints.indexOf(hint) << 6, 8);
}

/** The hint a sample is read with: only inside a chunk is it known that there was no reset, and of stale ones nothing. */
export function sampleHint(chunkHint: CounterResetHint, isFirst: boolean, isStale: boolean): CounterResetHint {
  if (isStale) return 'unknown';
  if (chunkHint === 'gauge') return 'gauge';
  return isFirst ? 'unknown' : 'not-reset';
}

export interface HistogramLayout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly customValues: readonly number[];
}

/** What a stale sample is read with. */
export const emptyLayout: HistogramLayout = {
  schema: 0,
  zeroThreshold: 0,
  positiveSpans: [],
  negativeSpans: [],
  customValues: [],
};

export function readLayout(reader: BitReader): HistogramLayout {
  const zeroThreshold = readZeroThreshold(reader);
  const schema = readVarbitInt(reader);
  if (schema !== CUSTOM_BOUNDS_SCHEMA && (schema < -9 || schema > 52)) {
    throw new Fault('corrupt', `histogram chunk has unknown schema ${schema}`);
  }
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const customValues = schema === CUSTOM_BOUNDS_SCHEMA ? readCustomBounds(reader) : [];
  return { schema, zeroThreshold, positiveSpans, negativeSpans, customValues };
}

/** Writes what `readLayout` reads. */
export function writeLayout(bits: BitWriter, layout: HistogramLayout): void {
  writeZeroThreshold(bits, layout.zeroThreshold);
  writeVarbitInt(bits, layout.schema);
  writeSpans(bits, layout.positiveSpans);
  writeSpans(bits, layout.negativeSpans);
  if (layout.schema === CUSTOM_BOUNDS_SCHEMA) writeCustomBounds(bits, layout.customValues);
}

/** How many buckets the spans have; `corrupt` when a sample of them cannot fit what is left of the chunk. */
export function bucketCount(spans: readonly BucketSpan[], reader: BitReader): number {
  let count = 0;
  for (const span of spans) count += span.length;
  if (count > reader.remaining) {
    throw new Fault('corrupt', `histogram chunk says ${count} buckets with ${reader.remaining} bits left`);
  }
  return count;
}

export function isStaleSum(sum: XorValue): boolean {
  return sum.high === STALE_HIGH && sum.low === STALE_LOW;
}

const scratch = new DataView(new ArrayBuffer(8));

/** The double of two words. */
export function doubleOf(high: number, low: number): number {
  scratch.setUint32(0, high);
  scratch.setUint32(4, low);
  return scratch.getFloat64(0);
}

/** Writes a double whole. */
export function writeDouble(bits: BitWriter, value: number): void {
  scratch.setFloat64(0, value);
  bits.bits(scratch.getUint32(0), 32);
  bits.bits(scratch.getUint32(4), 32);
}

function readDouble(reader: BitReader): number {
  const high = reader.bits(32);
  return doubleOf(high, reader.bits(32));
}

function readZeroThreshold(reader: BitReader): number {
  const code = reader.bits(8);
  if (code === 0) return 0;
  return code === 255 ? readDouble(reader) : 2 ** (code - 244);
}

function readSpans(reader: BitReader): BucketSpan[] {
  const count = readVarbitUint(reader);
  // A span takes two bits at least.
  if (count * 2 > reader.remaining) throw new Fault('corrupt', `histogram chunk says ${count} spans`);
  const spans: BucketSpan[] = [];
  for (let i = 0; i < count; i++) {
    const length = readVarbitUint(reader);
    spans.push({ length, offset: readVarbitInt(reader) });
  }
  return spans;
}

function readCustomBounds(reader: BitReader): number[] {
  const count = readVarbitUint(reader);
  if (count > reader.remaining) throw new Fault('corrupt', `histogram chunk says ${count} custom bounds`);
  const bounds: number[] = [];
  for (let i = 0; i < count; i++) {
    // Thousandths are stored as integers, one up so that 0 can announce a whole double.
    const code = readVarbitUint(reader);
    bounds.push(code === 0 ? readDouble(reader) : (code - 1) / 1000);
  }
  return bounds;
}

function writeZeroThreshold(bits: BitWriter, threshold: number): void {
  if (threshold === 0) {
    bits.bits(0, 8);
    return;
  }
  // Powers of two from 2^-243 to 2^10 have a code.
  const exponent = Math.round(Math.log2(threshold));
  if (exponent >= -243 && exponent <= 10 && 2 ** exponent === threshold) {
    bits.bits(exponent + 244, 8);
    return;
  }
  bits.bits(255, 8);
  writeDouble(bits, threshold);
}

function writeSpans(bits: BitWriter, spans: readonly BucketSpan[]): void {
  writeVarbitUint(bits, spans.length);
  for (const { length, offset } of spans) {
    writeVarbitUint(bits, length);
    writeVarbitInt(bits, offset);
  }
}

/** The largest thousandth that is stored as an integer. */
const MAX_THOUSANDTHS = 33554430;

function writeCustomBounds(bits: BitWriter, bounds: readonly number[]): void {
  writeVarbitUint(bits, bounds.length);
  for (const bound of bounds) {
    const thousandths = bound * 1000;
    const rounded = Math.round(thousandths);
    if (thousandths >= 0 && thousandths <= MAX_THOUSANDTHS && rounded / 1000 === bound) {
      writeVarbitUint(bits, rounded + 1);
    } else {
      bits.bits(0, 1);
      writeDouble(bits, bound);
    }
  }
}

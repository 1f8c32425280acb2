// Native histograms in a write-ahead log. In front of each stands what record.ts says of samples (base and Δ in types 7 to 10,
// the start timestamps' form in 12 and 13), then, counts and buckets as integers or all of them as f64:
//
//   ┌─────────┬───────────────┬────────────────────┬────────────┬───────┬─────────┬───────────────┬────────────────┬────────┐
//   │ hint u8 │ schema varint │ zero threshold f64 │ zero count │ count │ sum f64 │ spans + and - │ buckets + and - │ bounds │
//   └─────────┴───────────────┴────────────────────┴────────────┴───────┴─────────┴───────────────┴────────────────┴────────┘
//
//   spans     count uvarint │ {offset varint, length uvarint}…      buckets   count uvarint │ {Δ varint, or f64}…
//   bounds    only with schema -53: count uvarint │ f64…
//
// Those with custom bounds go into records of their own; the base of a record of the others is still the first of the batch.

import type { ByteReader } from '../../bytes/reader.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import { Fault } from '../../errors/fault.ts';
import {
  type BucketSpan,
  bucketSpansProblem,
  type CounterResetHint,
  CUSTOM_BOUNDS_SCHEMA,
  type Histogram,
} from '../../model/histogram.ts';
import { readTime, StartReader, StartWriter, writeTime } from './item-times.ts';
import { RecordType } from './record-type.ts';

export interface WalHistogram {
  readonly ref: number;
  readonly time: number;
  /** Start timestamp, 0 for none; undefined where they are not stored. */
  readonly start?: number;
  readonly histogram: Histogram;
}

/** By the number in the record. */
const hints: readonly CounterResetHint[] = ['unknown', 'reset', 'not-reset', 'gauge'];

const bits = new DataView(new ArrayBuffer(8));

/** What follows the type byte of a record of one of the types 7 to 10, 12 and 13. */
export function decodeHistogramRecord(type: number, reader: ByteReader): WalHistogram[] {
  const isFloat =
    type === RecordType.floatHistograms ||
    type === RecordType.customFloatHistograms ||
    type === RecordType.floatHistogramsWithStarts;
  const items: WalHistogram[] = [];
  if (reader.atEnd) return items;
  if (type === RecordType.histogramsWithStarts || type === RecordType.floatHistogramsWithStarts) {
    const item = new StartReader(reader);
    while (!reader.atEnd) {
      item.read();
      items.push({ ref: item.ref, time: item.time, start: item.start, histogram: readHistogram(reader, isFloat) });
    }
    return items;
  }
  const baseRef = reader.be64();
  const baseTime = readTime(reader);
  while (!reader.atEnd) {
    const ref = baseRef + reader.varint();
    const time = baseTime + reader.varint();
    items.push({ ref, time, histogram: readHistogram(reader, isFloat) });
  }
  return items;
}

/**
 * One record for each kind there is among the histograms, integers before floats, custom bounds after the others. They go
 * into the newer records when the first one has a start timestamp, be it 0; all of them must then.
 */
export function encodeHistogramRecords(histograms: readonly WalHistogram[]): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (const kind of ['integer', 'float'] as const) {
    const batch = histograms.filter(({ histogram }) => histogram.kind === kind);
    if (batch.length === 0) continue;
    const isFloat = kind === 'float';
    if (batch[0].start !== undefined) {
      records.push(withStarts(isFloat, batch));
      continue;
    }
    const isCustom = ({ histogram }: WalHistogram): boolean => histogram.schema === CUSTOM_BOUNDS_SCHEMA;
    const custom = batch.filter(isCustom);
    if (custom.length < batch.length) {
      const type = isFloat ? RecordType.floatHistograms : RecordType.histograms;
      records.push(
        withBase(
          type,
          batch[0],
          batch.filter((one) => !isCustom(one)),
        ),
      );
    }
    if (custom.length > 0) {
      const type = isFloat ? RecordType.customFloatHistograms : RecordType.customHistograms;
      records.push(withBase(type, custom[0], custom));
    }
  }
  return records;
}

function withBase(type: number, base: WalHistogram, batch: readonly WalHistogram[]): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.u8(type);
  writer.be64(base.ref);
  writeTime(writer, base.time);
  for (const { ref, time, histogram } of batch) {
    writer.varint(ref - base.ref);
    writer.varint(time - base.time);
    writeHistogram(writer, histogram);
  }
  return writer.copy();
}

function withStarts(isFloat: boolean, batch: readonly WalHistogram[]): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.u8(isFloat ? RecordType.floatHistogramsWithStarts : RecordType.histogramsWithStarts);
  const item = new StartWriter(writer);
  for (const { ref, time, start = 0, histogram } of batch) {
    item.write(ref, time, start);
    writeHistogram(writer, histogram);
  }
  return writer.copy();
}

function readHistogram(reader: ByteReader, isFloat: boolean): Histogram {
  const hint = hints[reader.u8()];
  if (hint === undefined) throw new Fault('corrupt', 'histogram of a record has an unknown counter reset hint');
  const schema = reader.varint();
  const zeroThreshold = reader.f64();
  const count = (): number => (isFloat ? reader.f64() : reader.uvarint());
  const zeroCount = count();
  const total = count();
  const sumHigh = reader.be32();
  const sumLow = reader.be32();
  bits.setUint32(0, sumHigh);
  bits.setUint32(4, sumLow);
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const shared = {
    hint,
    schema,
    zeroThreshold,
    zeroCount,
    count: total,
    sum: bits.getFloat64(0),
    sumHigh,
    sumLow,
    positiveSpans,
    negativeSpans,
  };
  const histogram: Histogram = isFloat
    ? {
        ...shared,
        kind: 'float',
        positiveCounts: Float64Array.from(readDoubles(reader)),
        negativeCounts: Float64Array.from(readDoubles(reader)),
        customValues: readBounds(reader, schema),
      }
    : {
        ...shared,
        kind: 'integer',
        positiveDeltas: readDeltas(reader),
        negativeDeltas: readDeltas(reader),
        customValues: readBounds(reader, schema),
      };
  const problem = bucketSpansProblem(histogram);
  if (problem !== undefined) throw new Fault('corrupt', `histogram of a record ${problem}`);
  return histogram;
}

function writeHistogram(writer: ByteWriter, histogram: Histogram): void {
  writer.u8(hints.indexOf(histogram.hint));
  writer.varint(histogram.schema);
  writer.f64(histogram.zeroThreshold);
  for (const count of [histogram.zeroCount, histogram.count]) {
    if (histogram.kind === 'float') writer.f64(count);
    else writer.uvarint(count);
  }
  writer.be32(histogram.sumHigh);
  writer.be32(histogram.sumLow);
  for (const spans of [histogram.positiveSpans, histogram.negativeSpans]) {
    writer.uvarint(spans.length);
    for (const { offset, length } of spans) {
      writer.varint(offset);
      writer.uvarint(length);
    }
  }
  if (histogram.kind === 'float') {
    for (const counts of [histogram.positiveCounts, histogram.negativeCounts]) writeDoubles(writer, counts);
  } else {
    for (const deltas of [histogram.positiveDeltas, histogram.negativeDeltas]) {
      writer.uvarint(deltas.length);
      for (const delta of deltas) writer.varint(delta);
    }
  }
  if (histogram.schema === CUSTOM_BOUNDS_SCHEMA) writeDoubles(writer, histogram.customValues);
}

function readSpans(reader: ByteReader): BucketSpan[] {
  const spans: BucketSpan[] = [];
  for (let left = countOf(reader, 2); left > 0; left--)
    spans.push({ offset: reader.varint(), length: reader.uvarint() });
  return spans;
}

function readDeltas(reader: ByteReader): number[] {
  const deltas: number[] = [];
  for (let left = countOf(reader, 1); left > 0; left--) deltas.push(reader.varint());
  return deltas;
}

function readDoubles(reader: ByteReader): number[] {
  const doubles: number[] = [];
  for (let left = countOf(reader, 8); left > 0; left--) doubles.push(reader.f64());
  return doubles;
}

function readBounds(reader: ByteReader, schema: number): number[] {
  return schema === CUSTOM_BOUNDS_SCHEMA ? readDoubles(reader) : [];
}

function writeDoubles(writer: ByteWriter, doubles: ArrayLike<number>): void {
  writer.uvarint(doubles.length);
  for (let i = 0; i < doubles.length; i++) writer.f64(doubles[i]);
}

/** A count of items, of so many bytes at least. */
function countOf(reader: ByteReader, itemBytes: number): number {
  const count = reader.uvarint();
  if (count * itemBytes > reader.remaining) {
    throw new Fault('corrupt', `histogram of a record says ${count} items in ${reader.remaining} bytes`);
  }
  return count;
}

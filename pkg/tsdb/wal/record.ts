// What a write-ahead log says, record by record: a type byte and then, big-endian,
//
//    1 series        {ref u64, labels}…                          5 mmap markers  {ref u64, chunk reference u64}…
//    2 samples       base, {Δref, Δt, value f64}…                6 metadata      {ref uvarint, type u8, fields}…
//    3 tombstones    {ref u64, mint varint, maxt varint}…        7 to 10         histograms, see histogram-record.ts
//    4 exemplars     base, {Δref, Δt, value f64, labels}…       11 to 13        samples and histograms with start timestamps
//
//    base     ref u64 │ t u64, of the first item; Δ are varints from the base, for the first item too
//    labels   count uvarint │ {name, value}…, fields likewise; texts are a uvarint length and UTF-8
//   11        first item ref varint │ t varint │ start varint │ value; later ones Δref from the item before │ Δt from the
//             first │ marker u8 (0 no start, 1 that of the item before, 2 and a varint from the first one's) │ value
//
// A record of an unknown type is skipped by whoever replays the log, as the reference does.

import { ByteReader } from '../../bytes/reader.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import { Fault } from '../../errors/fault.ts';
import { Labels } from '../../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../../model/time.ts';
import { decodeHistogramRecord, type WalHistogram } from './histogram-record.ts';
import { readTime, StartReader, StartWriter, writeTime } from './item-times.ts';
import { RecordType } from './record-type.ts';
import { WalSamples } from './wal-samples.ts';

export interface WalSeries {
  /** The number by which the other records call the series. */
  readonly ref: number;
  readonly labels: Labels;
}

/** Both ends inclusive, ms. */
export interface WalTombstone {
  readonly ref: number;
  readonly minTime: number;
  readonly maxTime: number;
}

export interface WalExemplar {
  readonly ref: number;
  readonly time: number;
  readonly value: number;
  readonly labels: Labels;
}

/** In a log of late samples: from here on a chunk on disk holds what the log said of the series. */
export interface WalMmapMarker {
  readonly ref: number;
  readonly chunkRef: number;
}

export interface WalMetadata {
  readonly ref: number;
  /** 0 unknown, 1 counter, 2 gauge, 3 histogram, 4 gauge histogram, 5 summary, 6 info, 7 stateset. */
  readonly type: number;
  readonly unit: string;
  readonly help: string;
}

export type WalRecord =
  | { readonly kind: 'series'; readonly series: readonly WalSeries[] }
  | { readonly kind: 'samples'; readonly samples: WalSamples }
  | { readonly kind: 'histograms'; readonly histograms: readonly WalHistogram[] }
  | { readonly kind: 'exemplars'; readonly exemplars: readonly WalExemplar[] }
  | { readonly kind: 'tombstones'; readonly tombstones: readonly WalTombstone[] }
  | { readonly kind: 'metadata'; readonly metadata: readonly WalMetadata[] }
  | { readonly kind: 'mmap-markers'; readonly markers: readonly WalMmapMarker[] }
  | { readonly kind: 'unknown'; readonly type: number };

/** Decodes a record; nothing of the answer borrows from `bytes`. `corrupt` when it contradicts its format. */
export function decodeRecord(bytes: Uint8Array): WalRecord {
  const reader = new ByteReader(bytes);
  const type = reader.u8();
  switch (type) {
    case RecordType.series:
      return { kind: 'series', series: readItems(reader, () => ({ ref: reader.be64(), labels: readLabels(reader) })) };
    case RecordType.samples:
      return { kind: 'samples', samples: readSamples(reader) };
    case RecordType.samplesWithStarts:
      return { kind: 'samples', samples: readSamplesWithStarts(reader) };
    case RecordType.tombstones:
      return { kind: 'tombstones', tombstones: readItems(reader, () => readTombstone(reader)) };
    case RecordType.exemplars:
      return { kind: 'exemplars', exemplars: readExemplars(reader) };
    case RecordType.mmapMarkers:
      return {
        kind: 'mmap-markers',
        markers: readItems(reader, () => ({ ref: reader.be64(), chunkRef: reader.be64() })),
      };
    case RecordType.metadata:
      return { kind: 'metadata', metadata: readItems(reader, () => readMetadata(reader)) };
    case RecordType.histograms:
    case RecordType.floatHistograms:
    case RecordType.customHistograms:
    case RecordType.customFloatHistograms:
    case RecordType.histogramsWithStarts:
    case RecordType.floatHistogramsWithStarts:
      return { kind: 'histograms', histograms: decodeHistogramRecord(type, reader) };
    default:
      return { kind: 'unknown', type };
  }
}

export function encodeSeriesRecord(series: readonly WalSeries[]): Uint8Array {
  const writer = recordWriter(RecordType.series);
  for (const { ref, labels } of series) {
    writer.be64(ref);
    writeLabels(writer, labels);
  }
  return writer.copy();
}

/** With start timestamps where `samples` has them. */
export function encodeSamplesRecord(samples: WalSamples): Uint8Array {
  const { refs, times, words, starts, length } = samples;
  const writer = recordWriter(starts === undefined ? RecordType.samples : RecordType.samplesWithStarts);
  const startTimes = starts === undefined ? undefined : new StartWriter(writer);
  if (startTimes === undefined && length > 0) writeBase(writer, refs[0], times[0]);
  for (let i = 0; i < length; i++) {
    if (startTimes === undefined) {
      writer.varint(refs[i] - refs[0]);
      writer.varint(times[i] - times[0]);
    } else {
      startTimes.write(refs[i], times[i], starts![i]);
    }
    writer.be32(words[2 * i + 1]);
    writer.be32(words[2 * i]);
  }
  return writer.copy();
}

export function encodeTombstonesRecord(tombstones: readonly WalTombstone[]): Uint8Array {
  const writer = recordWriter(RecordType.tombstones);
  for (const { ref, minTime, maxTime } of tombstones) {
    writer.be64(ref);
    for (const time of [minTime, maxTime]) {
      if (time >= MAX_TIME) writer.varintBig(2n ** 63n - 1n);
      else writer.varintBig(time <= MIN_TIME ? -(2n ** 63n) : BigInt(time));
    }
  }
  return writer.copy();
}

export function encodeExemplarsRecord(exemplars: readonly WalExemplar[]): Uint8Array {
  const writer = recordWriter(RecordType.exemplars);
  if (exemplars.length === 0) return writer.copy();
  const [first] = exemplars;
  writeBase(writer, first.ref, first.time);
  for (const { ref, time, value, labels } of exemplars) {
    writer.varint(ref - first.ref);
    writer.varint(time - first.time);
    writer.f64(value);
    writeLabels(writer, labels);
  }
  return writer.copy();
}

export function encodeMetadataRecord(metadata: readonly WalMetadata[]): Uint8Array {
  const writer = recordWriter(RecordType.metadata);
  for (const { ref, type, unit, help } of metadata) {
    writer.uvarint(ref);
    writer.u8(type);
    writer.uvarint(2);
    for (const text of ['UNIT', unit, 'HELP', help]) writer.str(text);
  }
  return writer.copy();
}

export function encodeMmapMarkersRecord(markers: readonly WalMmapMarker[]): Uint8Array {
  const writer = recordWriter(RecordType.mmapMarkers);
  for (const { ref, chunkRef } of markers) {
    writer.be64(ref);
    writer.be64(chunkRef);
  }
  return writer.copy();
}

function recordWriter(type: number): ByteWriter {
  const writer = new ByteWriter(1024);
  writer.u8(type);
  return writer;
}

function writeBase(writer: ByteWriter, ref: number, time: number): void {
  writer.be64(ref);
  writeTime(writer, time);
}

function writeLabels(writer: ByteWriter, labels: Labels): void {
  writer.uvarint(labels.size);
  for (const text of labels.flat) writer.str(text);
}

function readItems<T>(reader: ByteReader, readItem: () => T): T[] {
  const items: T[] = [];
  while (!reader.atEnd) items.push(readItem());
  return items;
}

/** Sorted whatever their order: those of an exemplar come as they were given. */
function readLabels(reader: ByteReader): Labels {
  const count = reader.uvarint();
  // A label takes two bytes at least.
  if (count * 2 > reader.remaining) {
    throw new Fault('corrupt', `${count} labels are said to be in ${reader.remaining} bytes`);
  }
  const pairs: [name: string, value: string][] = [];
  for (let i = 0; i < count; i++) pairs.push([reader.str(), reader.str()]);
  return Labels.from(pairs);
}

function readSamples(reader: ByteReader): WalSamples {
  // A sample takes ten bytes at least.
  const samples = new WalSamples(Math.floor(reader.remaining / 10));
  if (reader.atEnd) return samples;
  const baseRef = reader.be64();
  const baseTime = readTime(reader);
  while (!reader.atEnd) {
    const ref = baseRef + reader.varint();
    const time = baseTime + reader.varint();
    const high = reader.be32();
    samples.push(ref, time, high, reader.be32());
  }
  return samples;
}

function readSamplesWithStarts(reader: ByteReader): WalSamples {
  const samples = new WalSamples(Math.floor(reader.remaining / 11), true);
  const item = new StartReader(reader);
  while (!reader.atEnd) {
    item.read();
    const high = reader.be32();
    samples.push(item.ref, item.time, high, reader.be32(), item.start);
  }
  return samples;
}

function readTombstone(reader: ByteReader): WalTombstone {
  const ref = reader.be64();
  // Deletions may reach to the limits of 64 bits.
  const minTime = Number(reader.varintBig());
  const maxTime = Number(reader.varintBig());
  if (maxTime < minTime) throw new Fault('corrupt', `tombstone of series ${ref} ends before it starts`);
  return { ref, minTime, maxTime };
}

function readExemplars(reader: ByteReader): WalExemplar[] {
  if (reader.atEnd) return [];
  const baseRef = reader.be64();
  const baseTime = readTime(reader);
  return readItems(reader, () => ({
    ref: baseRef + reader.varint(),
    time: baseTime + reader.varint(),
    value: reader.f64(),
    labels: readLabels(reader),
  }));
}

function readMetadata(reader: ByteReader): WalMetadata {
  const ref = reader.uvarint();
  const type = reader.u8();
  const fields = new Map<string, string>();
  for (let left = reader.uvarint(); left > 0; left--) {
    const key = reader.str();
    fields.set(key, reader.str());
  }
  return { ref, type, unit: fields.get('UNIT') ?? '', help: fields.get('HELP') ?? '' };
}

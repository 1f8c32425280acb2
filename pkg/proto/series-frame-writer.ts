// Writes the frames of a Series answer straight into bytes; the layout is in series-frame.ts. Lengths come before what
// they count, so a series is measured first and then written once; a label equal to the one in the same place of the
// series before is copied, not encoded.
//
//   frame of a batch   22 length { 0a length Series }...     up to `batchSize` series or about `frameBytes`
//   single frame       0a length Series

import { slabs } from '../bytes/slabs.ts';
import type { Labels } from '../model/labels.ts';
import { LabelsWriter } from './labels-writer.ts';
import { seriesResponseCodec } from './store-service.ts';
import { int64Size, varintSize, writeInt64, writeVarint } from './wire.ts';

/** Chunks as columns; pkg/store/chunk-table.ts says what is in them. */
export interface ChunkColumns {
  readonly minTimes: Float64Array;
  readonly maxTimes: Float64Array;
  readonly firstPart: Uint32Array;
  readonly partAggregate: Uint8Array;
  readonly partEncoding: Uint8Array;
  readonly partOffset: Uint32Array;
  readonly partLength: Uint32Array;
  readonly bytes: Uint8Array;
  /** A view of `bytes`, where there is one already. */
  readonly view?: DataView;
}

/** Chunks [from, to) of a table. */
export interface ChunkRange {
  readonly table: ChunkColumns;
  readonly from: number;
  readonly to: number;
}

/** Room for the tag and length of a batch, which are known last. */
const HEADER_BYTES = 6;
/** Below this a loop beats a call into the runtime, which makes a view that must be collected again. */
const SHORT_COPY_BYTES = 512;

export class SeriesFrameWriter {
  readonly #batchSize: number;
  readonly #frameBytes: number;
  readonly #labels = new LabelsWriter();
  /** Of the chunks of the series being added: measured once, written once. */
  #sizes = new Uint32Array(256);
  #buffer: Buffer = Buffer.alloc(0);
  /** Of the buffer, to copy by. */
  #target = viewOf(this.#buffer);
  #position = HEADER_BYTES;
  #seriesCount = 0;
  #expectedBytes = 4096;

  /** A batch size below 2 makes frames of one series. A frame is full from `frameBytes` on, whatever it holds. */
  constructor(batchSize: number, frameBytes = 1 << 20) {
    this.#batchSize = batchSize;
    this.#frameBytes = frameBytes;
  }

  /** Whether there is nothing to take. */
  get isEmpty(): boolean {
    return this.#seriesCount === 0;
  }

  /** Adds a series; true when the frame is full and must be taken before the next. */
  add(labels: Labels, chunks: readonly ChunkRange[]): boolean {
    this.#labels.set(labels);
    return this.#add(this.#labels.bytes, this.#labels.length, chunks);
  }

  /** The same with labels that are encoded already: every label with its tag `0a` and length, in order. */
  addEncoded(labels: Uint8Array, chunks: readonly ChunkRange[]): boolean {
    return this.#add(labels, labels.length, chunks);
  }

  /** The frame so far, the caller's to keep or to give back to `slabs`; the next begins. Not to be called when empty. */
  take(): Buffer {
    let start = HEADER_BYTES;
    if (this.#batchSize >= 2) {
      const length = this.#position - HEADER_BYTES;
      start -= 1 + varintSize(length);
      this.#buffer[start] = 0x22;
      writeVarint(this.#buffer, start + 1, length);
    }
    const frame = this.#buffer.subarray(start, this.#position);
    this.#expectedBytes = Math.min(this.#position + (this.#position >>> 3), this.#frameBytes * 2);
    this.#buffer = Buffer.alloc(0);
    this.#position = HEADER_BYTES;
    this.#seriesCount = 0;
    return frame;
  }

  #add(labels: Uint8Array, labelsLength: number, chunks: readonly ChunkRange[]): boolean {
    let length = labelsLength;
    let count = 0;
    for (const { table, from, to } of chunks) {
      if (count + to - from > this.#sizes.length) this.#growSizes(count, to - from);
      const sizes = this.#sizes;
      for (let i = from; i < to; i++) {
        const size = chunkSize(table, i);
        sizes[count++] = size;
        length += 1 + varintSize(size) + size;
      }
    }
    this.#reserve(1 + varintSize(length) + length);
    const buffer = this.#buffer;
    const target = this.#target;
    const sizes = this.#sizes;
    let position = this.#position;
    buffer[position++] = 0x0a;
    position = writeVarint(buffer, position, length);
    buffer.set(labels.length === labelsLength ? labels : labels.subarray(0, labelsLength), position);
    position += labelsLength;
    count = 0;
    for (const { table, from, to } of chunks) {
      const source = table.view ?? viewOf(table.bytes);
      for (let i = from; i < to; i++) position = writeChunk(buffer, target, position, table, source, i, sizes[count++]);
    }
    this.#position = position;
    this.#seriesCount++;
    return this.#seriesCount >= this.#batchSize || position >= this.#frameBytes;
  }

  #growSizes(count: number, more: number): void {
    const larger = new Uint32Array((count + more) * 2);
    larger.set(this.#sizes.subarray(0, count));
    this.#sizes = larger;
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed <= this.#buffer.length) return;
    const isFirst = this.#seriesCount === 0;
    const capacity = this.#batchSize < 2 ? needed : Math.max(needed, isFirst ? this.#expectedBytes : needed * 2);
    const larger = slabs.lend(capacity);
    if (!isFirst) {
      this.#buffer.copy(larger, HEADER_BYTES, HEADER_BYTES, this.#position);
      slabs.giveBack(this.#buffer);
    }
    this.#buffer = larger;
    this.#target = viewOf(larger);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A frame that carries a warning. */
export function warningFrame(warning: string): Buffer {
  return seriesResponseCodec.encode({ warning });
}

function chunkSize(table: ChunkColumns, i: number): number {
  const minTime = table.minTimes[i];
  const maxTime = table.maxTimes[i];
  let size = (minTime === 0 ? 0 : 1 + int64Size(minTime)) + (maxTime === 0 ? 0 : 1 + int64Size(maxTime));
  for (let part = table.firstPart[i]; part < table.firstPart[i + 1]; part++) {
    const inner = partSize(table, part);
    size += 1 + varintSize(inner) + inner;
  }
  return size;
}

function partSize(table: ChunkColumns, part: number): number {
  const length = table.partLength[part];
  const data = length === 0 ? 0 : 1 + varintSize(length) + length;
  return table.partEncoding[part] <= 1 ? data : data + 1 + varintSize(table.partEncoding[part] - 1);
}

function writeChunk(
  buffer: Buffer,
  target: DataView,
  start: number,
  table: ChunkColumns,
  source: DataView,
  i: number,
  size: number,
): number {
  let position = start;
  buffer[position++] = 0x12;
  position = writeVarint(buffer, position, size);
  const minTime = table.minTimes[i];
  const maxTime = table.maxTimes[i];
  if (minTime !== 0) {
    buffer[position++] = 0x08;
    position = writeInt64(buffer, position, minTime);
  }
  if (maxTime !== 0) {
    buffer[position++] = 0x10;
    position = writeInt64(buffer, position, maxTime);
  }
  for (let part = table.firstPart[i]; part < table.firstPart[i + 1]; part++) {
    buffer[position++] = ((table.partAggregate[part] + 3) << 3) | 2;
    position = writeVarint(buffer, position, partSize(table, part));
    if (table.partEncoding[part] > 1) {
      buffer[position++] = 0x08;
      position = writeVarint(buffer, position, table.partEncoding[part] - 1);
    }
    const length = table.partLength[part];
    if (length === 0) continue;
    buffer[position++] = 0x12;
    position = writeVarint(buffer, position, length);
    const offset = table.partOffset[part];
    if (length < SHORT_COPY_BYTES) copyShort(source, offset, length, target, position);
    else buffer.set(table.bytes.subarray(offset, offset + length), position);
    position += length;
  }
  return position;
}

function copyShort(source: DataView, offset: number, length: number, target: DataView, position: number): void {
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    target.setInt32(position + i, source.getInt32(offset + i));
    target.setInt32(position + i + 4, source.getInt32(offset + i + 4));
  }
  for (; i < length; i++) target.setUint8(position + i, source.getUint8(offset + i));
}

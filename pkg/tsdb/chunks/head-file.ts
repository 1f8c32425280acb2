// Chunks that Prometheus moved out of memory before their block is cut, in `chunks_head/000001` and so on:
//
//   ┌──────────────┬────┬──────────┬────────────────────────────────────────────────────────────────────────────┬───┐
//   │ 0130BC91 u32 │ 01 │ 00 00 00 │ series ref u64 │ mint i64 │ maxt i64 │ encoding u8 │ size uvarint │ data │ crc32c u32 │ … │
//   └──────────────┴────┴──────────┴────────────────────────────────────────────────────────────────────────────┴───┘
//
// Bit 7 of the encoding says that the samples came late. The checksum is over everything before it in its entry. Zeros may
// fill the end of a file. A chunk's reference is the file's number << 32 | offset of its entry.

import type { ByteSink } from '../../bytes/byte-sink.ts';
import type { ByteSource } from '../../bytes/byte-source.ts';
import { ByteReader } from '../../bytes/reader.ts';
import { ByteWriter } from '../../bytes/writer.ts';
import { Fault } from '../../errors/fault.ts';

const MAGIC = 0x0130bc91;
const VERSION = 1;
const HEADER_BYTES = 8;
/** Up to the size field, which takes five more at most. */
const ENTRY_HEAD_BYTES = 25;
const MAX_SIZE_BYTES = 5;
const CHECKSUM_BYTES = 4;
const LATE_FLAG = 0x80;

export const MAX_HEAD_FILE_BYTES = 128 * 1024 * 1024;

export interface HeadChunk {
  readonly seriesRef: number;
  /** Both inclusive, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly encoding: number;
  /** Its samples came late. */
  readonly isLate: boolean;
  readonly data: Uint8Array;
}

/** Where an entry of a head file lies. */
export interface StoredHeadChunk extends HeadChunk {
  readonly offset: number;
}

/**
 * The chunks of one file in the order they were written; data is good until the next one is asked for. `corrupt` for what
 * is no such file and for a damaged entry, after those before it.
 */
export function* readHeadFile(source: ByteSource): Generator<StoredHeadChunk> {
  const size = source.sizeBytes;
  // A file that was just made has no header yet.
  if (size === 0) return;
  const head = new ByteReader(source.read(0, Math.min(size, HEADER_BYTES)));
  const magic = head.be32();
  if (magic !== MAGIC) throw new Fault('corrupt', `head chunk file starts with ${magic.toString(16)}, not 130bc91`);
  const version = head.u8();
  if (version !== VERSION) throw new Fault('corrupt', `head chunk file has unknown version ${version}`);
  let at = HEADER_BYTES;
  while (at < size) {
    const most = Math.min(size - at, ENTRY_HEAD_BYTES + MAX_SIZE_BYTES);
    const bytes = source.read(at, most);
    if (bytes.every((byte) => byte === 0)) {
      checkZeros(source, at);
      return;
    }
    const entry = readEntry(source, at, bytes);
    yield entry.chunk;
    at = entry.end;
  }
}

function readEntry(source: ByteSource, at: number, head: Uint8Array): { chunk: StoredHeadChunk; end: number } {
  const reader = new ByteReader(head);
  const seriesRef = reader.be64();
  const minTime = signed(reader);
  const maxTime = signed(reader);
  const encoding = reader.u8();
  const length = reader.uvarint();
  const dataAt = reader.offset;
  const end = at + dataAt + length + CHECKSUM_BYTES;
  if (end > source.sizeBytes) throw new Fault('corrupt', `head chunk at ${at} reaches past the end of its file`);
  const bytes = source.read(at, end - at);
  const whole = new ByteReader(bytes);
  whole.seek(dataAt + length);
  whole.checksum(`head chunk at ${at}`, 0, dataAt + length);
  if (maxTime < minTime) throw new Fault('corrupt', `head chunk at ${at} ends before it starts`);
  const chunk = {
    seriesRef,
    minTime,
    maxTime,
    encoding: encoding & ~LATE_FLAG,
    isLate: (encoding & LATE_FLAG) !== 0,
    data: bytes.subarray(dataAt, dataAt + length),
    offset: at,
  };
  return { chunk, end };
}

/** Writes one file. */
export class HeadFileWriter {
  readonly #sink: ByteSink;
  readonly #entry = new ByteWriter(1024);
  #sizeBytes = HEADER_BYTES;

  constructor(sink: ByteSink) {
    this.#sink = sink;
    this.#entry.be32(MAGIC);
    this.#entry.u8(VERSION);
    this.#entry.pad(HEADER_BYTES);
    sink.write(this.#entry.written);
  }

  /** Appends a chunk and gives the offset of its entry; undefined, and nothing is done, when the file is full. */
  add({ seriesRef, minTime, maxTime, encoding, isLate, data }: HeadChunk): number | undefined {
    if (this.#sizeBytes + ENTRY_HEAD_BYTES + MAX_SIZE_BYTES + data.length + CHECKSUM_BYTES > MAX_HEAD_FILE_BYTES) {
      return undefined;
    }
    const offset = this.#sizeBytes;
    const entry = this.#entry;
    entry.clear();
    entry.be64(seriesRef);
    entry.be64Big(BigInt(minTime));
    entry.be64Big(BigInt(maxTime));
    entry.u8(encoding | (isLate ? LATE_FLAG : 0));
    entry.uvarint(data.length);
    entry.bytes(data);
    entry.checksum(0);
    this.#sink.write(entry.written);
    this.#sizeBytes += entry.length;
    return offset;
  }
}

function signed(reader: ByteReader): number {
  const high = reader.be32() | 0;
  const time = high * 2 ** 32 + reader.be32();
  if (!Number.isSafeInteger(time)) throw new Fault('corrupt', `head chunk has the time ${time}`);
  return time;
}

/** `corrupt` unless there are only zeros from `offset` on. */
function checkZeros(source: ByteSource, offset: number): void {
  const step = 64 * 1024;
  for (let at = offset; at < source.sizeBytes; at += step) {
    const bytes = source.read(at, Math.min(step, source.sizeBytes - at));
    if (bytes.some((byte) => byte !== 0))
      throw new Fault('corrupt', `head chunk file has bytes behind its end at ${offset}`);
  }
}

// Reads the frames of a streamed remote-read answer without an object for a chunk, as series-frame.ts does.
//
//   frame                length uvarint │ CRC-32C of the message u32 big-endian │ message, a ChunkedReadResponse
//
//   ChunkedReadResponse  1 series, repeated │ 2 query index int64
//   ChunkedSeries        1 label, repeated │ 2 chunk, repeated
//   Chunk                1 min time int64 │ 2 max time int64 │ 3 encoding enum (block format number) │ 4 data bytes

import { crc32c } from '../bytes/crc32c.ts';
import { MAX_VARINT_BYTES, writeUvarint } from '../bytes/varint.ts';
import { Fault } from '../errors/fault.ts';
import type { Labels } from '../model/labels.ts';
import { LabelsReader } from './labels-reader.ts';
import type { ChunkSink } from './series-frame.ts';
import type { StringInterner } from './string-interner.ts';
import { LENGTH_DELIMITED, VARINT, WireReader } from './wire.ts';

const TAG_1_BYTES = (1 << 3) | LENGTH_DELIMITED;
const TAG_2_BYTES = (2 << 3) | LENGTH_DELIMITED;
const TAG_4_BYTES = (4 << 3) | LENGTH_DELIMITED;
const TAG_1_VARINT = (1 << 3) | VARINT;
const TAG_2_VARINT = (2 << 3) | VARINT;
const TAG_3_VARINT = (3 << 3) | VARINT;

const CRC_BYTES = 4;

/** An encoded ChunkedReadResponse with what goes before it in a stream; the bytes are new. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(MAX_VARINT_BYTES + CRC_BYTES + message.length);
  const at = writeUvarint(frame, 0, message.length);
  new DataView(frame.buffer).setUint32(at, crc32c(message));
  frame.set(message, at + CRC_BYTES);
  return frame.subarray(0, at + CRC_BYTES + message.length);
}

export class ChunkedReadFrameReader {
  readonly #labels: LabelsReader;

  constructor(interner: StringInterner) {
    this.#labels = new LabelsReader(interner);
  }

  /**
   * Gives every chunk to `chunks` (as raw, offsets into `frame`) and ends each series with `series`. Returns the query
   * index. Throws `corrupt` for bytes that are no frame; the sinks may have got some of it then.
   */
  read(frame: Uint8Array, chunks: ChunkSink, series: (labels: Labels) => void): number {
    const reader = new WireReader(frame);
    this.#labels.reset();
    let queryIndex = 0;
    while (reader.position < reader.end) {
      const tag = reader.uint32();
      if (tag === TAG_1_BYTES) series(this.#series(reader, reader.fieldEnd(reader.end), chunks));
      else if (tag === TAG_2_VARINT) queryIndex = reader.int64();
      else reader.skip(tag & 7, reader.end);
    }
    return queryIndex;
  }

  #series(reader: WireReader, end: number, chunks: ChunkSink): Labels {
    const labels = this.#labels;
    labels.begin();
    while (reader.position < end) {
      const tag = reader.uint32();
      if (tag === TAG_1_BYTES) labels.read(reader, reader.fieldEnd(end));
      else if (tag === TAG_2_BYTES) readChunk(reader, reader.fieldEnd(end), chunks);
      else reader.skip(tag & 7, end);
    }
    if (reader.position !== end) throw new Fault('corrupt', 'field reaches beyond its message');
    return labels.finish();
  }
}

function readChunk(reader: WireReader, end: number, chunks: ChunkSink): void {
  let minTime = 0;
  let maxTime = 0;
  let encoding = 0;
  let offset = reader.position;
  let length = 0;
  while (reader.position < end) {
    const tag = reader.uint32();
    if (tag === TAG_1_VARINT) minTime = reader.int64();
    else if (tag === TAG_2_VARINT) maxTime = reader.int64();
    else if (tag === TAG_3_VARINT) encoding = reader.uint32();
    else if (tag === TAG_4_BYTES) {
      const stop = reader.fieldEnd(end);
      offset = reader.position;
      length = stop - offset;
      reader.position = stop;
    } else reader.skip(tag & 7, end);
  }
  if (reader.position !== end) throw new Fault('corrupt', 'field reaches beyond its message');
  if (encoding > 254) throw new Fault('corrupt', `chunk encoding ${encoding}`);
  chunks.chunk(minTime, maxTime);
  chunks.refer(0, encoding, offset, length);
}

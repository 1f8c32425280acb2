// Reads the frames of a Series answer without an object for a chunk: labels as interned strings, chunk bytes as places
// in the frame.
//
//   SeriesResponse  1 series │ 2 warning string │ 3 hints Any │ 4 batch { 1 series, repeated }
//   Series          1 label, repeated │ 2 chunk, repeated
//   AggrChunk       1 min time int64 │ 2 max time int64 │ 3 raw, 4 count, 5 sum, 6 min, 7 max, 8 counter: Chunk
//   Chunk           1 encoding enum (block format number - 1) │ 2 data bytes │ 3 hash uint64

import { Fault } from '../errors/fault.ts';
import type { Labels } from '../model/labels.ts';
import type { Any } from './any.ts';
import { LabelsReader } from './labels-reader.ts';
import { seriesResponseCodec } from './store-service.ts';
import type { StringInterner } from './string-interner.ts';
import { LENGTH_DELIMITED, VARINT, WireReader } from './wire.ts';

/** Takes chunks. `offset` counts in the bytes of the frame. */
export interface ChunkSink {
  /** Begins a chunk; times are inclusive. */
  chunk(minTime: number, maxTime: number): void;
  /** A part of the chunk begun last: aggregate number of the wire (0 raw), encoding number of the block format. */
  refer(aggregate: number, encoding: number, offset: number, length: number): void;
}

/** Takes the rest of a frame. */
export interface SeriesSink {
  /** Ends a series: the chunks given since the last one are its own. */
  series(labels: Labels): void;
  warning(text: string): void;
  hints(hints: Any): void;
}

const AGGREGATES = 6;
const TAG_1_BYTES = (1 << 3) | LENGTH_DELIMITED;
const TAG_2_BYTES = (2 << 3) | LENGTH_DELIMITED;
const TAG_4_BYTES = (4 << 3) | LENGTH_DELIMITED;
const TAG_1_VARINT = (1 << 3) | VARINT;
const TAG_2_VARINT = (2 << 3) | VARINT;

/** Reads frame after frame; one a stream, or one for many streams that are read in turns. */
export class SeriesFrameReader {
  readonly #labels: LabelsReader;
  /** Parts of the chunk at hand, by aggregate; the encoding is 0 where there is none. */
  readonly #encodings = new Uint8Array(AGGREGATES);
  readonly #offsets = new Uint32Array(AGGREGATES);
  readonly #lengths = new Uint32Array(AGGREGATES);

  constructor(interner: StringInterner) {
    this.#labels = new LabelsReader(interner);
  }

  /** Throws `corrupt` for bytes that are no frame; the sinks may have got some of it then. */
  read(frame: Uint8Array, chunks: ChunkSink, sink: SeriesSink): void {
    const reader = new WireReader(frame);
    this.#labels.reset();
    while (reader.position < reader.end) {
      const tag = reader.uint32();
      if (tag === TAG_1_BYTES) this.#series(reader, reader.fieldEnd(reader.end), chunks, sink);
      else if (tag === TAG_4_BYTES) this.#batch(reader, reader.fieldEnd(reader.end), chunks, sink);
      else if (tag === TAG_2_BYTES || tag === ((3 << 3) | LENGTH_DELIMITED)) {
        // Rare frames, not worth code of their own.
        const { result, warning, hints } = seriesResponseCodec.decode(frame);
        if (result === 'warning') sink.warning(warning);
        else if (hints !== null) sink.hints(hints);
        return;
      } else reader.skip(tag & 7, reader.end);
    }
  }

  #batch(reader: WireReader, end: number, chunks: ChunkSink, sink: SeriesSink): void {
    while (reader.position < end) {
      const tag = reader.uint32();
      if (tag === TAG_1_BYTES) this.#series(reader, reader.fieldEnd(end), chunks, sink);
      else reader.skip(tag & 7, end);
    }
    mustEnd(reader, end);
  }

  #series(reader: WireReader, end: number, chunks: ChunkSink, sink: SeriesSink): void {
    const labels = this.#labels;
    labels.begin();
    while (reader.position < end) {
      const tag = reader.uint32();
      if (tag === TAG_1_BYTES) labels.read(reader, reader.fieldEnd(end));
      else if (tag === TAG_2_BYTES) this.#chunk(reader, reader.fieldEnd(end), chunks);
      else reader.skip(tag & 7, end);
    }
    mustEnd(reader, end);
    sink.series(labels.finish());
  }

  #chunk(reader: WireReader, end: number, chunks: ChunkSink): void {
    let minTime = 0;
    let maxTime = 0;
    let present = 0;
    while (reader.position < end) {
      const tag = reader.uint32();
      if (tag === TAG_1_VARINT) minTime = reader.int64();
      else if (tag === TAG_2_VARINT) maxTime = reader.int64();
      else {
        const aggregate = (tag >>> 3) - 3;
        if ((tag & 7) === LENGTH_DELIMITED && aggregate >= 0 && aggregate < AGGREGATES) {
          this.#part(reader, reader.fieldEnd(end), aggregate);
          present |= 1 << aggregate;
        } else reader.skip(tag & 7, end);
      }
    }
    mustEnd(reader, end);
    chunks.chunk(minTime, maxTime);
    for (let aggregate = 0; present !== 0; aggregate++, present >>>= 1) {
      if ((present & 1) === 0) continue;
      chunks.refer(aggregate, this.#encodings[aggregate], this.#offsets[aggregate], this.#lengths[aggregate]);
    }
  }

  #part(reader: WireReader, end: number, aggregate: number): void {
    let encoding = 0;
    let offset = reader.position;
    let length = 0;
    while (reader.position < end) {
      const tag = reader.uint32();
      if (tag === TAG_2_BYTES) {
        const stop = reader.fieldEnd(end);
        offset = reader.position;
        length = stop - offset;
        reader.position = stop;
      } else if (tag === TAG_1_VARINT) encoding = reader.uint32();
      else reader.skip(tag & 7, end);
    }
    mustEnd(reader, end);
    if (encoding > 253) throw new Fault('corrupt', `chunk encoding ${encoding}`);
    this.#encodings[aggregate] = encoding + 1;
    this.#offsets[aggregate] = offset;
    this.#lengths[aggregate] = length;
  }
}

function mustEnd(reader: WireReader, end: number): void {
  if (reader.position !== end) throw new Fault('corrupt', 'field reaches beyond its message');
}

// An aggregate chunk (encoding 255), as downsampling writes it: five chunks in one, in fixed order.
//
//   count │ sum │ min │ max │ counter
//
//   each   absent   00
//          present  length uvarint │ encoding u8 │ data        the length is of the data alone
//
// Encodings are 1 (XOR) and, for sum and counter of native histograms, 3 (float histogram).

import { readUvarint, varintEnd } from '../bytes/varint.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { Fault } from '../errors/fault.ts';

/** The encoding byte of the chunk as a whole. */
export const AGGREGATE_ENCODING = 255;
export const AGGREGATE_PARTS = ['count', 'sum', 'min', 'max', 'counter'] as const;

/** Where the five parts lie; reused from chunk to chunk. A part that is absent has encoding 0. */
export class AggregateParts {
  readonly encodings = new Uint8Array(AGGREGATE_PARTS.length);
  readonly offsets = new Float64Array(AGGREGATE_PARTS.length);
  readonly lengths = new Float64Array(AGGREGATE_PARTS.length);
}

/** One part to be joined. */
export interface AggregatePart {
  readonly encoding: number;
  /** Without encoding byte. */
  readonly data: Uint8Array;
}

/** Puts a chunk together part by part: five of them, in their order. */
export class AggregateChunkWriter {
  readonly #bytes = new ByteWriter(4096);

  clear(): void {
    this.#bytes.clear();
  }

  /** The next part, whose data, without encoding byte, are copied. */
  add(encoding: number, data: Uint8Array): void {
    this.#bytes.uvarint(data.length);
    this.#bytes.u8(encoding);
    this.#bytes.bytes(data);
  }

  /** The next part is not there. */
  absent(): void {
    this.#bytes.u8(0);
  }

  /** The chunk without its own encoding byte. The bytes are yours. */
  chunk(): Uint8Array {
    return this.#bytes.copy();
  }
}

const joined = new AggregateChunkWriter();

/** The chunk of up to five parts in their order, without its own encoding byte; undefined is absent. The bytes are yours. */
export function joinAggregateChunk(parts: readonly (AggregatePart | undefined)[]): Uint8Array {
  joined.clear();
  for (let i = 0; i < AGGREGATE_PARTS.length; i++) {
    const part = parts[i];
    if (part === undefined) joined.absent();
    else joined.add(part.encoding, part.data);
  }
  return joined.chunk();
}

/** Splits the chunk that lies in bytes [from, to), without its own encoding byte. `corrupt` when parts do not fill it. */
export function splitAggregateChunk(bytes: Uint8Array, from: number, to: number, into: AggregateParts): void {
  let at = from;
  for (let part = 0; part < AGGREGATE_PARTS.length; part++) {
    const length = readUvarint(bytes, at, to);
    at = varintEnd;
    into.lengths[part] = length;
    if (length === 0) {
      into.encodings[part] = 0;
      into.offsets[part] = at;
      continue;
    }
    if (at + 1 + length > to)
      throw new Fault('corrupt', `aggregate chunk: ${AGGREGATE_PARTS[part]} reaches past its end`);
    const encoding = bytes[at];
    if (encoding < 1 || encoding > 3) {
      throw new Fault('corrupt', `aggregate chunk: ${AGGREGATE_PARTS[part]} has encoding ${encoding}`);
    }
    into.encodings[part] = encoding;
    into.offsets[part] = at + 1;
    at += 1 + length;
  }
  if (at !== to) throw new Fault('corrupt', `aggregate chunk has ${to - at} bytes left over`);
}

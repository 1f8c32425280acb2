// The numbers in front of each item of a record: which series, when, and in the newer records since when.

import type { ByteReader } from '../../bytes/reader.ts';
import type { ByteWriter } from '../../bytes/writer.ts';
import { Fault } from '../../errors/fault.ts';

const NO_START = 0;
const SAME_START = 1;
const EXPLICIT_START = 2;

/** Eight bytes, two's complement, that must be a safe integer. */
export function readTime(reader: ByteReader): number {
  const high = reader.be32() | 0;
  const time = high * 2 ** 32 + reader.be32();
  if (!Number.isSafeInteger(time)) throw new Fault('corrupt', `time ${time} of a record is too large`);
  return time;
}

export function writeTime(writer: ByteWriter, time: number): void {
  writer.be64Big(BigInt(time));
}

/** Reads what stands in front of each item of a record with start timestamps; `start` is 0 for none. */
export class StartReader {
  ref = 0;
  time = 0;
  start = 0;
  readonly #reader: ByteReader;
  #isFirst = true;
  #firstTime = 0;
  #firstStart = 0;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  read(): void {
    const reader = this.#reader;
    if (this.#isFirst) {
      this.#isFirst = false;
      this.ref = reader.varint();
      this.time = this.#firstTime = reader.varint();
      this.start = this.#firstStart = reader.varint();
      return;
    }
    this.ref += reader.varint();
    this.time = this.#firstTime + reader.varint();
    const marker = reader.u8();
    if (marker === NO_START) this.start = 0;
    else if (marker === EXPLICIT_START) this.start = this.#firstStart + reader.varint();
    else if (marker !== SAME_START) throw new Fault('corrupt', `record has a start timestamp of kind ${marker}`);
  }
}

/** Writes what StartReader reads. */
export class StartWriter {
  readonly #writer: ByteWriter;
  #isFirst = true;
  #firstTime = 0;
  #firstStart = 0;
  #ref = 0;
  #start = 0;

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  write(ref: number, time: number, start: number): void {
    const writer = this.#writer;
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#firstTime = time;
      this.#firstStart = start;
      for (const number of [ref, time, start]) writer.varint(number);
    } else {
      writer.varint(ref - this.#ref);
      writer.varint(time - this.#firstTime);
      if (start === 0) writer.u8(NO_START);
      else if (start === this.#start) writer.u8(SAME_START);
      else {
        writer.u8(EXPLICIT_START);
        writer.varint(start - this.#firstStart);
      }
    }
    this.#ref = ref;
    this.#start = start;
  }
}

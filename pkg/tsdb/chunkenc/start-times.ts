// Start timestamps in chunks (encodings 4 to 6): since when a sample's counter counts. Little is written while they stay
// the same. The third byte of the chunk says where they begin to differ:
//
//   bit 7      the first sample has one
//   bits 6-0   index C of the first sample whose start differs from the one before; 0 = none does
//
//   sample 0       varint t0 - start, only with bit 7
//   sample i < C   nothing: the start is the first one
//   sample C       varbit t(i-1) - start
//   sample i > C   varbit of the change of that difference

import { Fault } from '../../errors/fault.ts';
import type { BitReader } from './bit-stream.ts';
import { readVarbitInt } from './varbit.ts';

export class StartTimeReader {
  readonly #hasFirst: boolean;
  readonly #changesAt: number;
  #timeBefore = 0;
  #start = 0;
  #difference = 0;

  constructor(header: number) {
    this.#hasFirst = header >= 0x80;
    this.#changesAt = header & 0x7f;
  }

  /** Reads what follows sample `i` of this time; gives its start timestamp, 0 when it has none. In order of `i`. */
  next(reader: BitReader, i: number, time: number): number {
    if (i === 0) {
      if (this.#hasFirst) this.#start = time - Number(reader.varint());
    } else if (this.#changesAt !== 0 && i >= this.#changesAt) {
      this.#difference += readVarbitInt(reader);
      this.#start = this.#timeBefore - this.#difference;
    }
    this.#timeBefore = time;
    return this.#start;
  }
}

/** Where the start timestamps of a chunk come from and, if wanted, go to. */
export interface StartColumn {
  readonly startTimes: StartTimeReader;
  readonly starts: number[] | undefined;
}

/** Reads what follows a sample in chunks that have start timestamps. */
export function readStart(reader: BitReader, i: number, time: number, column: StartColumn | undefined): void {
  if (column === undefined) return;
  const start = column.startTimes.next(reader, i, time);
  column.starts?.push(start);
}

/** `corrupt` for a time that is no exact number of milliseconds. */
export function checkTime(time: number): void {
  if (!Number.isSafeInteger(time)) throw new Fault('corrupt', `chunk has a sample at ${time}`);
}

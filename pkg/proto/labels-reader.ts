// The labels of one series after the other, out of a message. Sorted series share most of their labels with the series
// before, byte for byte and place for place, so each label is first compared with its predecessor.
//
//   Label  1 name string │ 2 value string

import { compareUtf8 } from '../bytes/compare.ts';
import { Fault } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import type { StringInterner } from './string-interner.ts';
import { LENGTH_DELIMITED, type WireReader } from './wire.ts';

export class LabelsReader {
  readonly #interner: StringInterner;
  /** Where label `i` of this series and of the one before lies in the bytes. */
  #starts = new Uint32Array(64);
  #ends = new Uint32Array(64);
  #previous: Labels = Labels.empty;
  #flat: string[] = [];
  #count = 0;
  #changed = false;
  #needsSorting = false;

  constructor(interner: StringInterner) {
    this.#interner = interner;
  }

  /** Forgets the series before: other bytes follow. */
  reset(): void {
    this.#previous = Labels.empty;
    this.begin();
  }

  /** Begins a series. */
  begin(): void {
    this.#count = 0;
    this.#flat = [];
    this.#changed = false;
    this.#needsSorting = false;
  }

  /** Reads the label whose message begins at the reader's position and ends at `end`. */
  read(reader: WireReader, end: number): void {
    const i = this.#count++;
    const start = reader.position;
    const previous = this.#previous.flat;
    const flat = this.#flat;
    const { bytes } = reader;
    if (i * 2 < previous.length && this.#isSame(bytes, i, start, end)) {
      if (this.#changed) flat.push(previous[i * 2], previous[i * 2 + 1]);
      this.#starts[i] = start;
      this.#ends[i] = end;
      reader.position = end;
      // Both neighbours unchanged means still in order.
      if (this.#changed) this.#checkOrder();
      return;
    }
    if (!this.#changed) {
      this.#changed = true;
      for (let k = 0; k < i * 2; k++) flat.push(previous[k]);
    }
    if (i === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#ends = grown(this.#ends);
    }
    this.#starts[i] = start;
    this.#ends[i] = end;
    let name = '';
    let value = '';
    while (reader.position < end) {
      const tag = reader.uint32();
      if (tag === ((1 << 3) | LENGTH_DELIMITED)) {
        const stop = reader.fieldEnd(end);
        name = this.#interner.get(bytes, reader.position, stop);
        reader.position = stop;
      } else if (tag === ((2 << 3) | LENGTH_DELIMITED)) {
        const stop = reader.fieldEnd(end);
        value = this.#interner.get(bytes, reader.position, stop);
        reader.position = stop;
      } else reader.skip(tag & 7, end);
    }
    if (reader.position !== end) throw new Fault('corrupt', 'field reaches beyond its message');
    flat.push(name, value);
    if (value === '') this.#needsSorting = true;
    this.#checkOrder();
  }

  /** The labels read since `begin`. The very same object as before when nothing changed. */
  finish(): Labels {
    const isSame = !this.#changed && this.#count * 2 === this.#previous.flat.length;
    if (isSame) return this.#previous;
    const flat = this.#changed ? this.#flat : this.#previous.flat.slice(0, this.#count * 2);
    if (this.#needsSorting) {
      // A sender that does not keep the rules is repaired; the place-by-place comparison starts over.
      const pairs: [string, string][] = [];
      for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i], flat[i + 1]]);
      this.#previous = Labels.empty;
      return Labels.from(pairs);
    }
    this.#previous = Labels.fromSorted(flat);
    return this.#previous;
  }

  #isSame(bytes: Uint8Array, i: number, start: number, end: number): boolean {
    let at = this.#starts[i];
    if (this.#ends[i] - at !== end - start) return false;
    for (let k = start; k < end; k++) if (bytes[k] !== bytes[at++]) return false;
    return true;
  }

  #checkOrder(): void {
    const { length } = this.#flat;
    if (length > 2 && compareUtf8(this.#flat[length - 4], this.#flat[length - 2]) >= 0) this.#needsSorting = true;
  }
}

function grown(from: Uint32Array): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(from.length * 2);
  to.set(from);
  return to;
}

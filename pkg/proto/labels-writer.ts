// Labels as the repeated field 1 of a series message, one series after the other.
//
//   0a length { 0a length name  12 length value }   for each label

import { Labels } from '../model/labels.ts';
import { varintSize, writeVarint } from './wire.ts';

/** Below this a loop beats a call into the runtime. */
const SHORT_TEXT = 48;

export class LabelsWriter {
  /** The labels set last, encoded in [0, length); valid until the next `set`. */
  bytes: Buffer = Buffer.allocUnsafe(1024);
  length = 0;
  #other: Buffer = Buffer.allocUnsafe(1024);
  #labels: Labels = Labels.empty;
  /** Where label `i` begins, one entry more than there are labels. */
  #starts: number[] = [0];
  #otherStarts: number[] = [0];

  set(labels: Labels): void {
    const old = this.#labels;
    if (labels === old) return;
    const source = this.bytes;
    const sourceStarts = this.#starts;
    const { flat } = labels;
    const before = old.flat;
    this.bytes = this.#other;
    this.#starts = this.#otherStarts;
    this.#other = source;
    this.#otherStarts = sourceStarts;
    this.#labels = labels;
    let position = 0;
    this.#starts[0] = 0;
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i];
      const value = flat[i + 1];
      const isSame = i < before.length && before[i] === name && before[i + 1] === value;
      if (isSame) {
        const from = sourceStarts[i >>> 1];
        const to = sourceStarts[(i >>> 1) + 1];
        this.#reserve(position, to - from);
        const { bytes } = this;
        for (let at = from; at < to; at++) bytes[position++] = source[at];
      } else {
        // Three bytes a code unit are the most that UTF-8 takes.
        this.#reserve(position, (name.length + value.length) * 3 + 18);
        position = writeLabel(this.bytes, position, name, value);
      }
      this.#starts[(i >>> 1) + 1] = position;
    }
    this.length = position;
  }

  #reserve(position: number, bytes: number): void {
    if (position + bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe((position + bytes) * 2);
    this.bytes.copy(larger, 0, 0, position);
    this.bytes = larger;
  }
}

function writeLabel(into: Buffer, position: number, name: string, value: string): number {
  const nameLength = utf8Length(name);
  const valueLength = utf8Length(value);
  const length =
    (nameLength === 0 ? 0 : 1 + varintSize(nameLength) + nameLength) +
    (valueLength === 0 ? 0 : 1 + varintSize(valueLength) + valueLength);
  into[position++] = 0x0a;
  position = writeVarint(into, position, length);
  if (nameLength > 0) position = writeText(into, position, 0x0a, name, nameLength);
  return valueLength > 0 ? writeText(into, position, 0x12, value, valueLength) : position;
}

function writeText(into: Buffer, position: number, tag: number, text: string, length: number): number {
  into[position++] = tag;
  position = writeVarint(into, position, length);
  if (length !== text.length) into.write(text, position, 'utf8');
  else if (length > SHORT_TEXT) into.write(text, position, 'latin1');
  else for (let i = 0; i < length; i++) into[position + i] = text.charCodeAt(i);
  return position + length;
}

/** Equal to `text.length` exactly when the text is ASCII. */
function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return Buffer.byteLength(text, 'utf8');
  return text.length;
}

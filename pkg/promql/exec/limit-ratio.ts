// limit_ratio: a share of the series, chosen by the hash of their labels, so that a ratio and its complement (0.2 and -0.8)
// choose different series and together all of them.

import { encodeUtf8 } from '../../bytes/utf8.ts';
import { xxhash64 } from '../../bytes/xxhash.ts';
import { Fault } from '../../errors/fault.ts';
import type { Labels } from '../../model/labels.ts';
import { printSample } from '../number-text.ts';
import { hasValue, readScalar } from './batches.ts';
import type { Batches, ColumnUse, Evaluation, Operator, SeriesColumn } from './operator.ts';

export class LimitRatioOperator implements Operator {
  readonly #operand: Operator;
  readonly #parameter: Operator;
  readonly #position: number;
  readonly #evaluation: Evaluation;

  /** `position` is where annotations point to. */
  constructor(operand: Operator, parameter: Operator, position: number, evaluation: Evaluation) {
    this.#operand = operand;
    this.#parameter = parameter;
    this.#position = position;
    this.#evaluation = evaluation;
  }

  /** Throws `execution` for a ratio of NaN at any step. */
  async *run(use?: ColumnUse): Batches {
    const ratios = (await readScalar(this.#parameter)).map((ratio) => this.#capped(ratio));
    for await (const batch of this.#operand.run(use)) {
      const out: SeriesColumn[] = [];
      for (const series of batch) {
        const { present } = series.column;
        const place = placeOf(series.labels);
        for (let k = 0; k < present.length; k++) if (!isChosen(place, ratios[k])) present[k] = 0;
        if (hasValue(series.column)) out.push(series);
      }
      if (out.length > 0) yield out;
    }
  }

  #capped(ratio: number): number {
    if (Number.isNaN(ratio)) throw new Fault('execution', 'Ratio value is NaN');
    if (ratio >= -1 && ratio <= 1) return ratio;
    const capped = Math.sign(ratio);
    const text = `ratio value should be between -1 and 1, got ${printSample(ratio)}, capping to ${capped}`;
    this.#evaluation.annotations.warn(text, this.#position);
    return capped;
  }
}

function isChosen(place: number, ratio: number): boolean {
  return ratio >= 0 ? place < ratio : place >= 1 + ratio;
}

/** From 0 to 1, always the same for the same labels. */
function placeOf(labels: Labels): number {
  return Number(xxhash64(hashedBytes(labels))) / 2 ** 64;
}

/** Names and values in turn, each behind its length: one byte, or 255 and three bytes, lowest first. */
function hashedBytes({ flat }: Labels): Uint8Array {
  const texts = flat.map((text) => encodeUtf8(text));
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + text.length + (text.length < 255 ? 1 : 4), 0));
  let at = 0;
  for (const text of texts) {
    if (text.length < 255) bytes[at++] = text.length;
    else {
      bytes.set([255, text.length & 255, (text.length >> 8) & 255, (text.length >> 16) & 255], at);
      at += 4;
    }
    bytes.set(text, at);
    at += text.length;
  }
  return bytes;
}

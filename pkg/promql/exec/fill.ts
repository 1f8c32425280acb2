// `fill`, `fill_left`, `fill_right`: a number stands in for the samples that one side of a matching lacks.

import type { StepColumn } from '../functions/step-column.ts';
import type { VectorMatching } from '../parser/ast.ts';
import { fullColumn } from './batches.ts';
import { MatchKey } from './match-key.ts';
import type { SeriesColumn } from './operator.ts';

/** A series with the one that stands in for its match, at the steps that have none. */
export interface FilledPair {
  readonly many: SeriesColumn;
  readonly one: SeriesColumn;
}

/** `Group` tells match groups apart. */
export class Filler<Group extends object> {
  readonly #matchKey: MatchKey;
  readonly #stepCount: number;
  readonly #many: number | undefined;
  readonly #one: number | undefined;
  /** The steps at which a group has a match. */
  readonly #seen = new Map<Group, Uint8Array>();

  constructor(matching: VectorMatching, stepCount: number) {
    const { left, right } = matching.fill ?? { left: undefined, right: undefined };
    this.#matchKey = new MatchKey(matching);
    this.#stepCount = stepCount;
    // The side with many is the left one to the reference, also under `group_right`, where it is written on the right.
    this.#many = left;
    this.#one = right;
  }

  /** Notes the steps of the many side that found a match. As in the reference, a pair that gives nothing is none. */
  matched(group: Group, { present }: StepColumn, one: StepColumn): void {
    let seen = this.#seen.get(group);
    if (seen === undefined) this.#seen.set(group, (seen = new Uint8Array(this.#stepCount)));
    for (let k = 0; k < seen.length; k++) seen[k] |= present[k] & one.present[k];
  }

  /** For a series of the many side, whose group has these on the other; undefined when nothing is to be filled. */
  ofMany(series: SeriesColumn, ones: readonly SeriesColumn[]): FilledPair | undefined {
    if (this.#one === undefined) return undefined;
    const lacking = series.column.present.slice();
    for (const { column } of ones) for (let k = 0; k < lacking.length; k++) lacking[k] &= 1 - column.present[k];
    const many = at(series, lacking);
    return many && { many, one: this.#filled(series, this.#one) };
  }

  /** The same for one of the other side, once all matches were noted. */
  ofOne(series: SeriesColumn, group: Group): FilledPair | undefined {
    if (this.#many === undefined) return undefined;
    const seen = this.#seen.get(group);
    const one = seen === undefined ? series : at(series, withoutSteps(series.column, seen));
    return one && { many: this.#filled(series, this.#many), one };
  }

  #filled({ labels }: SeriesColumn, value: number): SeriesColumn {
    const column = fullColumn(new Float64Array(this.#stepCount).fill(value));
    return { labels: this.#matchKey.matched(labels), column, dropName: false };
  }
}

function withoutSteps({ present }: StepColumn, steps: Uint8Array): Uint8Array {
  return present.map((is, k) => is & (1 - steps[k]));
}

/** The series at some of its steps; undefined when there are none. */
function at(series: SeriesColumn, present: Uint8Array): SeriesColumn | undefined {
  return present.includes(1) ? { ...series, column: { ...series.column, present } } : undefined;
}

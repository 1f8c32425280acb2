// A label set: sorted by the UTF-8 bytes of the names, unique, without empty values, immutable.

import { compareUtf8 } from '../bytes/compare.ts';

export const METRIC_NAME = '__name__';

export class Labels {
  /** Names and values in turn: name 0, value 0, name 1, value 1... Sorted by name. Not to be changed. */
  readonly flat: readonly string[];
  #key: string | undefined;

  private constructor(flat: readonly string[]) {
    this.flat = flat;
  }

  static readonly empty = new Labels([]);

  /** Takes pairs in any order; drops empty values; of a name given twice the last wins. */
  static from(pairs: Iterable<readonly [string, string]>): Labels {
    const unique = new Map<string, string>();
    for (const [name, value] of pairs) unique.set(name, value);
    const names = [...unique.keys()].filter((name) => unique.get(name) !== '').sort(compareUtf8);
    if (names.length === 0) return Labels.empty;
    return new Labels(names.flatMap((name) => [name, unique.get(name)!]));
  }

  static of(record: Readonly<Record<string, string>>): Labels {
    return Labels.from(Object.entries(record));
  }

  /** Wraps an array that is already sorted, unique and free of empty values. The array is kept, not copied. */
  static fromSorted(flat: readonly string[]): Labels {
    return flat.length === 0 ? Labels.empty : new Labels(flat);
  }

  get size(): number {
    return this.flat.length / 2;
  }

  /** The value of a name, or '' when it is not there: to matchers the two are the same. */
  get(name: string): string {
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1];
    return '';
  }

  has(name: string): boolean {
    return this.get(name) !== '';
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (let i = 0; i < this.flat.length; i += 2) yield [this.flat[i], this.flat[i + 1]];
  }

  /** Without the labels of these names. */
  without(names: ReadonlySet<string>): Labels {
    return this.#filter((name) => !names.has(name));
  }

  /** Only the labels of these names. */
  only(names: ReadonlySet<string>): Labels {
    return this.#filter((name) => names.has(name));
  }

  /** With every label of `others` set, replacing values of equal names. */
  with(others: Labels): Labels {
    if (others.size === 0) return this;
    if (this.size === 0) return others;
    const a = this.flat;
    const b = others.flat;
    const out: string[] = [];
    let i = 0;
    let j = 0;
    while (i < a.length || j < b.length) {
      const order = i >= a.length ? 1 : j >= b.length ? -1 : compareUtf8(a[i], b[j]);
      if (order < 0) {
        out.push(a[i], a[i + 1]);
        i += 2;
      } else {
        out.push(b[j], b[j + 1]);
        j += 2;
        if (order === 0) i += 2;
      }
    }
    return new Labels(out);
  }

  equals(other: Labels): boolean {
    return compareLabels(this, other) === 0;
  }

  /** A string equal for equal label sets and for no others; good as a map key, computed once. */
  get key(): string {
    this.#key ??= this.flat.join('\u{ff}\u{fe}');
    return this.#key;
  }

  toRecord(): Record<string, string> {
    const record: Record<string, string> = {};
    for (const [name, value] of this) record[name] = value;
    return record;
  }

  /** As Prometheus prints it: `{a="1", b="2"}`. */
  toString(): string {
    return `{${[...this].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
  }

  #filter(keep: (name: string) => boolean): Labels {
    const { flat } = this;
    const out: string[] = [];
    for (let i = 0; i < flat.length; i += 2) if (keep(flat[i])) out.push(flat[i], flat[i + 1]);
    return out.length === flat.length ? this : Labels.fromSorted(out);
  }
}

/** The order of series: pair by pair, name bytes then value bytes; a prefix comes before what it is a prefix of. */
export function compareLabels(a: Labels, b: Labels): number {
  const x = a.flat;
  const y = b.flat;
  const length = Math.min(x.length, y.length);
  for (let i = 0; i < length; i++) {
    if (x[i] !== y[i]) return compareUtf8(x[i], y[i]);
  }
  return x.length - y.length;
}

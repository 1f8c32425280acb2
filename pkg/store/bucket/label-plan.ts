// How series of one block get their final labels: symbols to strings, external labels in, unwanted labels out, in order.
//
// Symbols of a block are numbered in byte order, so the place of an external label among a series' own is found by
// comparing numbers; strings are looked up, never built.

import type { IndexHeaderReader } from '../../block/index-header/reader.ts';
import { SYMBOLS_PER_GROUP, type SymbolReader } from '../../block/index-header/symbol-reader.ts';
import { Labels } from '../../model/labels.ts';
import type { SeriesTable } from './series-table.ts';

export class LabelPlan {
  /**
   * Whether final labels may order series quite differently from how the block has them: some series carry a label that
   * is dropped or replaced.
   */
  readonly mayReorder: boolean;
  /** Symbols below this number come before the last external label. */
  readonly lastExternalRank: number;
  readonly #symbols: SymbolReader;
  /** External labels that are attached, and for each the number of symbols before its name. */
  readonly #external: readonly string[];
  readonly #ranks: Float64Array;
  /** Symbols of names that are dropped or replaced. */
  readonly #dropped = new Set<number>();

  constructor(header: IndexHeaderReader, external: Labels, without: ReadonlySet<string>) {
    this.#symbols = header.symbols;
    this.#external = external.without(without).flat;
    this.#ranks = new Float64Array(this.#external.length / 2);
    for (const name of [...without, ...[...external].map(([name]) => name)]) {
      if (header.hasLabel(name)) this.#dropped.add(header.symbols.rank(name).id);
    }
    for (let i = 0; i < this.#ranks.length; i++) this.#ranks[i] = header.symbols.rank(this.#external[2 * i]).id;
    this.mayReorder = this.#dropped.size > 0;
    this.lastExternalRank = this.#ranks.at(-1) ?? 0;
  }

  /** Has the strings of a series at hand; `corrupt` when there are none for its numbers. */
  prepare(table: SeriesTable, series: number): void {
    const { labelIds } = table;
    const end = table.firstLabel[series + 1];
    for (let i = table.firstLabel[series]; i < end; i++) this.#symbols.group(labelIds[i]);
  }

  labels(table: SeriesTable, series: number): Labels {
    const { labelIds } = table;
    const end = table.firstLabel[series + 1];
    const ranks = this.#ranks;
    const external = this.#external;
    const start = table.firstLabel[series];
    // Made at its final size: growing it would cost more than filling it.
    const flat = new Array<string>(end - start + external.length);
    let count = 0;
    let e = 0;
    for (let i = start; i < end; i += 2) {
      const name = labelIds[i];
      while (e < ranks.length && ranks[e] <= name) {
        flat[count++] = external[2 * e];
        flat[count++] = external[2 * e + 1];
        e++;
      }
      if (this.#dropped.size > 0 && this.#dropped.has(name)) continue;
      const value = labelIds[i + 1];
      flat[count++] = this.#symbols.group(name)[name % SYMBOLS_PER_GROUP];
      flat[count++] = this.#symbols.group(value)[value % SYMBOLS_PER_GROUP];
    }
    for (; e < ranks.length; e++) {
      flat[count++] = external[2 * e];
      flat[count++] = external[2 * e + 1];
    }
    if (count < flat.length) flat.length = count;
    return Labels.fromSorted(flat);
  }
}

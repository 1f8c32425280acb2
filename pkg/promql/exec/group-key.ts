// Which group a series belongs to: by some labels, or by all but some.

import { type Labels, METRIC_NAME } from '../../model/labels.ts';
import type { Grouping } from '../plan/node.ts';

export class GroupKey {
  readonly #names: readonly string[];
  readonly #set: ReadonlySet<string>;
  readonly #without: boolean;

  /** `without` always leaves the metric name out too. */
  constructor(grouping: Grouping) {
    this.#without = grouping.without;
    this.#names = [...new Set(grouping.labels)];
    this.#set = new Set(grouping.without ? [...this.#names, METRIC_NAME] : this.#names);
  }

  /** Equal for series of one group and for no others. Values are preceded by their length, so that none can pose as two. */
  of(labels: Labels): string {
    let key = '';
    if (this.#without) {
      const { flat } = labels;
      for (let i = 0; i < flat.length; i += 2) {
        if (this.#set.has(flat[i])) continue;
        key += `${flat[i].length}:${flat[i]}${flat[i + 1].length}:${flat[i + 1]}`;
      }
      return key;
    }
    for (const name of this.#names) {
      const value = labels.get(name);
      key += `${value.length}:${value}`;
    }
    return key;
  }

  /** The labels that the group's members share. */
  labelsOf(labels: Labels): Labels {
    return this.#without ? labels.without(this.#set) : labels.only(this.#set);
  }
}

// Which series of two vectors belong together: equal in the labels of `on`, or in all but those of `ignoring`.

import type { Labels } from '../../model/labels.ts';
import type { VectorMatching } from '../parser/ast.ts';
import { GroupKey } from './group-key.ts';
import { withoutName } from './names.ts';

export class MatchKey {
  readonly #key: GroupKey;

  constructor(matching: VectorMatching) {
    this.#key = new GroupKey({ labels: matching.labels, without: !matching.on });
  }

  of(labels: Labels): string {
    return this.#key.of(labels);
  }

  /** The labels two sides agree on. */
  matched(labels: Labels): Labels {
    return this.#key.labelsOf(labels);
  }
}

/** The labels of a result: those of the many side, less what the operation and the matching take away, plus includes. */
export class ResultLabels {
  readonly #matching: VectorMatching;
  readonly #named: ReadonlySet<string>;
  readonly #include: ReadonlySet<string>;
  readonly #dropsName: boolean;

  constructor(matching: VectorMatching, dropsName: boolean) {
    this.#matching = matching;
    this.#named = new Set(matching.labels);
    this.#include = new Set(matching.include);
    this.#dropsName = dropsName;
  }

  of(many: Labels, one: Labels): Labels {
    let labels = this.#dropsName ? withoutName(many) : many;
    const { card, on } = this.#matching;
    if (card === 'one-to-one') labels = on ? labels.only(this.#named) : labels.without(this.#named);
    if (this.#include.size === 0) return labels;
    return labels.without(this.#include).with(one.only(this.#include));
  }
}

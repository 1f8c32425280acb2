// Prometheus answers in the order of its own labels; we answer in the order of the final ones. Giving every series the
// same further labels keeps the order but in one case: when the labels of one series begin those of the next, as
// {__name__="up"} begins {__name__="up", a="1"}, the added label `cluster` comes after `a` and the shorter series moves
// behind the longer ones. So a series is held until one comes that must be after it; what is held at any time is a chain
// of such beginnings, nearly always one series.

import { compareLabels } from '../model/labels.ts';
import type { StoreSeries } from '../store/store.ts';

export class PrefixOrder {
  /** From last to first in the final order. */
  readonly #held: StoreSeries[] = [];

  /** Takes the next series, in the order of inner labels, and gives those whose place is now known, in final order. */
  push(series: StoreSeries): StoreSeries[] {
    const ready: StoreSeries[] = [];
    for (let top = this.#held.at(-1); top !== undefined; top = this.#held.at(-1)) {
      const order = compareLabels(top.labels, series.labels);
      if (order > 0) break;
      this.#held.pop();
      if (order === 0) {
        // A large series goes on in the next frame: its parts stay together.
        this.#held.push({ labels: top.labels, chunks: [...top.chunks, ...series.chunks] });
        return ready;
      }
      ready.push(top);
    }
    this.#held.push(series);
    return ready;
  }

  /** What is still held, in final order. */
  end(): StoreSeries[] {
    return this.#held.splice(0).reverse();
  }
}

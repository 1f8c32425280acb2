// Keeps the last good answer of each address while look-ups fail.
//
// A failed look-up keeps what was known. A good one replaces it, also by nothing, unless a grace period for empty
// answers is set. An address that is configured no longer goes with the next round in which nothing failed.

export type Outcome = { readonly found: readonly string[] } | { readonly failure: unknown };

interface Known {
  found: readonly string[];
  /** When it last was not empty. */
  filledAtMs: number;
}

export class LastGood {
  readonly #emptyGraceMs: number;
  readonly #known = new Map<string, Known>();

  /** With 0 an empty answer counts at once. */
  constructor(emptyGraceMs = 0) {
    this.#emptyGraceMs = emptyGraceMs;
  }

  /** Takes the outcomes of one round, by configured address, in the order of the configuration. */
  update(round: ReadonlyMap<string, Outcome>, nowMs: number): void {
    let isClean = true;
    for (const [address, outcome] of round) {
      if ('failure' in outcome) {
        isClean = false;
        continue;
      }
      const known = this.#known.get(address);
      if (outcome.found.length > 0) this.#known.set(address, { found: outcome.found, filledAtMs: nowMs });
      else if (known === undefined || nowMs - known.filledAtMs >= this.#emptyGraceMs) {
        this.#known.set(address, { found: [], filledAtMs: known?.filledAtMs ?? -Infinity });
      }
    }
    if (!isClean) return;
    for (const address of this.#known.keys()) if (!round.has(address)) this.#known.delete(address);
  }

  /** What is known of each configured address. */
  *entries(): Iterable<readonly [string, readonly string[]]> {
    for (const [address, { found }] of this.#known) yield [address, found];
  }
}

// How long requests of one kind take: a quantile of the recent ones, in constant memory.
//
// Times are counted in steps that grow by a tenth, so the answer is right to a tenth. When enough have come all counts are
// halved, so that a bucket that grew slower, or faster, is known as such after as many again.

const LOWEST_MS = 1;
const GROWTH = 1.1;
/** The last step begins past two minutes. */
const STEPS = 124;
const HALVED_AT = 2048;

export class LatencyQuantile {
  readonly #quantile: number;
  readonly #counts = new Float64Array(STEPS);
  #total = 0;
  #seen = 0;

  /** `quantile` between 0 and 1. */
  constructor(quantile: number) {
    this.#quantile = quantile;
  }

  /** How many times were ever counted. */
  get seen(): number {
    return this.#seen;
  }

  observe(ms: number): void {
    this.#counts[stepOf(ms)]++;
    this.#total++;
    this.#seen++;
    if (this.#total < HALVED_AT) return;
    for (let i = 0; i < STEPS; i++) this.#counts[i] /= 2;
    this.#total /= 2;
  }

  /** The time, in ms, that this share of the requests stayed within; 0 before the first. */
  get valueMs(): number {
    let left = this.#quantile * this.#total;
    if (this.#total === 0) return 0;
    let step = 0;
    for (; step < STEPS - 1; step++) {
      left -= this.#counts[step];
      if (left <= 0) break;
    }
    return LOWEST_MS * GROWTH ** step;
  }
}

/** Step `i` holds the times up to LOWEST_MS * GROWTH^i. */
function stepOf(ms: number): number {
  if (ms <= LOWEST_MS) return 0;
  return Math.min(STEPS - 1, Math.ceil(Math.log(ms / LOWEST_MS) / Math.log(GROWTH) - 1e-9));
}

// What a query touched: counted while it runs, read by the API and by metrics.

/** Times in seconds, as the HTTP API prints them. */
export interface QueryTimings {
  readonly evalTotalTime: number;
  readonly resultSortTime: number;
  readonly queryPreparationTime: number;
  readonly innerEvalTime: number;
  readonly execQueueTime: number;
  readonly execTotalTime: number;
}

export interface QueryStats {
  readonly timings: QueryTimings;
  readonly samples: {
    /** Samples that entered the evaluation, each counted once for every step that looks at it. */
    readonly totalQueryableSamples: number;
    /** The most samples held in memory at one time. */
    readonly peakSamples: number;
  };
}

/** Counts samples during one query. */
export class SampleCounter {
  total = 0;
  peak = 0;
  #held = 0;

  /** `count` samples more were looked at. */
  touch(count: number): void {
    this.total += count;
  }

  /** `count` samples more are held; a negative count gives them back. */
  hold(count: number): void {
    this.#held += count;
    if (this.#held > this.peak) this.peak = this.#held;
  }
}

/** Measures the parts of a query. */
export class Stopwatch {
  readonly #startedAt = performance.now();
  #preparedAt = this.#startedAt;

  /** Parsing and planning are done, evaluation begins. */
  prepared(): void {
    this.#preparedAt = performance.now();
  }

  /** Nothing waits in a queue here, and results are sorted while they are collected. */
  timings(): QueryTimings {
    const now = performance.now();
    const total = (now - this.#startedAt) / 1000;
    const inner = (now - this.#preparedAt) / 1000;
    return {
      evalTotalTime: total,
      resultSortTime: 0,
      queryPreparationTime: total - inner,
      innerEvalTime: inner,
      execQueueTime: 0,
      execTotalTime: total,
    };
  }
}

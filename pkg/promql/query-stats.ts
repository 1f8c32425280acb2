// What a query touched: counted while it runs, read by the API and by metrics.

import { Fault } from '../errors/fault.ts';

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
  /** What was read, the finest first: `raw`, `5m`, `1h`. Left out when all of it was raw. */
  readonly resolutions?: readonly string[];
}

/** Counts samples during one query, or during a part of one. */
export class SampleCounter {
  readonly #within: SampleCounter | undefined;
  readonly #maxHeld: number;
  total = 0;
  peak = 0;
  #held = 0;

  /** What is counted here is counted in `within` as well. More than `maxHeld` samples held at once are refused. */
  constructor(within?: SampleCounter, maxHeld = Infinity) {
    this.#within = within;
    this.#maxHeld = maxHeld;
  }

  /** `count` samples more were looked at. */
  touch(count: number): void {
    this.total += count;
    this.#within?.touch(count);
  }

  /** `count` samples more are held; a negative count gives them back. Throws `limit` when they are too many. */
  hold(count: number): void {
    this.#held += count;
    if (this.#held > this.peak) {
      this.peak = this.#held;
      if (this.#held > this.#maxHeld) {
        const text = 'query processing would load too many samples into memory in query execution';
        throw new Fault('limit', text, { facts: { samples: this.#held, maxSamples: this.#maxHeld } });
      }
    }
    this.#within?.hold(count);
  }
}

/** What a query has read from the storage for one selector. */
export class SelectMeter {
  /** The matchers as they are printed. */
  readonly selector: string;
  seriesCount = 0;
  sampleCount = 0;
  /** Chunk bytes, where the storage counts them. */
  fetchedBytes = 0;
  /** Of the chunks, ms, where the storage tells. */
  readonly resolutionsMs = new Set<number>();

  constructor(selector: string) {
    this.selector = selector;
  }
}

/** What a query does, while it does it: for lists of what runs, and for the words of a failure. */
export interface QueryProgress {
  readonly samples: SampleCounter;
  readonly selects: readonly SelectMeter[];
}

/** Measures the parts of a query. */
export class Stopwatch {
  readonly #startedAt = performance.now();
  #preparedAt = this.#startedAt;

  /** Parsing and planning are done, evaluation begins. */
  prepared(): void {
    this.#preparedAt = performance.now();
  }

  /** `queuedMs` went by before the watch was started. Results are sorted while they are collected. */
  timings(queuedMs: number): QueryTimings {
    const now = performance.now();
    const total = (now - this.#startedAt) / 1000;
    const inner = (now - this.#preparedAt) / 1000;
    return {
      evalTotalTime: total,
      resultSortTime: 0,
      queryPreparationTime: total - inner,
      innerEvalTime: inner,
      execQueueTime: queuedMs / 1000,
      execTotalTime: total + queuedMs / 1000,
    };
  }
}

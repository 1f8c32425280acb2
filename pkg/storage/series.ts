// Series as an engine reads them.

import type { Labels } from '../model/labels.ts';
import type { SampleBuffer } from './sample-columns.ts';

export interface Series {
  readonly labels: Labels;
  /**
   * Appends the samples within the hinted time (both ends inclusive) to `into`, ascending, one per timestamp, stale
   * markers and native histograms included. May be called again and gives the same. Throws `corrupt` for bytes that
   * contradict their format.
   */
  readInto(into: SampleBuffer): void;
}

export interface SeriesSet {
  /**
   * In label order within and across batches. A batch is some hundreds of series, or about a megabyte of chunks; its
   * series may be read until the next batch is pulled.
   */
  readonly batches: AsyncIterable<readonly Series[]>;
  /** Notes that are not failures; complete once `batches` has ended. */
  readonly warnings: readonly string[];
  /** Remarks on what was read; to be asked for once the series have been read. */
  readonly infos?: () => readonly string[];
  /** Where series can be read on other threads. */
  readonly threads?: SeriesThreads | undefined;
  /** What the batches so far took to fetch, where the storage counts it. */
  readonly fetched?: Fetched;
}

/** Threads on which series are read, for those who compute from samples: tasks and results are plain data to the storage. */
export interface SeriesThreads {
  /** Batches that may be in hand at once. */
  readonly ahead: number;
  /**
   * Has a task done for the series of a batch, which may be let go of then. Undefined when it would not pay, or when they
   * cannot be read elsewhere. Resolves to undefined when they cannot be read at all: reading them here tells why. Throws when
   * the request has ended, and `internal` when a thread has.
   */
  run(batch: readonly Series[], task: unknown): Promise<unknown> | undefined;
}

/** Grows while the batches are read. */
export interface Fetched {
  /** Of chunks. */
  readonly bytes: number;
  /** One for each endpoint that was asked, when `hints.reports` asked for it; complete once the batches have ended. */
  readonly endpoints: readonly EndpointReport[];
  /** Of the chunks, ms: 0 is raw. */
  readonly resolutionsMs?: ReadonlySet<number>;
}

/** What one endpoint gave for a select. */
export interface EndpointReport {
  readonly endpoint: string;
  readonly durationMs: number;
  readonly bytes: number;
  readonly responses: number;
  readonly series: number;
  readonly chunks: number;
  readonly samples: number;
  /** Why it gave nothing more. */
  readonly error?: string;
}

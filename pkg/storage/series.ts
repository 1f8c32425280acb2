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
  /** What the batches so far took to fetch, where the storage counts it. */
  readonly fetched?: Fetched;
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

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
}

// The contract between an engine and whatever holds series.

import type { RequestContext } from '../async/request.ts';
import type { Matcher } from '../model/matcher.ts';
import type { SelectHints } from './hints.ts';
import type { SeriesSet } from './series.ts';

export interface LabelQuery {
  readonly matchers: readonly Matcher[];
  /** Both inclusive, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  /** 0 means all. */
  readonly limit: number;
}

export interface LabelAnswer {
  /** Sorted by UTF-8 bytes, unique. */
  readonly values: readonly string[];
  readonly warnings: readonly string[];
}

export interface Queryable {
  /**
   * True when series may be read after batches that follow theirs, until the end of the request: then one select can serve
   * several readers.
   */
  readonly keepsSeries?: boolean;
  /**
   * Series that match every matcher and have a sample in the hinted time, in label order, each label set once.
   * Nothing is fetched before the first batch is pulled. Ends early when `request.signal` aborts.
   */
  select(request: RequestContext, matchers: readonly Matcher[], hints: SelectHints): SeriesSet;
  labelNames(request: RequestContext, query: LabelQuery): Promise<LabelAnswer>;
  labelValues(request: RequestContext, name: string, query: LabelQuery): Promise<LabelAnswer>;
}

// What the engine tells the storage about a select, so that it may fetch less. Ignoring every hint is correct.

export interface SelectHints {
  /** First and last millisecond of interest, both inclusive; already widened by range, offset and lookback. */
  readonly minTime: number;
  readonly maxTime: number;
  /** 0 for an instant query. */
  readonly stepMs: number;
  /** The surrounding function or aggregation, '' when there is none: decides aggregates and counter handling. */
  readonly func: string;
  /** Range of the matrix selector, 0 for an instant selector. */
  readonly rangeMs: number;
  /** Labels of the surrounding aggregation; `by` says whether they are kept or dropped. */
  readonly grouping: readonly string[];
  readonly by: boolean;
  /** Somebody wants to know what each endpoint gave (`SeriesSet.fetched`). */
  readonly reports?: boolean;
  /** A series is read, if at all, before the batch after its own is pulled: what it is read from may be freed by then. */
  readonly readsInTurn?: boolean;
}

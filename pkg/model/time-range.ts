// Spans of time and whether they meet. Requests, chunks and stores are closed at both ends; only blocks are half-open.

export interface TimeRange {
  /** Both inclusive, ms. */
  readonly minTime: number;
  readonly maxTime: number;
}

/** Whether two closed ranges share a millisecond. A range that ends before it starts shares nothing. */
export function overlaps(a: TimeRange, b: TimeRange): boolean {
  return a.minTime <= b.maxTime && b.minTime <= a.maxTime && a.minTime <= a.maxTime && b.minTime <= b.maxTime;
}

/** Whether a block, [minTime, maxTime) by its meta.json, can hold a sample of a closed range. */
export function blockOverlaps(block: TimeRange, range: TimeRange): boolean {
  return block.minTime <= range.maxTime && range.minTime < block.maxTime && range.minTime <= range.maxTime;
}

/** What two closed ranges share; undefined when that is nothing. */
export function intersect(a: TimeRange, b: TimeRange): TimeRange | undefined {
  const minTime = Math.max(a.minTime, b.minTime);
  const maxTime = Math.min(a.maxTime, b.maxTime);
  return minTime <= maxTime ? { minTime, maxTime } : undefined;
}

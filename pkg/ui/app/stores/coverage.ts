// Who covers what, and when: endpoints put together by the stream they have data of, with the holes that nobody covers.

import { gaps, type Interval, union } from '../parts/intervals.ts';
import { labelText } from '../parts/label-filter.ts';
import type { LabelRecord } from '../parts/label-set.tsx';
import type { StoreEntry } from './stores.ts';

/** One endpoint's part in a stream. */
export interface StreamPart {
  readonly store: StoreEntry;
  /** In order, none touching another. Open ends are cut at the ends of what the page shows. */
  readonly covered: readonly Interval[];
  /** It names no beginning: what it really has is not known. */
  readonly isOpen: boolean;
}

/** The series with one set of external labels, replica labels aside. */
export interface Stream {
  readonly key: string;
  readonly labels: LabelRecord;
  readonly parts: readonly StreamPart[];
  /** What endpoints that answer cover. */
  readonly covered: readonly Interval[];
  /** What nobody covers who answers, between the oldest data anybody announced and now. */
  readonly holes: readonly Interval[];
}

/** Gaps up to this are how endpoints tell their times, not missing data. */
const TOLERANCE_MS = 5 * 60_000;

/** Streams in the order of their labels; those with holes first. */
export function streamsOf(
  stores: readonly StoreEntry[],
  replicaLabels: readonly string[],
  whole: Interval,
): readonly Stream[] {
  const byKey = new Map<string, { labels: LabelRecord; parts: Map<StoreEntry, Interval[]> }>();
  for (const store of stores) {
    if (!store.hasStore) continue;
    for (const { labels, minTime, maxTime } of store.ranges) {
      const kept = Object.fromEntries(
        Object.entries(labels)
          .filter(([name]) => !replicaLabels.includes(name))
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
      const key = labelText(kept);
      const stream = byKey.get(key) ?? { labels: kept, parts: new Map() };
      byKey.set(key, stream);
      const intervals = stream.parts.get(store) ?? [];
      stream.parts.set(store, intervals);
      // An empty store announces a range that ends before it begins.
      if (minTime <= maxTime) intervals.push({ from: minTime, to: maxTime });
    }
  }
  const streams = [...byKey].map(([key, { labels, parts }]) => streamOf(key, labels, parts, whole));
  return streams.sort((a, b) => Number(b.holes.length > 0) - Number(a.holes.length > 0) || (a.key < b.key ? -1 : 1));
}

function streamOf(
  key: string,
  labels: LabelRecord,
  stores: ReadonlyMap<StoreEntry, readonly Interval[]>,
  whole: Interval,
): Stream {
  const parts = [...stores].map(([store, intervals]) => ({
    store,
    covered: union(
      intervals.map(({ from, to }) => ({ from: isOpenStart(from) ? whole.from : from, to: Math.min(to, whole.to) })),
    ),
    isOpen: intervals.some(({ from }) => isOpenStart(from)),
  }));
  const covered = union(parts.filter(({ store }) => store.state === 'up').flatMap((part) => part.covered));
  const starts = parts.filter((part) => !part.isOpen).flatMap((part) => part.covered.map(({ from }) => from));
  const holes = starts.length === 0 ? [] : gaps({ from: Math.min(...starts), to: whole.to }, covered, TOLERANCE_MS);
  return { key, labels, parts, covered, holes };
}

/** From the earliest beginning that anybody names to now; a day when nobody names one. */
export function wholeRange(stores: readonly StoreEntry[], nowMs: number): Interval {
  let from = nowMs - 24 * 3_600_000;
  for (const { hasStore, ranges } of stores) {
    if (!hasStore) continue;
    for (const { minTime, maxTime } of ranges) {
      if (!isOpenStart(minTime) && minTime <= maxTime) from = Math.min(from, minTime);
    }
  }
  return { from, to: nowMs };
}

/** No Prometheus has data of 1970 or before: such a beginning says that there is no limit. */
function isOpenStart(ms: number): boolean {
  return ms <= 0;
}

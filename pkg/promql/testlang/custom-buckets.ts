// Classic histograms of a script as native ones with custom bounds: the series `x_bucket`, `x_sum` and `x_count` of one label
// set become one series `x`.

import { CUSTOM_BOUNDS_SCHEMA } from '../../model/histogram.ts';
import { compactHistogram } from '../../model/histogram-math.ts';
import { type HistogramValue, noBuckets } from '../../model/histogram-value.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import { parseNumber } from './number.ts';
import type { SeriesLine } from './series-line.ts';

interface CustomHistograms {
  readonly labels: Labels;
  /** The k-th point of each series of the histogram makes the k-th here. */
  readonly points: readonly (HistogramValue | undefined)[];
}

interface Classic {
  readonly labels: Labels;
  readonly points: ClassicPoint[];
}

interface ClassicPoint {
  /** From bound to observations at or below it. */
  readonly buckets: Map<number, number>;
  sum: number;
  count: number | undefined;
}

export function customHistograms(lines: readonly SeriesLine[]): CustomHistograms[] {
  const classics = new Map<string, Classic>();
  for (const { labels, points } of lines) {
    const parts = /^(.*)_(bucket|sum|count)$/.exec(labels.get(METRIC_NAME));
    const bound = parseNumber(labels.get('le') || 'NaN');
    if (parts === null || (parts[2] === 'bucket' && Number.isNaN(bound))) continue;
    const native = labels.without(new Set(['le'])).with(Labels.of({ [METRIC_NAME]: parts[1] }));
    let classic = classics.get(native.key);
    if (classic === undefined) classics.set(native.key, (classic = { labels: native, points: [] }));
    for (const [k, value] of points.entries()) {
      if (typeof value !== 'number') continue;
      const point = (classic.points[k] ??= { buckets: new Map(), sum: 0, count: undefined });
      if (parts[2] === 'bucket') point.buckets.set(bound, value);
      else if (parts[2] === 'sum') point.sum = value;
      else point.count = value;
    }
  }
  return [...classics.values()].map(({ labels, points }) => ({
    labels,
    points: Array.from(points, (point) => (point === undefined ? undefined : histogramOf(point))),
  }));
}

/** Undefined for counts that are not cumulative: they make no histogram. */
function histogramOf({ buckets, sum, count }: ClassicPoint): HistogramValue | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const observations = count ?? buckets.get(Number.POSITIVE_INFINITY) ?? sorted.at(-1)?.[1] ?? 0;
  const bounds = sorted.map(([bound]) => bound).filter(Number.isFinite);
  const cumulative = [...sorted.filter(([bound]) => Number.isFinite(bound)).map(([, value]) => value), observations];
  const counts = cumulative.map((value, i) => value - (i === 0 ? 0 : cumulative[i - 1]));
  if (counts.some((value) => value < 0)) return undefined;
  return compactHistogram({
    hint: 'unknown',
    schema: CUSTOM_BOUNDS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count: observations,
    sum,
    positive: { indexes: Int32Array.from(counts.keys()), counts: Float64Array.from(counts) },
    negative: noBuckets,
    customValues: bounds,
  });
}

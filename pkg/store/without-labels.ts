// Dropping replica labels may reorder series: what cannot be streamed in order any more is collected and sorted.

import { compareLabels } from '../model/labels.ts';
import type { SeriesBatch, StoreSeries } from './store.ts';

const BATCH_SERIES = 512;

/**
 * The series of a stream without labels of these names, in label order; warnings come first. Reads the whole stream
 * before it yields, so it is for stores that do not drop labels themselves, or that do not keep their order.
 */
export async function* sortedWithout(
  stream: AsyncIterable<SeriesBatch>,
  names: ReadonlySet<string>,
): AsyncGenerator<SeriesBatch> {
  const all: StoreSeries[] = [];
  for await (const { series, warnings } of stream) {
    if (warnings.length > 0) yield { series: [], warnings };
    for (const one of series) all.push(names.size === 0 ? one : withoutLabels(one, names));
  }
  // Stable, so that the parts of one series keep the order they came in.
  all.sort((a, b) => compareLabels(a.labels, b.labels));
  for (let i = 0; i < all.length; i += BATCH_SERIES) yield { series: all.slice(i, i + BATCH_SERIES), warnings: [] };
}

function withoutLabels(series: StoreSeries, names: ReadonlySet<string>): StoreSeries {
  const labels = series.labels.without(names);
  return labels === series.labels ? series : { labels, chunks: series.chunks };
}

// A Queryable over series in memory, for tests: it honours the contract to the letter, hints included.

import type { RequestContext } from '../async/request.ts';
import { compareLabels, type Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { SelectHints } from '../storage/hints.ts';
import type { LabelAnswer, Queryable } from '../storage/querier.ts';
import { SampleBuffer, type SampleColumns } from '../storage/sample-columns.ts';
import type { Series, SeriesSet } from '../storage/series.ts';

export interface FakeSeries {
  readonly labels: Labels;
  readonly samples: SampleColumns;
}

export class FakeQueryable implements Queryable {
  readonly keepsSeries: boolean = true;
  readonly #series: readonly FakeSeries[];
  /** The hints of every select so far. */
  readonly asked: SelectHints[] = [];
  warnings: readonly string[] = [];
  batchSize = 100;

  constructor(series: readonly FakeSeries[]) {
    this.#series = [...series].sort((a, b) => compareLabels(a.labels, b.labels));
  }

  select(request: RequestContext, matchers: readonly Matcher[], hints: SelectHints): SeriesSet {
    this.asked.push(hints);
    return { batches: this.#batches(request.signal, matchers, hints), warnings: this.warnings };
  }

  async labelNames(): Promise<LabelAnswer> {
    return { values: [], warnings: [] };
  }

  async labelValues(): Promise<LabelAnswer> {
    return { values: [], warnings: [] };
  }

  async *#batches(
    signal: AbortSignal,
    matchers: readonly Matcher[],
    hints: SelectHints,
  ): AsyncIterable<readonly Series[]> {
    let batch: Series[] = [];
    for (const { labels, samples } of this.#series) {
      if (signal.aborted) return;
      if (!matchers.every((matcher) => matcher.matches(labels.get(matcher.name)))) continue;
      batch.push({ labels, readInto: (into) => readBetween(samples, hints, into) });
      if (batch.length === this.batchSize) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }
}

/** Columns of the given samples; a value `stale` is the stale marker. */
export function samplesOf(points: Iterable<readonly [number, number | 'stale']>): SampleColumns {
  const buffer = new SampleBuffer(16);
  for (const [time, value] of points) {
    buffer.push(time, value === 'stale' ? 0 : value);
    if (value === 'stale') {
      buffer.words[2 * buffer.length - 2] = 0x00000002;
      buffer.words[2 * buffer.length - 1] = 0x7ff00000;
    }
  }
  return buffer;
}

function readBetween(samples: SampleColumns, { minTime, maxTime }: SelectHints, into: SampleBuffer): void {
  let from = 0;
  while (from < samples.length && samples.times[from] < minTime) from++;
  let to = from;
  while (to < samples.length && samples.times[to] <= maxTime) to++;
  into.pushColumns(samples, from, to);
}

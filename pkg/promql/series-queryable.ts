// Series that somebody can list, such as those of a block opened by `tributary/tsdb`, behind the storage contract.

import type { RequestContext } from '../async/request.ts';
import { compareUtf8 } from '../bytes/compare.ts';
import { Fault } from '../errors/fault.ts';
import type { HistogramSample } from '../model/histogram.ts';
import { histogramValueOf } from '../model/histogram-value.ts';
import { compareLabels, type Labels } from '../model/labels.ts';
import type { Matcher } from '../model/matcher.ts';
import type { SelectHints } from '../storage/hints.ts';
import type { LabelAnswer, LabelQuery, Queryable } from '../storage/querier.ts';
import type { SampleBuffer, SampleColumns } from '../storage/sample-columns.ts';
import type { Series, SeriesSet } from '../storage/series.ts';

/** One series in some time. Floats and histograms each ascend, and no time has two samples. */
export interface ReadableSeries {
  readonly labels: Labels;
  readonly floats: SampleColumns;
  readonly histograms: readonly HistogramSample[];
}

export interface ReadingOptions {
  /** Both inclusive, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly signal: AbortSignal;
  /** The series of a batch are read before the next one is asked for, so their memory may be used again. */
  readonly readsInTurn?: boolean;
}

/** What lists series; an open block is one. */
export interface SeriesReader {
  /** The series that match every matcher, in label order, with their samples in the time. */
  series(matchers: readonly Matcher[], options: ReadingOptions): AsyncIterable<ReadableSeries>;
  /**
   * The same series, many at a time, for readers that have them decoded only as they are read, which may be at any time later
   * unless they are read in turn. Used instead where there is one.
   */
  batches?(matchers: readonly Matcher[], options: ReadingOptions): AsyncIterable<readonly Series[]>;
}

const SERIES_PER_BATCH = 256;

/** One reader as a Queryable. Series that come out of order are a failure of the reader: `corrupt`. */
export class SeriesQueryable implements Queryable {
  readonly keepsSeries = true;
  readonly #reader: SeriesReader;

  constructor(reader: SeriesReader) {
    this.#reader = reader;
  }

  select(request: RequestContext, matchers: readonly Matcher[], hints: SelectHints): SeriesSet {
    return { batches: this.#batches(request, matchers, hints), warnings: [] };
  }

  labelNames(request: RequestContext, query: LabelQuery): Promise<LabelAnswer> {
    return this.#collect(request, query, (labels) => [...labels].map(([name]) => name));
  }

  labelValues(request: RequestContext, name: string, query: LabelQuery): Promise<LabelAnswer> {
    return this.#collect(request, query, (labels) => (labels.has(name) ? [labels.get(name)] : []));
  }

  async *#batches(
    { signal }: RequestContext,
    matchers: readonly Matcher[],
    { minTime, maxTime, readsInTurn = false }: Pick<SelectHints, 'minTime' | 'maxTime' | 'readsInTurn'>,
  ): AsyncGenerator<readonly Series[]> {
    const options = { minTime, maxTime, signal, readsInTurn };
    let last: Labels | undefined;
    for await (const batch of this.#reader.batches?.(matchers, options) ??
      decodedBatches(this.#reader, matchers, options)) {
      for (const { labels } of batch) {
        if (last !== undefined && compareLabels(last, labels) >= 0)
          throw new Fault('corrupt', `series ${labels} does not come after ${last}`);
        last = labels;
      }
      yield batch;
    }
  }

  async #collect(
    request: RequestContext,
    { matchers, minTime, maxTime, limit }: LabelQuery,
    textsOf: (labels: Labels) => readonly string[],
  ): Promise<LabelAnswer> {
    const texts = new Set<string>();
    for await (const batch of this.#batches(request, matchers, { minTime, maxTime })) {
      for (const { labels } of batch) for (const text of textsOf(labels)) texts.add(text);
    }
    const values = [...texts].sort(compareUtf8);
    return { values: limit > 0 ? values.slice(0, limit) : values, warnings: [] };
  }
}

async function* decodedBatches(
  reader: SeriesReader,
  matchers: readonly Matcher[],
  options: ReadingOptions,
): AsyncGenerator<readonly Series[]> {
  let batch: Series[] = [];
  for await (const { labels, floats, histograms } of reader.series(matchers, options)) {
    batch.push({ labels, readInto: (into) => merge(floats, histograms, into) });
    if (batch.length < SERIES_PER_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Appends both in the order of time. */
function merge(floats: SampleColumns, histograms: readonly HistogramSample[], into: SampleBuffer): void {
  let from = 0;
  for (const { time, histogram } of histograms) {
    let to = from;
    while (to < floats.length && floats.times[to] < time) to++;
    into.pushColumns(floats, from, to);
    from = to;
    const value = histogramValueOf(histogram);
    if (value === undefined) into.pushStale(time);
    else into.pushHistogram(time, value);
  }
  into.pushColumns(floats, from);
}

// Series in memory behind the storage contract.

import type { RequestContext } from '../../async/request.ts';
import { compareUtf8 } from '../../bytes/compare.ts';
import { isCounterReset } from '../../model/histogram-reset.ts';
import { type HistogramValue, sameBounds, withHint } from '../../model/histogram-value.ts';
import { compareLabels, type Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { SelectHints } from '../../storage/hints.ts';
import type { LabelAnswer, LabelQuery, Queryable } from '../../storage/querier.ts';
import { lowerBound, SampleBuffer } from '../../storage/sample-columns.ts';
import type { Series, SeriesSet } from '../../storage/series.ts';

interface HeldSeries {
  readonly labels: Labels;
  readonly samples: SampleBuffer;
}

export class MemoryQueryable implements Queryable {
  readonly #series = new Map<string, HeldSeries>();

  clear(): void {
    this.#series.clear();
  }

  /**
   * Adds a sample; of two with one timestamp the first stays. Samples of a series come in ascending order. `startMs` is
   * since when a counter has counted, 0 when nothing is known.
   */
  add(labels: Labels, timeMs: number, value: number | 'stale' | HistogramValue, startMs = 0): void {
    const { samples } = this.#held(labels);
    const last = samples.length - 1;
    if (last >= 0 && samples.times[last] >= timeMs) return;
    if (value === 'stale') samples.pushStale(timeMs);
    else if (typeof value === 'number') samples.push(timeMs, value);
    else samples.pushHistogram(timeMs, asStored(value, samples.histograms?.[last]));
    samples.startLast(startMs);
  }

  select(request: RequestContext, matchers: readonly Matcher[], hints: SelectHints): SeriesSet {
    return { batches: this.#batches(request, matchers, hints), warnings: [] };
  }

  async labelNames(_request: RequestContext, query: LabelQuery): Promise<LabelAnswer> {
    const names = new Set<string>();
    for (const { labels } of this.#matching(query.matchers, query)) for (const [name] of labels) names.add(name);
    return answer(names, query.limit);
  }

  async labelValues(_request: RequestContext, name: string, query: LabelQuery): Promise<LabelAnswer> {
    const values = new Set<string>();
    for (const { labels } of this.#matching(query.matchers, query)) if (labels.has(name)) values.add(labels.get(name));
    return answer(values, query.limit);
  }

  async *#batches(
    request: RequestContext,
    matchers: readonly Matcher[],
    hints: SelectHints,
  ): AsyncGenerator<readonly Series[]> {
    if (request.signal.aborted) return;
    const found = this.#matching(matchers, hints).sort((a, b) => compareLabels(a.labels, b.labels));
    if (found.length > 0)
      yield found.map((held) => ({ labels: held.labels, readInto: (into) => read(held, hints, into) }));
  }

  #matching(matchers: readonly Matcher[], time: { readonly minTime: number; readonly maxTime: number }): HeldSeries[] {
    return [...this.#series.values()].filter(
      (held) =>
        matchers.every((matcher) => matcher.matches(held.labels.get(matcher.name))) &&
        span(held.samples, time)[0] < span(held.samples, time)[1],
    );
  }

  #held(labels: Labels): HeldSeries {
    let held = this.#series.get(labels.key);
    if (held === undefined) {
      held = { labels, samples: new SampleBuffer(16) };
      this.#series.set(labels.key, held);
    }
    return held;
  }
}

function answer(found: ReadonlySet<string>, limit: number): LabelAnswer {
  const values = [...found].sort(compareUtf8);
  return { values: limit > 0 ? values.slice(0, limit) : values, warnings: [] };
}

/** With the hint that a real storage gives it: what matters is whether it goes on in the chunk of the one before. */
function asStored(histogram: HistogramValue, before: HistogramValue | undefined): HistogramValue {
  if (histogram.hint === 'gauge') return histogram;
  const plain = withHint(histogram, 'unknown');
  const goesOn =
    histogram.hint !== 'reset' &&
    before !== undefined &&
    before.hint !== 'gauge' &&
    before.schema === plain.schema &&
    before.zeroThreshold === plain.zeroThreshold &&
    sameBounds(before.customValues, plain.customValues) &&
    !isCounterReset(plain, before);
  return goesOn ? withHint(plain, 'not-reset') : plain;
}

function span(samples: SampleBuffer, { minTime, maxTime }: { minTime: number; maxTime: number }): [number, number] {
  const from = lowerBound(samples.times, samples.length, minTime);
  let to = lowerBound(samples.times, samples.length, maxTime, from);
  if (to < samples.length && samples.times[to] === maxTime) to++;
  return [from, to];
}

function read(held: HeldSeries, hints: SelectHints, into: SampleBuffer): void {
  const [from, to] = span(held.samples, hints);
  into.pushColumns(held.samples, from, to);
}

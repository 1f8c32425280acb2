// What the storage gives for a select, batch by batch, with its warnings kept and the query's end respected.

import { isCounterReset } from '../../model/histogram-reset.ts';
import { type HistogramValue, noBuckets } from '../../model/histogram-value.ts';
import type { SampleBuffer } from '../../storage/sample-columns.ts';
import type { Series } from '../../storage/series.ts';
import { printMatchers } from '../explain.ts';
import type { Select } from '../plan/node.ts';
import { SelectMeter } from '../query-stats.ts';
import type { Evaluation } from './operator.ts';
import { SharedSelect } from './shared-select.ts';

/** What is counted for a select of this query. */
export function meterOf({ matchers }: Select, evaluation: Evaluation): SelectMeter {
  const meter = new SelectMeter(printMatchers(matchers));
  evaluation.selects.push(meter);
  if (evaluation.meter !== undefined) evaluation.meter.select = meter;
  return meter;
}

/** Batches of the series a selector finds. Warnings of the storage are kept once all were read; a long read pauses for others. */
export async function* selected(
  select: Select,
  meter: SelectMeter,
  evaluation: Evaluation,
): AsyncIterable<readonly Series[]> {
  const hints = evaluation.meter === undefined ? select.hints : { ...select.hints, reports: true };
  const { queryable, request, bytes } = evaluation;
  const alone = () => queryable.select(request, select.matchers, hints);
  const shared = evaluation.shared.of(select, (selects) => new SharedSelect(queryable, request, selects, hints, bytes));
  const set = shared === undefined ? alone() : shared.read(select, alone);
  for await (const batch of set.batches) {
    const pause = evaluation.pace();
    if (pause !== undefined) await pause;
    meter.seriesCount += batch.length;
    meter.fetchedBytes = set.fetched?.bytes ?? 0;
    yield batch;
  }
  for (const resolutionMs of set.fetched?.resolutionsMs ?? []) meter.resolutionsMs.add(resolutionMs);
  if (evaluation.meter !== undefined) evaluation.meter.endpoints = set.fetched?.endpoints ?? [];
  // A storage may end quietly when the request is aborted: that must not look like a complete answer.
  const pause = evaluation.pace();
  if (pause !== undefined) await pause;
  for (const warning of set.warnings) evaluation.warnings.add(warning);
}

/**
 * Leaves the counts and sums of histograms, and gives those whose hint says nothing one by looking at the histogram before,
 * while its buckets are there.
 */
export function readNumbers(samples: SampleBuffer): void {
  const histograms = samples.histograms ?? [];
  let before: HistogramValue | undefined;
  for (let i = 0; i < histograms.length; i++) {
    const histogram = histograms[i];
    if (histogram === undefined) continue;
    let { hint } = histogram;
    if (before !== undefined && hint === 'unknown') hint = isCounterReset(histogram, before) ? 'reset' : 'not-reset';
    histograms[i] = { ...histogram, ...nothingElse, hint };
    before = histogram;
  }
}

const nothingElse = { zeroThreshold: 0, zeroCount: 0, positive: noBuckets, negative: noBuckets, customValues: [] };

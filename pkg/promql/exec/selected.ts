// What the storage gives for a select, batch by batch, with its warnings kept and the query's end respected.

import { isCounterReset } from '../../model/histogram-reset.ts';
import { type HistogramValue, noBuckets } from '../../model/histogram-value.ts';
import type { SampleBuffer } from '../../storage/sample-columns.ts';
import type { Series } from '../../storage/series.ts';
import type { Select } from '../plan/node.ts';
import type { Evaluation } from './operator.ts';

/** Batches of the series a selector finds. Warnings of the storage are kept once all were read; a long read pauses for others. */
export async function* selected(select: Select, evaluation: Evaluation): AsyncIterable<readonly Series[]> {
  const set = evaluation.queryable.select(evaluation.request, select.matchers, select.hints);
  for await (const batch of set.batches) {
    const pause = evaluation.pace();
    if (pause !== undefined) await pause;
    yield batch;
  }
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

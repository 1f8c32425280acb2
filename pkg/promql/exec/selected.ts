// What the storage gives for a select, batch by batch, with its warnings kept and the query's end respected.

import { isCounterReset } from '../../model/histogram-reset.ts';
import { HistogramRow } from '../../model/histogram-row.ts';
import type { HistogramValue } from '../../model/histogram-value.ts';
import type { SampleBuffer } from '../../storage/sample-columns.ts';
import type { Series, SeriesSet } from '../../storage/series.ts';
import type { ColumnTask, ComputedColumns } from '../column-task.ts';
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
  yield* read(open(select, evaluation), meter, evaluation);
}

/** Some series, and their columns where another thread has computed them. */
export interface ComputedBatch {
  readonly series: readonly Series[];
  readonly columns: ComputedColumns | undefined;
}

/**
 * The same with a task done where that pays: batches come in their order, some of them with their columns, while those after
 * them are at work. Without columns the series are to be read here.
 */
export async function* computed(
  select: Select,
  meter: SelectMeter,
  evaluation: Evaluation,
  task: ColumnTask,
): AsyncIterable<ComputedBatch> {
  const set = open(select, evaluation);
  // Start times are not read by tasks, and a series that waits for its turn must stay readable.
  const threads = evaluation.startTimestamps || evaluation.queryable.keepsSeries !== true ? undefined : set.threads;
  const inHand: { readonly series: readonly Series[]; readonly columns: Promise<unknown> | undefined }[] = [];
  const next = async (): Promise<ComputedBatch> => {
    const { series, columns } = inHand.shift()!;
    return { series, columns: (await columns) as ComputedColumns | undefined };
  };
  for await (const series of read(set, meter, evaluation)) {
    const columns = threads?.run(series, task);
    columns?.catch(() => {}); // Awaited in its turn, or the query has failed already.
    inHand.push({ series, columns });
    while (inHand.length > (threads?.ahead ?? 0) || (inHand.length > 0 && inHand[0].columns === undefined)) {
      yield await next();
    }
  }
  while (inHand.length > 0) yield await next();
}

function open(select: Select, evaluation: Evaluation): SeriesSet {
  const hints = evaluation.meter === undefined ? select.hints : { ...select.hints, reports: true };
  const { queryable, request, bytes } = evaluation;
  // With threads a batch waits for its turn, and a storage that has them knows it.
  const alone = () => queryable.select(request, select.matchers, { ...hints, readsInTurn: true });
  const shared = evaluation.shared.of(select, (selects) => new SharedSelect(queryable, request, selects, hints, bytes));
  return shared === undefined ? alone() : shared.read(select, alone);
}

async function* read(set: SeriesSet, meter: SelectMeter, evaluation: Evaluation): AsyncIterable<readonly Series[]> {
  if (set.infos !== undefined) evaluation.infos.add(set.infos);
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
    histograms[i] = HistogramRow.ofNumbers(histogram, hint);
    before = histogram;
  }
}

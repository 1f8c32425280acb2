// Small work that many operators do with batches.

import { must } from '../../errors/assert.ts';
import { Labels } from '../../model/labels.ts';
import type { StepColumn } from '../functions/step-column.ts';
import { isFull, valuesOf } from './kept.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { Turns } from './turns.ts';

const SERIES_PER_BATCH = 256;

/** The values of a scalar expression, one a step. */
export async function readScalar(operator: Operator): Promise<Float64Array> {
  let values: Float64Array | undefined;
  for await (const batch of operator.run()) values = batch[0].column.values;
  return must(values, 'value of a scalar');
}

/** Runs scalar expressions one after the other. */
export async function readScalars(operators: readonly Operator[]): Promise<Float64Array[]> {
  const values: Float64Array[] = [];
  for (const operator of operators) values.push(await readScalar(operator));
  return values;
}

/** Series made in memory, in batches; those without any value are left out. */
export function* inBatches(series: Iterable<SeriesColumn>): Generator<readonly SeriesColumn[]> {
  let batch: SeriesColumn[] = [];
  let valueCount = 0;
  for (const one of series) {
    if (!hasValue(one.column)) continue;
    batch.push(one);
    valueCount += valuesOf(one.column);
    if (batch.length === SERIES_PER_BATCH || isFull(valueCount)) {
      yield batch;
      batch = [];
      valueCount = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

/** As inBatches, for series that take long to make: some `work` steps each. */
export async function* inTurns(series: Iterable<SeriesColumn>, work: number, evaluation: Evaluation): Batches {
  const turns = new Turns(evaluation);
  let batch: SeriesColumn[] = [];
  let valueCount = 0;
  for (const one of series) {
    const pause = turns.after(work);
    if (pause !== undefined) await pause;
    if (!hasValue(one.column)) continue;
    batch.push(one);
    valueCount += valuesOf(one.column);
    if (batch.length < SERIES_PER_BATCH && !isFull(valueCount)) continue;
    yield batch;
    batch = [];
    valueCount = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Every series at once. */
export async function readAll(batches: Batches): Promise<SeriesColumn[]> {
  const all: SeriesColumn[] = [];
  for await (const batch of batches) for (const series of batch) all.push(series);
  return all;
}

/** Whether there is a value at any step. */
export function hasValue(column: StepColumn): boolean {
  return column.present.includes(1);
}

/** A column with a value at every step. */
export function fullColumn(values: Float64Array): StepColumn {
  return { values, present: new Uint8Array(values.length).fill(1), histograms: undefined };
}

/** The one series of a scalar. */
export function scalarSeries(values: Float64Array): SeriesColumn {
  return { labels: Labels.empty, column: fullColumn(values), dropName: false };
}

// The end of the line: series of columns become the value of a query.

import { must } from '../../errors/assert.ts';
import type { HistogramValue } from '../../model/histogram-value.ts';
import { compareLabels, type Labels } from '../../model/labels.ts';
import type { MatrixSeries, MatrixValue, Value, VectorSample } from '../../model/value.ts';
import type { SampleColumns } from '../../storage/sample-columns.ts';
import { floatsOf, histogramAt, type StepColumn } from '../functions/step-column.ts';
import type { ValueType } from '../parser/ast.ts';
import type { WindowSource } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { readScalar } from './batches.ts';
import { build } from './build.ts';
import { labelsBytes, seriesBytes } from './kept.ts';
import { sameLabelset, UniqueColumns, withoutName } from './names.ts';
import type { Batches, Evaluation, Operator } from './operator.ts';
import { sortInTurns } from './sort-in-turns.ts';
import { Turns } from './turns.ts';
import { openWindows } from './window-source.ts';
import { locate } from './windows-of.ts';

/** The value at the only step. A vector keeps the operator's order. */
export async function collectInstant(
  operator: Operator,
  type: ValueType,
  timeMs: number,
  evaluation: Evaluation,
): Promise<Value> {
  if (type === 'scalar') return { kind: 'scalar', timeMs, value: (await readScalar(operator))[0] };
  const samples: VectorSample[] = [];
  for await (const batch of namesRemoved(operator.run(), evaluation)) {
    for (const { labels, column } of batch) {
      if (column.present[0] === 1) {
        evaluation.bytes.take(labelsBytes(labels));
        samples.push({ labels, value: column.values[0], histogram: column.histograms?.[0] });
      }
    }
    evaluation.samples.hold(batch.length);
    const pause = evaluation.pace();
    if (pause !== undefined) await pause;
  }
  return { kind: 'vector', timeMs, samples };
}

/** The answer of a range query: every series with a value at some step, each with its points in order of time. */
export async function collectMatrix(operator: Operator, steps: Steps, evaluation: Evaluation): Promise<MatrixValue> {
  const stepTimes = new Float64Array(steps.count);
  for (let k = 0; k < steps.count; k++) stepTimes[k] = steps.startMs + k * steps.stepMs;
  const series: MatrixSeries[] = [];
  for await (const batch of namesRemoved(operator.run(), evaluation)) {
    for (const { labels, column } of batch) {
      const points = pointsOf(labels, column, stepTimes);
      const count = points.times.length + (points.histograms?.times.length ?? 0);
      if (count === 0) continue;
      evaluation.samples.hold(count);
      evaluation.bytes.take(seriesBytes(labels, column));
      series.push(points);
    }
    const pause = evaluation.pace();
    if (pause !== undefined) await pause;
  }
  return sorted(series, evaluation);
}

/** A time and a value. */
const BYTES_PER_POINT = 16;

/** The samples of the one window of each series, with their own times. */
export async function collectWindows(source: WindowSource, steps: Steps, evaluation: Evaluation): Promise<MatrixValue> {
  const { windows, batches } = openWindows(source, steps, evaluation, build);
  const series: MatrixSeries[] = [];
  for await (const batch of batches) {
    for (const one of batch) {
      const samples = one.read();
      const count = locate(samples, windows);
      if (count === 0) continue;
      evaluation.samples.touch(count);
      evaluation.samples.hold(count);
      evaluation.bytes.take(labelsBytes(one.labels) + count * BYTES_PER_POINT);
      const [from, to] = [windows.from[0], windows.to[0]];
      series.push({
        labels: one.dropName ? withoutName(one.labels) : one.labels,
        ...pointsBetween(samples, from, to),
      });
    }
  }
  return sorted(series, evaluation);
}

/** The removal that was delayed. Series that become equal are one, unless a step has both. */
async function* namesRemoved(batches: Batches, evaluation: Evaluation): Batches {
  if (!evaluation.delayedNameRemoval) {
    yield* batches;
    return;
  }
  const merged = new UniqueColumns();
  for await (const batch of batches) {
    for (const series of batch) {
      evaluation.bytes.take(seriesBytes(series.labels, series.column));
      merged.add(series.dropName ? { ...series, labels: withoutName(series.labels) } : series);
    }
  }
  yield [...merged.series()];
}

function pointsOf(labels: Labels, column: StepColumn, stepTimes: Float64Array): MatrixSeries {
  const { values, present } = column;
  if (column.histograms !== undefined) return mixedPointsOf(labels, column, stepTimes);
  let count = 0;
  for (let k = 0; k < present.length; k++) count += present[k];
  // Full columns are handed on as they are, and share the times.
  if (count === present.length) return { labels, times: stepTimes, values, histograms: undefined };
  const points = { labels, times: new Float64Array(count), values: new Float64Array(count), histograms: undefined };
  for (let k = 0, at = 0; k < present.length; k++) {
    if (present[k] === 0) continue;
    points.times[at] = stepTimes[k];
    points.values[at++] = values[k];
  }
  return points;
}

function mixedPointsOf(labels: Labels, column: StepColumn, stepTimes: Float64Array): MatrixSeries {
  const points = pointsOf(labels, floatsOf(column), stepTimes);
  const steps = [...column.present.keys()].filter((k) => histogramAt(column, k) !== undefined);
  return { ...points, histograms: histogramPoints(steps, stepTimes, column.histograms) };
}

/** The samples of a window, floats and histograms apart. */
function pointsBetween(samples: SampleColumns, from: number, to: number): Omit<MatrixSeries, 'labels'> {
  const { times, values, histograms } = samples;
  if (histograms === undefined) return { times: times.slice(from, to), values: values.slice(from, to), histograms };
  const indexes = Array.from({ length: to - from }, (_, i) => from + i);
  const floats = indexes.filter((i) => histograms[i] === undefined);
  const others = indexes.filter((i) => histograms[i] !== undefined);
  return {
    times: Float64Array.from(floats, (i) => times[i]),
    values: Float64Array.from(floats, (i) => values[i]),
    histograms: histogramPoints(others, times, histograms),
  };
}

function histogramPoints(
  indexes: readonly number[],
  times: Float64Array,
  histograms: readonly (HistogramValue | undefined)[] | undefined,
): MatrixSeries['histograms'] {
  if (indexes.length === 0) return undefined;
  return {
    times: Float64Array.from(indexes, (i) => times[i]),
    values: indexes.map((i) => must(histograms?.[i], 'histogram of a point')),
  };
}

/** Of one comparison of labels. */
const WORK = 5;

async function sorted(unsorted: MatrixSeries[], evaluation: Evaluation): Promise<MatrixValue> {
  const order = (a: MatrixSeries, b: MatrixSeries): number => compareLabels(a.labels, b.labels);
  const series = await sortInTurns(unsorted, order, new Turns(evaluation), WORK);
  for (let i = 1; i < series.length; i++) {
    if (compareLabels(series[i - 1].labels, series[i].labels) === 0) throw sameLabelset();
  }
  return { kind: 'matrix', series };
}

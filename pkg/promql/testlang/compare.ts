// Compares an answer with what a statement expects.

import { compactHistogram } from '../../model/histogram-math.ts';
import { type HistogramValue, sameBounds, sameIndexes } from '../../model/histogram-value.ts';
import type { Labels } from '../../model/labels.ts';
import type { Value } from '../../model/value.ts';
import { printHistogram } from '../functions/native-statistics.ts';
import type { WrittenHistogram } from './histogram-text.ts';
import type { AnnotationExpectation, EvalStatement } from './script.ts';
import type { Point } from './series-line.ts';

const TOLERANCE = 1e-6;

/** What an engine made of one statement. */
export interface Answer {
  readonly value: Value;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** What differs, in words; '' when nothing does. */
export function differenceOf(statement: EvalStatement, answer: Answer): string {
  return (
    annotationDifference(statement.annotations, 'warn', answer.warnings) ||
    annotationDifference(statement.annotations, 'info', answer.infos) ||
    valueDifference(statement, answer.value)
  );
}

/** Every note needs a line that fits it and every line a note, as soon as there is a line for the type. */
function annotationDifference(
  all: readonly AnnotationExpectation[],
  type: 'warn' | 'info',
  notes: readonly string[],
): string {
  const expected = all.filter((entry) => entry.type === type);
  if (expected.some((entry) => !entry.presence))
    return notes.length === 0 ? '' : `unexpected ${type}: ${notes.join('; ')}`;
  const fits = (entry: AnnotationExpectation, note: string): boolean =>
    (entry.msg === undefined || entry.msg === note) && (entry.regex === undefined || entry.regex.test(note));
  for (const entry of expected)
    if (!notes.some((note) => fits(entry, note)))
      return `missing ${type} ${entry.msg ?? entry.regex ?? ''}: ${notes.join('; ')}`;
  if (expected.length === 0) return '';
  const stray = notes.find((note) => !expected.some((entry) => fits(entry, note)));
  return stray === undefined ? '' : `unexpected ${type}: ${stray}`;
}

function valueDifference(statement: EvalStatement, value: Value): string {
  switch (value.kind) {
    case 'string':
      return value.value === statement.text ? '' : `string ${JSON.stringify(value.value)}`;
    case 'scalar':
      return same(statement.scalar, value.value) ? '' : `scalar ${value.value}, expected ${statement.scalar}`;
    case 'vector':
      return vectorDifference(statement, value);
    case 'matrix':
      return matrixDifference(statement, value);
  }
}

type VectorOf<K> = Extract<Value, { readonly kind: K }>;

function vectorDifference({ series, ordered, scalar }: EvalStatement, value: VectorOf<'vector'>): string {
  if (scalar !== undefined) return 'a vector, expected a scalar';
  const left = new Map(value.samples.map((sample) => [sample.labels.key, sample.histogram ?? sample.value]));
  if (left.size !== value.samples.length) return 'a label set twice';
  for (const [i, { labels, points }] of series.entries()) {
    const got = left.get(labels.key);
    if (got === undefined || !same(points[0], got)) return `${labels}: ${shown(got)}, expected ${shown(points[0])}`;
    if (ordered && value.samples[i].labels.key !== labels.key) return `${labels} is not at place ${i}`;
  }
  return value.samples.length === series.length ? '' : `unexpected ${surplus(value.samples, series)}`;
}

function matrixDifference(statement: EvalStatement, value: VectorOf<'matrix'>): string {
  const { startMs, stepMs } = statement.range ?? statement;
  const left = new Map(value.series.map((entry) => [entry.labels.key, entry]));
  const expected = statement.series.filter(({ points }) => points.some((point) => point !== undefined));
  for (const { labels, points } of expected) {
    const got = left.get(labels.key);
    if (got === undefined) return `${labels} is missing`;
    const byTime = new Map<number, number | HistogramValue>();
    for (const [i, time] of got.times.entries()) byTime.set(time, got.values[i]);
    for (const [i, time] of got.histograms?.times.entries() ?? []) byTime.set(time, got.histograms!.values[i]);
    for (const [k, point] of points.entries()) {
      if (point === undefined) continue;
      const timeMs = startMs + k * stepMs;
      const found = byTime.get(timeMs);
      if (found === undefined || !same(point, found))
        return `${labels} at ${timeMs}: ${shown(found)}, expected ${shown(point)}`;
      byTime.delete(timeMs);
    }
    if (byTime.size > 0) return `${labels} has ${byTime.size} points too many`;
  }
  return value.series.length === expected.length ? '' : `unexpected ${surplus(value.series, expected)}`;
}

function surplus(got: readonly { labels: Labels }[], expected: readonly { labels: Labels }[]): string {
  const known = new Set(expected.map(({ labels }) => labels.key));
  return got
    .filter(({ labels }) => !known.has(labels.key))
    .map(({ labels }) => labels.toString())
    .join(' ');
}

function shown(point: Point | HistogramValue): string {
  if (typeof point !== 'object') return String(point);
  const histogram = 'namesHint' in point ? point.histogram : point;
  return `${printHistogram(histogram)} ${histogram.schema} ${histogram.hint}`;
}

function same(expected: Point, got: number | HistogramValue): boolean {
  if (typeof expected === 'object') return typeof got === 'object' && sameHistogram(expected, got);
  return typeof expected === 'number' && typeof got === 'number' && sameNumber(expected, got);
}

/** Without regard to empty buckets, nor to a hint that the script does not name. */
function sameHistogram({ histogram, namesHint }: WrittenHistogram, got: HistogramValue): boolean {
  const a = compactHistogram(histogram);
  const b = compactHistogram(got);
  return (
    (!namesHint || a.hint === b.hint) &&
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    sameBounds(a.customValues, b.customValues) &&
    sameNumber(a.count, b.count) &&
    sameNumber(a.sum, b.sum) &&
    sameNumber(a.zeroCount, b.zeroCount) &&
    (['positive', 'negative'] as const).every(
      (side) =>
        sameIndexes(a[side].indexes, b[side].indexes) &&
        a[side].counts.every((count, i) => sameNumber(count, b[side].counts[i])),
    )
  );
}

function sameNumber(expected: number, got: number): boolean {
  if (Number.isNaN(expected) || Number.isNaN(got)) return Number.isNaN(expected) && Number.isNaN(got);
  if (expected === got) return true;
  return Math.abs(expected - got) / Math.min(Number.MAX_VALUE, Math.abs(expected) + Math.abs(got)) < TOLERANCE;
}

// Tests: reads the reference's blocks and what is known about them. A few are kept in testdata/, the others come from the
// golden data set when it is there. Floats are compared by bits.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { goldenDir } from '../../dev/golden.ts';
import { type BucketSpan, CUSTOM_BOUNDS_SCHEMA, type Histogram, type HistogramSample } from '../model/histogram.ts';
import type { SampleColumns } from '../storage/sample-columns.ts';

/** The folder `testdata` of this room. */
export const testdata = fileURLToPath(new URL('./testdata', import.meta.url));

/** The golden blocks, undefined when the golden data set is absent. */
export function goldenBlocks(): string | undefined {
  const golden = goldenDir();
  return golden === undefined ? undefined : join(golden, 'blocks');
}

export function readJsonLines<T>(path: string): T[] {
  const text = gunzipSync(readFileSync(path)).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export type GoldenSample = readonly [time: number, value: string | GoldenHistogram];

export interface GoldenHistogram {
  readonly kind: 'int' | 'float';
  readonly hint: 'unknown' | 'reset' | 'notreset' | 'gauge';
  readonly schema: number;
  readonly zeroThreshold: string;
  readonly zeroCount: string;
  readonly count: string;
  readonly sum: string;
  readonly positiveSpans?: readonly (readonly [offset: number, length: number])[];
  readonly negativeSpans?: readonly (readonly [offset: number, length: number])[];
  readonly positiveBuckets?: readonly (number | string)[];
  readonly negativeBuckets?: readonly (number | string)[];
  readonly customValues?: readonly string[];
}

export interface GoldenSeries {
  readonly ref: number;
  readonly labels: readonly (readonly [string, string])[];
  readonly chunks: readonly {
    readonly ref: number;
    readonly mint: number;
    readonly maxt: number;
    readonly enc: 'XOR' | 'histogram' | 'floathistogram';
    readonly num: number;
    readonly data: string;
  }[];
  readonly samples: readonly GoldenSample[];
}

export interface GoldenHead {
  readonly meta: Record<string, unknown>;
  readonly numSymbols: number;
  readonly symbols?: readonly string[];
  readonly labelNames: readonly string[];
  readonly tombstones?: readonly { readonly ref: number; readonly intervals: readonly (readonly [number, number])[] }[];
}

export interface GoldenAfterTombstones {
  readonly afterTombstones: true;
  readonly labels: readonly (readonly [string, string])[];
  readonly samples: readonly GoldenSample[];
}

export interface GoldenDump {
  readonly head: GoldenHead;
  readonly series: readonly GoldenSeries[];
  readonly afterTombstones: readonly GoldenAfterTombstones[];
}

export function readDump(path: string): GoldenDump {
  const [head, ...lines] = readJsonLines<GoldenHead & GoldenSeries & GoldenAfterTombstones>(path);
  return {
    head,
    series: lines.filter((line) => !line.afterTombstones),
    afterTombstones: lines.filter((line) => line.afterTombstones),
  };
}

const bits = new DataView(new ArrayBuffer(8));

/** The sixteen hex digits of a float in the golden data's spelling. */
export function floatBits(text: string): string {
  if (text === 'StaleNaN') return '7ff0000000000002';
  if (text === 'NaN') return '7ff8000000000001';
  if (text.startsWith('NaN:')) return text.slice(4);
  bits.setFloat64(0, Number(text.replace('Inf', 'Infinity')));
  return hex(bits.getUint32(0), bits.getUint32(4));
}

/** The same of two words. */
export function hex(high: number, low: number): string {
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}

/** Time and bits of each sample in [from, to), for comparing. */
export function columnsText(columns: SampleColumns, from = 0, to = columns.length): string[] {
  const out: string[] = [];
  for (let i = from; i < to; i++) {
    out.push(`${columns.times[i]} ${hex(columns.words[2 * i + 1], columns.words[2 * i])}`);
  }
  return out;
}

/** Golden float samples in the same form. */
export function goldenText(samples: readonly GoldenSample[]): string[] {
  return samples.flatMap(([time, value]) => (typeof value === 'string' ? [`${time} ${floatBits(value)}`] : []));
}

/** A decoded histogram in the golden data's shape, floats as bits. */
export function histogramText({ time, histogram }: HistogramSample): string {
  const { kind, positiveSpans, negativeSpans } = histogram;
  const [positive, negative] =
    kind === 'integer'
      ? [histogram.positiveDeltas.map(String), histogram.negativeDeltas.map(String)]
      : [[...histogram.positiveCounts].map(numberBits), [...histogram.negativeCounts].map(numberBits)];
  return JSON.stringify({
    time,
    kind: kind === 'integer' ? 'int' : 'float',
    hint: histogram.hint === 'not-reset' ? 'notreset' : histogram.hint,
    schema: histogram.schema,
    zeroThreshold: numberBits(histogram.zeroThreshold),
    zeroCount: numberBits(histogram.zeroCount),
    count: numberBits(histogram.count),
    sum: hex(histogram.sumHigh, histogram.sumLow),
    positiveSpans: spansText(positiveSpans),
    negativeSpans: spansText(negativeSpans),
    positive,
    negative,
    customValues: customText(histogram),
  });
}

/** A golden histogram sample in the same form. */
export function goldenHistogramText(time: number, golden: GoldenHistogram): string {
  const buckets = (list: readonly (number | string)[] = []) =>
    list.map((value) => (golden.kind === 'int' ? String(value) : floatBits(String(value))));
  return JSON.stringify({
    time,
    kind: golden.kind,
    hint: golden.hint,
    schema: golden.schema,
    zeroThreshold: floatBits(golden.zeroThreshold),
    zeroCount: floatBits(golden.zeroCount),
    count: floatBits(golden.count),
    sum: floatBits(golden.sum),
    positiveSpans: golden.positiveSpans ?? [],
    negativeSpans: golden.negativeSpans ?? [],
    positive: buckets(golden.positiveBuckets),
    negative: buckets(golden.negativeBuckets),
    customValues: (golden.customValues ?? []).map(floatBits),
  });
}

function customText(histogram: Histogram): string[] {
  return histogram.schema === CUSTOM_BOUNDS_SCHEMA ? histogram.customValues.map(numberBits) : [];
}

function spansText(spans: readonly BucketSpan[]): [number, number][] {
  return spans.map(({ offset, length }) => [offset, length]);
}

function numberBits(value: number): string {
  bits.setFloat64(0, value);
  return hex(bits.getUint32(0), bits.getUint32(4));
}

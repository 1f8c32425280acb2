// Tests: the series that a Prometheus was sent when the logs in testdata were recorded, and what a log says of series.
// They are made, not stored: every kind of value and of histogram, late samples, exemplars, metadata, a deletion.

import type { BucketSpan, CounterResetHint, Histogram, HistogramSample } from '../../model/histogram.ts';
import { Labels } from '../../model/labels.ts';
import type { LoggedRecord } from './reader.ts';
import { decodeRecord, type WalExemplar, type WalMetadata } from './record.ts';

export const RECORDED_AT = 1_795_000_000_000;
const STEP_MS = 15_000;
const STALE = [0x7ff00000, 2] as const;

export interface RecordedFloat {
  readonly time: number;
  readonly high: number;
  readonly low: number;
  readonly start: number;
}

export interface RecordedSeries {
  readonly labels: Labels;
  readonly floats: readonly RecordedFloat[];
  readonly histograms: readonly (HistogramSample & { readonly start: number })[];
  readonly exemplars: readonly Omit<WalExemplar, 'ref'>[];
  readonly metadata: Omit<WalMetadata, 'ref'>;
}

const bits = new DataView(new ArrayBuffer(8));

function float(time: number, value: number | readonly [high: number, low: number], start = 0): RecordedFloat {
  if (typeof value !== 'number') return { time, high: value[0], low: value[1], start };
  bits.setFloat64(0, value);
  return { time, high: bits.getUint32(0), low: bits.getUint32(4), start };
}

interface Shape {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positive: readonly BucketSpan[];
  readonly negative: readonly BucketSpan[];
  readonly customValues: readonly number[];
}

const exponential: Shape = {
  schema: 1,
  zeroThreshold: 0.001,
  positive: [
    { offset: 0, length: 2 },
    { offset: 1, length: 2 },
  ],
  negative: [{ offset: -3, length: 1 }],
  customValues: [],
};

const custom: Shape = {
  schema: -53,
  zeroThreshold: 0,
  positive: [
    { offset: 0, length: 2 },
    { offset: 1, length: 1 },
  ],
  negative: [],
  customValues: [0.005, 0.1, 1, 33554.43],
};

/** The k-th histogram of a shape: its buckets grow with k. */
function histogram(kind: Histogram['kind'], shape: Shape, k: number, hint: CounterResetHint): Histogram {
  const size = (spans: readonly BucketSpan[]): number => spans.reduce((sum, { length }) => sum + length, 0);
  const up = Array.from({ length: size(shape.positive) }, (_, i) => 1 + k * (i + 1));
  const down = Array.from({ length: size(shape.negative) }, (_, i) => 2 + k + i);
  const zeroCount = shape.schema < -4 ? 0 : 2 + k;
  const sum = 18.5 * (k + 1);
  bits.setFloat64(0, sum);
  const shared = {
    hint,
    schema: shape.schema,
    zeroThreshold: shape.zeroThreshold,
    zeroCount,
    count: [...up, ...down].reduce((total, count) => total + count, zeroCount),
    sum,
    sumHigh: bits.getUint32(0),
    sumLow: bits.getUint32(4),
    positiveSpans: shape.positive,
    negativeSpans: shape.negative,
    customValues: shape.customValues,
  };
  if (kind === 'float') {
    return { ...shared, kind, positiveCounts: Float64Array.from(up), negativeCounts: Float64Array.from(down) };
  }
  const deltas = (counts: readonly number[]) => counts.map((count, i) => count - (i === 0 ? 0 : counts[i - 1]));
  return { ...shared, kind, positiveDeltas: deltas(up), negativeDeltas: deltas(down) };
}

function histograms(
  at: number,
  kind: Histogram['kind'],
  shape: Shape,
  hint: CounterResetHint,
): (HistogramSample & { start: number })[] {
  return Array.from({ length: 5 }, (_, k) => ({
    time: at + k * STEP_MS,
    start: hint === 'gauge' ? 0 : at - 60_000,
    histogram: histogram(kind, shape, k, hint),
  }));
}

const none = { floats: [], histograms: [], exemplars: [], metadata: { type: 0, unit: '', help: '' } };

/** The series in the order they are sent, so that no sample comes late; their samples begin at `at`. */
export function seriesAt(at: number): readonly RecordedSeries[] {
  return [
    {
      ...none,
      labels: Labels.of({ __name__: 'log_temperature', job: 'a', place: 'köln 🦊' }),
      floats: [
        ...[0, Infinity, -Infinity, -0, 5e-324, Number.MAX_VALUE].map((value, i) => float(at + i * STEP_MS, value)),
        float(at + 6 * STEP_MS, [0x7ff80000, 1]),
        float(at + 7 * STEP_MS, STALE),
      ],
      metadata: { type: 2, unit: 'celsius', help: '' },
    },
    {
      ...none,
      labels: Labels.of({ __name__: 'log_integer_seconds', job: 'a' }),
      histograms: histograms(at, 'integer', exponential, 'unknown'),
      metadata: { type: 3, unit: 'seconds', help: 'Integer buckets.' },
    },
    {
      ...none,
      labels: Labels.of({ __name__: 'log_float_seconds', job: 'a' }),
      histograms: histograms(at, 'float', exponential, 'unknown'),
    },
    {
      ...none,
      labels: Labels.of({ __name__: 'log_gauge_seconds', job: 'a' }),
      histograms: histograms(at, 'integer', exponential, 'gauge'),
      metadata: { type: 4, unit: '', help: '' },
    },
    {
      ...none,
      labels: Labels.of({ __name__: 'log_custom_seconds', job: 'a' }),
      histograms: histograms(at, 'integer', custom, 'unknown'),
    },
    {
      ...none,
      labels: Labels.of({ __name__: 'log_custom_float_seconds', job: 'a' }),
      histograms: histograms(at, 'float', custom, 'unknown'),
    },
    {
      ...none,
      labels: Labels.of({ __name__: 'log_deleted', job: 'a' }),
      floats: Array.from({ length: 10 }, (_, i) => float(at + i * STEP_MS, i)),
    },
    {
      ...none,
      labels: Labels.of({ __name__: 'log_requests_total', job: 'a' }),
      floats: Array.from({ length: 300 }, (_, i) =>
        float(at + i * STEP_MS, i * 2, i < 150 ? at - 60_000 : at + 149 * STEP_MS + 1),
      ),
      exemplars: [
        { time: at, value: 0.5, labels: Labels.of({ trace_id: 'abc' }) },
        { time: at + 299 * STEP_MS, value: -1.25, labels: Labels.of({ span_id: '1', trace_id: 'd🦊f' }) },
      ],
      metadata: { type: 1, unit: 'requests', help: 'All of them, "quoted" and übrig.' },
    },
  ];
}

export const recordedSeries = seriesAt(RECORDED_AT);

/** The series with samples that came late, in the order they were sent: first the newest, then the others. */
export const lateSeries: RecordedSeries = {
  ...none,
  labels: Labels.of({ __name__: 'log_late', job: 'a' }),
  floats: [
    float(RECORDED_AT + 300 * STEP_MS, 7),
    ...Array.from({ length: 40 }, (_, i) => float(RECORDED_AT + (200 + i) * STEP_MS, i / 4)),
  ],
};

/** What was deleted of `log_deleted`, in s. */
export const recordedDeletion = {
  startS: (RECORDED_AT + 2 * STEP_MS) / 1000,
  endS: (RECORDED_AT + 4 * STEP_MS) / 1000,
};

/** What a log says of one series. */
export interface LoggedSeries {
  readonly floats: RecordedFloat[];
  readonly histograms: (HistogramSample & { readonly start: number })[];
  readonly exemplars: Omit<WalExemplar, 'ref'>[];
  metadata: Omit<WalMetadata, 'ref'> | undefined;
  readonly deleted: { minTime: number; maxTime: number }[];
}

/** Replays records: series by the text of their labels. Fails on an item of a series that was not introduced. */
export function replay(
  records: Iterable<Pick<LoggedRecord, 'bytes'>>,
  known = new Map<number, LoggedSeries>(),
): {
  series: Map<string, LoggedSeries>;
  byRef: Map<number, LoggedSeries>;
  kinds: Set<number>;
  markers: number;
} {
  const series = new Map<string, LoggedSeries>();
  const kinds = new Set<number>();
  let markers = 0;
  const of = (ref: number): LoggedSeries => {
    const found = known.get(ref);
    if (found === undefined) throw new Error(`series ${ref} was not introduced`);
    return found;
  };
  for (const { bytes } of records) {
    kinds.add(bytes[0]);
    const record = decodeRecord(bytes);
    switch (record.kind) {
      case 'series':
        for (const { ref, labels } of record.series) {
          const one = { floats: [], histograms: [], exemplars: [], metadata: undefined, deleted: [] };
          known.set(ref, one);
          series.set(labels.toString(), one);
        }
        break;
      case 'samples': {
        const { refs, times, words, starts, length } = record.samples;
        for (let i = 0; i < length; i++) {
          const [low, high] = [words[2 * i], words[2 * i + 1]];
          of(refs[i]).floats.push({ time: times[i], high, low, start: starts?.[i] ?? 0 });
        }
        break;
      }
      case 'histograms':
        for (const { ref, time, start = 0, histogram: value } of record.histograms) {
          of(ref).histograms.push({ time, start, histogram: value });
        }
        break;
      case 'exemplars':
        for (const { ref, ...exemplar } of record.exemplars) of(ref).exemplars.push(exemplar);
        break;
      case 'metadata':
        for (const { ref, ...metadata } of record.metadata) of(ref).metadata = metadata;
        break;
      case 'tombstones':
        for (const { ref, minTime, maxTime } of record.tombstones) of(ref).deleted.push({ minTime, maxTime });
        break;
      case 'mmap-markers':
        markers += record.markers.length;
        break;
      case 'unknown':
        throw new Error(`record of unknown type ${record.type}`);
    }
  }
  return { series, byRef: known, kinds, markers };
}

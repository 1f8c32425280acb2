// Tests: remote write requests as recorded from the reference, and messages in the shape the records give them in.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Histogram } from '../model/histogram.ts';
import type * as v2 from './generated/io-prometheus-write-v2.ts';
import type * as prometheus from './generated/prometheus.ts';
import { numberOf } from './int64.ts';
import { histogramSampleOf } from './remote-histogram.ts';
import { labelsOfRefs, symbolOf, type WriteRequest, type WriteRequestV2 } from './remote-write.ts';

const METADATA_TYPES = [
  'UNKNOWN',
  'COUNTER',
  'GAUGE',
  'HISTOGRAM',
  'GAUGEHISTOGRAM',
  'SUMMARY',
  'INFO',
  'STATESET',
] as const;

/** One JSON value a line. */
export function readGoldenLines(file: string): Record<string, never>[] {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** A 1.0 request as the records spell it. */
export function spellRequest({ timeseries, metadata }: WriteRequest): unknown {
  return {
    metadata: metadata.map(({ type, metric_family_name, help, unit }) => ({
      help,
      name: metric_family_name,
      type: METADATA_TYPES[type],
      unit,
    })),
    timeseries: timeseries.map(spellSeries),
  };
}

/** A series of 1.0 or of a sampled answer. */
export function spellSeries({ labels, samples, exemplars, histograms }: prometheus.TimeSeries): unknown {
  const pairs = (of: readonly prometheus.Label[]) => of.map(({ name, value }) => [name, value]);
  return {
    exemplars: exemplars.map((one) => ({
      labels: pairs(one.labels),
      t: numberOf(one.timestamp),
      v: spellFloat(one.value),
    })),
    histograms: histograms.map((message) => {
      const { time, histogram } = histogramSampleOf(message);
      return [time, spellHistogram(histogram)];
    }),
    labels: pairs(labels),
    samples: samples.map(({ timestamp, value }) => [numberOf(timestamp), spellFloat(value)]),
  };
}

/** A 2.0 request as the records spell it. */
export function spellRequestV2({ symbols, timeseries }: WriteRequestV2): unknown {
  return {
    symbols,
    timeseries: timeseries.map(({ labels_refs, samples, histograms, exemplars, metadata }) => ({
      exemplars: exemplars.map((one) => ({
        labels: [...labelsOfRefs(one.labels_refs, symbols)],
        t: numberOf(one.timestamp),
        v: spellFloat(one.value),
      })),
      histograms: histograms.map((message: v2.Histogram) => {
        const { time, histogram } = histogramSampleOf(message);
        return { h: spellHistogram(histogram), st: numberOf(message.start_timestamp), t: time };
      }),
      labels: [...labelsOfRefs(labels_refs, symbols)],
      labelsRefs: labels_refs,
      metadata: metadata && {
        help: symbolOf(symbols, metadata.help_ref),
        type: METADATA_TYPES[metadata.type]?.toLowerCase(),
        unit: symbolOf(symbols, metadata.unit_ref),
      },
      samples: samples.map(({ timestamp, value, start_timestamp }) => ({
        st: numberOf(start_timestamp),
        t: numberOf(timestamp),
        v: spellFloat(value),
      })),
    })),
  };
}

function spellHistogram(histogram: Histogram): unknown {
  const { kind, hint, schema, zeroThreshold, zeroCount, count, sum, positiveSpans, negativeSpans, customValues } =
    histogram;
  const buckets =
    kind === 'integer'
      ? [histogram.positiveDeltas, histogram.negativeDeltas]
      : [[...histogram.positiveCounts].map(spellFloat), [...histogram.negativeCounts].map(spellFloat)];
  const spelled: Record<string, unknown> = {
    kind: kind === 'integer' ? 'int' : 'float',
    hint: hint.replace('-', ''),
    schema,
    zeroThreshold: spellFloat(zeroThreshold),
    zeroCount: spellFloat(zeroCount),
    count: spellFloat(count),
    sum: spellFloat(sum),
  };
  const lists = {
    positiveSpans: positiveSpans.map(({ offset, length }) => [offset, length]),
    negativeSpans: negativeSpans.map(({ offset, length }) => [offset, length]),
    positiveBuckets: buckets[0],
    negativeBuckets: buckets[1],
    customValues: customValues.map(spellFloat),
  };
  for (const [key, list] of Object.entries(lists)) if (list.length > 0) spelled[key] = list;
  return spelled;
}

const bits = new DataView(new ArrayBuffer(8));

/** By bits, which JSON's spelling stands for too. */
export function spellFloat(value: number): string {
  bits.setFloat64(0, value);
  return bits.getBigUint64(0).toString(16).padStart(16, '0');
}

/** The same of a recorded float. */
export function recordedBits(text: string): string {
  if (text === 'StaleNaN') return '7ff0000000000002';
  if (text === 'NaN') return '7ff8000000000001';
  if (text.startsWith('NaN:')) return text.slice(4);
  return spellFloat(Number(text.replace('Inf', 'Infinity')));
}

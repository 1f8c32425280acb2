// Native histograms between the messages of remote read and write and the model. The two versions of remote write share
// the fields; 2.0 has a start timestamp besides.

import { Fault } from '../errors/fault.ts';
import {
  bucketSpansProblem,
  type CounterResetHint,
  CUSTOM_BOUNDS_SCHEMA,
  type Histogram,
  type HistogramSample,
} from '../model/histogram.ts';
import type { Init } from './codec.ts';
import type * as prometheus from './generated/prometheus.ts';
import { type Int64, int64Field, int64Of, numberOf, unsignedOf } from './int64.ts';

type HistogramMessage = prometheus.Histogram;

/** By the number on the wire. */
const hints: readonly CounterResetHint[] = ['unknown', 'reset', 'not-reset', 'gauge'];

const bits = new DataView(new ArrayBuffer(8));

/**
 * A message as a sample. `invalid` when its buckets do not fit its spans, its hint is unknown, or a number in it is larger
 * than a double can hold.
 */
export function histogramSampleOf(message: HistogramMessage): HistogramSample {
  const time = numberOf(message.timestamp);
  const hint = hints[message.reset_hint];
  if (hint === undefined) throw new Fault('invalid', `histogram at ${time} has reset hint ${message.reset_hint}`);
  bits.setFloat64(0, message.sum);
  const shared = {
    hint,
    schema: message.schema,
    zeroThreshold: message.zero_threshold,
    positiveSpans: spansOf(message.positive_spans),
    negativeSpans: spansOf(message.negative_spans),
    customValues: message.schema === CUSTOM_BOUNDS_SCHEMA ? message.custom_values.slice() : [],
    sum: message.sum,
    sumHigh: bits.getUint32(0),
    sumLow: bits.getUint32(4),
  };
  const histogram: Histogram =
    message.count === 'count_float'
      ? {
          kind: 'float',
          ...shared,
          count: message.count_float,
          zeroCount: message.zero_count_float,
          positiveCounts: Float64Array.from(message.positive_counts),
          negativeCounts: Float64Array.from(message.negative_counts),
        }
      : {
          kind: 'integer',
          ...shared,
          count: exact(unsignedOf(message.count_int), time),
          zeroCount: exact(unsignedOf(message.zero_count_int), time),
          positiveDeltas: message.positive_deltas.map((delta) => exact(numberOf(delta), time)),
          negativeDeltas: message.negative_deltas.map((delta) => exact(numberOf(delta), time)),
        };
  const problem = bucketSpansProblem(histogram);
  if (problem !== undefined) throw new Fault('invalid', `histogram at ${time} ${problem}`);
  return { time, histogram };
}

/** A sample as a message. Counts and zero counts are always there, as the reference writes them. */
export function histogramMessage({ time, histogram }: HistogramSample): Init<HistogramMessage> {
  bits.setUint32(0, histogram.sumHigh);
  bits.setUint32(4, histogram.sumLow);
  const shared = {
    sum: fieldOf(bits.getFloat64(0)),
    schema: histogram.schema || undefined,
    zero_threshold: fieldOf(histogram.zeroThreshold),
    negative_spans: spanMessages(histogram.negativeSpans),
    positive_spans: spanMessages(histogram.positiveSpans),
    reset_hint: hints.indexOf(histogram.hint) || undefined,
    timestamp: int64Field(time),
    custom_values: histogram.customValues,
  };
  if (histogram.kind === 'float') {
    return {
      ...shared,
      count_float: histogram.count,
      zero_count_float: histogram.zeroCount,
      positive_counts: [...histogram.positiveCounts],
      negative_counts: [...histogram.negativeCounts],
    };
  }
  return {
    ...shared,
    count_int: unsigned(histogram.count),
    zero_count_int: unsigned(histogram.zeroCount),
    positive_deltas: histogram.positiveDeltas.map(int64Of),
    negative_deltas: histogram.negativeDeltas.map(int64Of),
  };
}

function spansOf(messages: readonly prometheus.BucketSpan[]): { offset: number; length: number }[] {
  return messages.map(({ offset, length }) => ({ offset, length }));
}

function spanMessages(
  spans: readonly { readonly offset: number; readonly length: number }[],
): Init<prometheus.BucketSpan>[] {
  return spans.map(({ offset, length }) => ({ offset: offset || undefined, length: length || undefined }));
}

/** Absent when it is 0 to the bit, as proto3 leaves zeros out. */
function fieldOf(value: number): number | undefined {
  return Object.is(value, 0) ? undefined : value;
}

function unsigned(value: number): Int64 {
  return { ...int64Of(value), unsigned: true };
}

function exact(value: number, time: number): number {
  if (!Number.isSafeInteger(value)) throw new Fault('invalid', `histogram at ${time} has the number ${value}`);
  return value;
}

// Results as JSON text, in chunks, byte for byte as the reference's querier prints them.

import { unreachable } from '../errors/assert.ts';
import { inclusiveEnds, listBuckets } from '../model/histogram-bounds.ts';
import type { HistogramValue } from '../model/histogram-value.ts';
import type { Labels } from '../model/labels.ts';
import type { MatrixSeries, Value, VectorValue } from '../model/value.ts';
import { printPlain, printSample } from './number-text.ts';

const CHUNK_LENGTH = 64 * 1024;

/**
 * The `result` part of an answer: `[...]` of a vector or matrix, `[t,"v"]` of a scalar or string, in chunks of about
 * 64 KiB. Joined, they are one JSON text.
 */
export function* printResult(value: Value): Generator<string> {
  switch (value.kind) {
    case 'scalar':
      yield `[${printPlain(value.timeMs / 1000)},"${printPlain(value.value)}"]`;
      return;
    case 'string':
      yield `[${printPlain(value.timeMs / 1000)},${printString(value.value)}]`;
      return;
    case 'vector':
      yield* printVector(value);
      return;
    case 'matrix':
      yield* printMatrix(value.series);
      return;
    default:
      unreachable(value);
  }
}

/** Seconds: whole ones as an integer, others with exactly three decimals. */
export function printTime(timeMs: number): string {
  const rest = timeMs % 1000;
  if (rest === 0) return `${timeMs / 1000 + 0}`;
  const fraction = `${Math.abs(rest)}`.padStart(3, '0');
  return `${timeMs < 0 ? '-' : ''}${Math.trunc(Math.abs(timeMs) / 1000)}.${fraction}`;
}

function* printVector({ timeMs, samples }: VectorValue): Generator<string> {
  const time = printTime(timeMs);
  let text = '[';
  for (let i = 0; i < samples.length; i++) {
    const { labels, value, histogram } = samples[i];
    if (histogram !== undefined) {
      text += `${i === 0 ? '' : ','}{"metric":${printLabels(labels)},"histogram":[${time},${printHistogramJson(histogram)}]}`;
    } else text += `${i === 0 ? '' : ','}{"metric":${printLabels(labels)},"value":[${time},"${printSample(value)}"]}`;
    if (text.length >= CHUNK_LENGTH) {
      yield text;
      text = '';
    }
  }
  yield `${text}]`;
}

function* printMatrix(all: readonly MatrixSeries[]): Generator<string> {
  let text = '[';
  let times: Float64Array | undefined;
  let heads: string[] = [];
  for (let s = 0; s < all.length; s++) {
    const series = all[s];
    text += `${s === 0 ? '' : ','}{"metric":${printLabels(series.labels)}`;
    if (series.histograms !== undefined) {
      if (series.times.length > 0) text += `,"values":[${printFloats(series)}]`;
      text += ',"histograms":[';
      const { times: histogramTimes, values: histograms } = series.histograms;
      for (let i = 0; i < histograms.length; i++) {
        text += `${i === 0 ? '' : ','}[${printTime(histogramTimes[i])},${printHistogramJson(histograms[i])}]`;
        if (text.length >= CHUNK_LENGTH) {
          yield text;
          text = '';
        }
      }
      text += ']}';
      continue;
    }
    text += ',"values":[';
    // Full series share their times, whose text is made once.
    if (series.times !== times) {
      times = series.times;
      heads = Array.from(times, (time, i) => `${i === 0 ? '' : ','}[${printTime(time)},"`);
    }
    const { values } = series;
    for (let i = 0; i < values.length; i++) {
      text += `${heads[i]}${printSample(values[i])}"]`;
      if (text.length >= CHUNK_LENGTH) {
        yield text;
        text = '';
      }
    }
    text += ']}';
  }
  yield `${text}]`;
}

/** The floats of a series that has histograms too. */
function printFloats({ times, values }: MatrixSeries): string {
  return Array.from(values, (value, i) => `[${printTime(times[i])},"${printSample(value)}"]`).join(',');
}

/** Only buckets with observations; which ends belong to a bucket is its first number. */
function printHistogramJson(histogram: HistogramValue): string {
  let text = `{"count":"${printSample(histogram.count)}","sum":"${printSample(histogram.sum)}"`;
  const buckets = listBuckets(histogram);
  let isFirst = true;
  for (let i = 0; i < buckets.length; i++) {
    if (buckets.counts[i] === 0) continue;
    const { lower, upper } = inclusiveEnds(buckets, i, histogram);
    const ends = lower ? (upper ? 3 : 1) : upper ? 0 : 2;
    const numbers = [buckets.lowers[i], buckets.uppers[i], buckets.counts[i]].map(
      (number) => `"${printSample(number)}"`,
    );
    text += `${isFirst ? ',"buckets":[' : ','}[${ends},${numbers.join(',')}]`;
    isFirst = false;
  }
  return `${text}${isFirst ? '' : ']'}}`;
}

function printLabels({ flat }: Labels): string {
  let text = '{';
  for (let i = 0; i < flat.length; i += 2) {
    text += `${i === 0 ? '' : ','}${printString(flat[i])}:${printString(flat[i + 1])}`;
  }
  return `${text}}`;
}

/** Printable ASCII without quote and backslash, which nearly all labels are: it stands for itself. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Go's encoder knows no short form for backspace and form feed. */
function printString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(/\\(?:\\|[bf])/g, (short) => {
    if (short === '\\b') return '\\u0008';
    if (short === '\\f') return '\\u000c';
    return short;
  });
}

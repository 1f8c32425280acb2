// The recorded native histograms under testdata/ and the answers over them, read for tests.

import { histogramValueOf } from '../model/histogram-value.ts';
import { Labels } from '../model/labels.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { decodeXorChunk } from '../tsdb/chunkenc/decode.ts';
import { ENCODING_HISTOGRAM, ENCODING_XOR } from '../tsdb/chunkenc/encoding.ts';
import { decodeFloatHistograms } from '../tsdb/chunkenc/float-histogram.ts';
import { decodeHistograms } from '../tsdb/chunkenc/histogram.ts';
import { linesOf } from './answers-fixture.ts';
import type { FakeSeries } from './fake-queryable.ts';

export interface HistogramAnswer {
  readonly expression: string;
  /** Seconds; `time` of an instant query, else the others. */
  readonly time?: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly type: string;
  readonly result: unknown;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export function readHistogramAnswers(): HistogramAnswer[] {
  return linesOf(new URL('./testdata/histogram-answers.jsonl.gz', import.meta.url)) as HistogramAnswer[];
}

export function readHistogramSeries(): FakeSeries[] {
  const lines = linesOf(new URL('./testdata/histogram-series.jsonl.gz', import.meta.url)) as {
    labels: [string, string][];
    chunks: [encoding: number, data: string][];
  }[];
  return lines.map(({ labels, chunks }) => {
    const samples = new SampleBuffer();
    for (const [encoding, data] of chunks) decodeInto(samples, encoding, Buffer.from(data, 'base64'));
    return { labels: Labels.from(labels), samples };
  });
}

function decodeInto(samples: SampleBuffer, encoding: number, bytes: Uint8Array): void {
  if (encoding === ENCODING_XOR) {
    decodeXorChunk(bytes, 0, bytes.length, samples);
    return;
  }
  const decode = encoding === ENCODING_HISTOGRAM ? decodeHistograms : decodeFloatHistograms;
  for (const { time, histogram } of decode(bytes, 0, bytes.length)) {
    const value = histogramValueOf(histogram);
    if (value === undefined) samples.pushStale(time);
    else samples.pushHistogram(time, value);
  }
}

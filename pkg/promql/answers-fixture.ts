// The recorded series and answers under testdata/, read for tests.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Labels } from '../model/labels.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import type { FakeSeries } from './fake-queryable.ts';

export interface RecordedAnswer {
  readonly expression: string;
  readonly kind: 'instant' | 'range';
  /** Seconds. */
  readonly time: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly type?: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export function readAnswers(): RecordedAnswer[] {
  return linesOf(new URL('./testdata/answers.jsonl.gz', import.meta.url)) as RecordedAnswer[];
}

/** The recorded series, each with these labels added. */
export function readSeries(external: Readonly<Record<string, string>> = {}): FakeSeries[] {
  const lines = linesOf(new URL('./testdata/series.jsonl.gz', import.meta.url)) as {
    labels: [string, string][];
    times: number[];
    values: string[];
  }[];
  return lines.map(({ labels, times, values }) => {
    const samples = new SampleBuffer(times.length);
    let time = 0;
    times.forEach((difference, i) => {
      time += difference;
      pushText(samples, time, values[i]);
    });
    return { labels: Labels.from(labels).with(Labels.of(external)), samples };
  });
}

/** The JSON values of a gzipped file, one a line. */
export function linesOf(file: URL | string): unknown[] {
  const text = gunzipSync(readFileSync(file)).toString('utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

const namedBits: Readonly<Record<string, string>> = { StaleNaN: '7ff0000000000002', NaN: '7ff8000000000001' };

function pushText(samples: SampleBuffer, time: number, text: string): void {
  const bits = text.startsWith('NaN:') ? text.slice(4) : namedBits[text];
  if (bits === undefined) {
    samples.push(time, Number(text.replace('Inf', 'Infinity')));
    return;
  }
  samples.push(time, 0);
  samples.words[2 * samples.length - 1] = Number.parseInt(bits.slice(0, 8), 16);
  samples.words[2 * samples.length - 2] = Number.parseInt(bits.slice(8), 16);
}

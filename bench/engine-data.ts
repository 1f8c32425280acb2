// The block that the engine is measured on: a day of floats every 15 s, in its last six hours native histograms too.
// A pure function of its constants and the number of series; made once and kept.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HistogramSample } from '../pkg/model/histogram.ts';
import { compareLabels, Labels, METRIC_NAME } from '../pkg/model/labels.ts';
import { SampleBuffer } from '../pkg/storage/sample-columns.ts';
import { BlockWriter } from '../pkg/tsdb/block-writer.ts';
import { benchBlock, END_MS, finishBlock, keptBucket, random, START_MS } from './data.ts';

const SCRAPE_MS = 15_000;
const NATIVE_HOURS = 6;
const NATIVE_BUCKETS = 20;
/** Of each instance. */
const SERIES_PER_INSTANCE = 20;
/** Part of the folder's name: to be raised whenever the data change. */
const VERSION = 1;

const LE = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '5', '+Inf'];
const CODES = ['200', '301', '404', '500', '503'];

interface Kind {
  readonly labels: Labels;
  readonly seed: number;
  readonly valueAt: (scrape: number, seed: number) => number;
}

/** The folder that holds the one block, and the block's own; written first when it is not there yet. */
export function engineBlock(seriesCount: number): { readonly bucket: string; readonly block: string } {
  const bucket = keptBucket(`engine-${VERSION}-${seriesCount}`, (folder) => writeBlock(folder, seriesCount));
  return { bucket, block: join(bucket, readdirSync(bucket)[0]) };
}

function writeBlock(folder: string, seriesCount: number): void {
  const writer = new BlockWriter(folder, benchBlock(START_MS, END_MS));
  const samples = new SampleBuffer((END_MS - START_MS) / SCRAPE_MS);
  const instances = Math.ceil(seriesCount / SERIES_PER_INSTANCE);
  for (const { labels, seed, valueAt } of floatSeries(instances)) {
    samples.clear();
    const offset = Math.floor(random(seed % instances, 1, 0) * SCRAPE_MS * 0.95);
    for (let scrape = 0, time = START_MS + offset; time < END_MS; scrape++, time += SCRAPE_MS) {
      samples.push(time, valueAt(scrape, seed));
    }
    writer.addSeries(labels, samples);
  }
  samples.clear();
  // Their name is the last of all, so that the series are in order.
  for (const labels of sortedLabels(instances, (instance) => ({ [METRIC_NAME]: 'native_seconds', ...instance }))) {
    writer.addSeries(labels, samples, nativeSamples(numberOf(labels)));
  }
  finishBlock(folder, writer, { cluster: 'bench', replica: 'r0' });
}

function numberOf(labels: Labels): number {
  return Number(labels.get('instance').slice('instance-'.length));
}

function instanceLabels(number: number): Readonly<Record<string, string>> {
  return { instance: `instance-${String(number).padStart(5, '0')}`, job: `job-${number % 10}` };
}

function sortedLabels(
  instances: number,
  labelsOf: (instance: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
): Labels[] {
  const all = Array.from({ length: instances }, (_, number) => Labels.of(labelsOf(instanceLabels(number))));
  return all.sort(compareLabels);
}

function floatSeries(instances: number): Kind[] {
  const all: Kind[] = [];
  for (let number = 0; number < instances; number++) {
    const add = (name: string, labels: Readonly<Record<string, string>>, valueAt: Kind['valueAt']): void => {
      all.push({
        labels: Labels.of({ [METRIC_NAME]: name, ...instanceLabels(number), ...labels }),
        seed: number,
        valueAt,
      });
    };
    for (const [b, le] of LE.entries()) add('latency_seconds_bucket', { le }, counter(10 * (b + 1)));
    add('latency_seconds_count', {}, counter(10 * LE.length));
    add('latency_seconds_sum', {}, (scrape, seed) => counter(50)(scrape, seed) / 64);
    for (const [c, code] of CODES.entries()) add('http_requests_total', { code }, counter(100 / (c + 1)));
    add('memory_bytes', {}, (scrape, seed) => 4096 * Math.floor(1e5 + 1e4 * random(seed, 5, scrape >> 2)));
    add('memory_limit_bytes', {}, (_, seed) => 4096 * (120_000 + (seed % 7)));
    add('app_up', {}, () => 1);
  }
  return all.sort((a, b) => compareLabels(a.labels, b.labels));
}

/** Grows by `perScrape` with some noise, and begins anew about once a day. */
function counter(perScrape: number): Kind['valueAt'] {
  return (scrape, seed) => {
    const resetAt = 1000 + ((seed * 131) % 5000);
    const since = scrape < resetAt ? scrape : scrape - resetAt;
    return Math.floor(perScrape * (since + 0.9 * random(seed, 7, scrape)));
  };
}

function nativeSamples(seed: number): HistogramSample[] {
  const out: HistogramSample[] = [];
  const layout = {
    kind: 'integer',
    hint: 'unknown',
    schema: 3,
    zeroThreshold: 2 ** -128,
    positiveSpans: [{ offset: -8, length: NATIVE_BUCKETS }],
    negativeSpans: [],
    customValues: [],
    zeroCount: 0,
    negativeDeltas: [],
  } as const;
  const words = new DataView(new ArrayBuffer(8));
  const from = END_MS - NATIVE_HOURS * 3_600_000 + Math.floor(random(seed, 1, 0) * SCRAPE_MS * 0.95);
  for (let scrape = 1, time = from; time < END_MS; scrape++, time += SCRAPE_MS) {
    let count = 0;
    let before = 0;
    const positiveDeltas = Array.from({ length: NATIVE_BUCKETS }, (_, b) => {
      const inBucket = Math.floor((1 + Math.min(b, NATIVE_BUCKETS - b)) * (scrape + 0.9 * random(seed, b, scrape)));
      const delta = inBucket - before;
      before = inBucket;
      count += inBucket;
      return delta;
    });
    const sum = count / 8;
    words.setFloat64(0, sum);
    const histogram = {
      ...layout,
      count,
      sum,
      sumHigh: words.getUint32(0),
      sumLow: words.getUint32(4),
      positiveDeltas,
    };
    out.push({ time, histogram });
  }
  return out;
}

// What files.ts measures of our own, each in a process of its own: node dist/bench/file-tasks.js TASK ARGUMENTS

import { mkdirSync } from 'node:fs';
import { backgroundRequest } from '../pkg/async/request.ts';
import { Labels, METRIC_NAME } from '../pkg/model/labels.ts';
import type { Bucket } from '../pkg/objstore/bucket.ts';
import { uploadFile } from '../pkg/objstore/directory.ts';
import { openBucket } from '../pkg/objstore/factory.ts';
import { SampleBuffer } from '../pkg/storage/sample-columns.ts';
import { silentLogger } from '../pkg/telemetry/logger.ts';
import { Metrics } from '../pkg/telemetry/metrics.ts';
import { BlockWriter } from '../pkg/tsdb/block-writer.ts';
import { SeriesEntry } from '../pkg/tsdb/index/series-entry.ts';
import { IndexWriter } from '../pkg/tsdb/index/writer.ts';
import { openBlock } from '../pkg/tsdb/library.ts';
import { FileSink } from '../pkg/tsdb/local-file.ts';

const START_MS = Date.UTC(2025, 5, 2);
const BLOCK_MS = 2 * 3_600_000;
const STEP_MS = 60_000;
const DIGITS = 10;
const OBJECT = 'object';

const [task, ...given] = process.argv.slice(2);
switch (task) {
  case 'block':
    writeBlock(given[0], given[1], Number(given[2]));
    break;
  case 'one':
    await readSeries(given[0], [['pod', '=', 'pod-000777']], 100);
    break;
  case 'all':
    await readSeries(given[0], [], Number(given[1]));
    break;
  case 'index':
    writeIndex(given[0], Number(given[1]));
    break;
  case 'put':
    await withBucket(given[0], (bucket) => uploadFile(backgroundRequest(), bucket, given[1], OBJECT));
    break;
  case 'get':
    await withBucket(given[0], getObject);
    break;
  default:
    throw new Error(`there is no task ${task}`);
}

/** Pods of a hundred series each, a sample a minute for two hours: a chunk a series. */
function writeBlock(parent: string, ulid: string, seriesCount: number): void {
  mkdirSync(parent, { recursive: true });
  const writer = new BlockWriter(parent, { ulid, minTime: START_MS, maxTime: START_MS + BLOCK_MS });
  const samples = new SampleBuffer(120);
  const pods = seriesCount / 100;
  for (let metric = 0; metric < 100; metric++) {
    for (let pod = 0; pod < pods; pod++) {
      samples.clear();
      for (let time = START_MS, value = metric * pod; time < START_MS + BLOCK_MS; time += STEP_MS) {
        value += (time / STEP_MS + pod) % 7;
        samples.push(time, value);
      }
      // Jobs of a hundred pods each, so that pods in their order are series in theirs.
      const labels = {
        [METRIC_NAME]: `http_metric_${padded(metric, 3)}_total`,
        cluster: 'eu',
        job: `job-${padded(Math.floor(pod / 100), 3)}`,
        pod: `pod-${padded(pod, 6)}`,
      };
      writer.addSeries(Labels.of(labels), samples);
    }
  }
  writer.finish();
}

async function readSeries(
  directory: string,
  matchers: readonly (readonly [string, '=', string])[],
  expected: number,
): Promise<void> {
  const block = await openBlock(directory);
  let series = 0;
  let samples = 0;
  for await (const { floats } of block.series(matchers)) {
    series++;
    samples += floats.length;
  }
  await block.close();
  if (series !== expected || samples !== series * 120) throw new Error(`read ${series} series, ${samples} samples`);
}

async function withBucket(yaml: string, work: (bucket: Bucket) => Promise<void>): Promise<void> {
  const bucket = await openBucket({ logger: silentLogger, metrics: new Metrics(), env: process.env }, yaml);
  try {
    await work(bucket);
  } finally {
    await bucket.close();
  }
}

async function getObject(bucket: Bucket): Promise<void> {
  const { sizeBytes } = await bucket.attributes(backgroundRequest(), OBJECT);
  let size = 0;
  for await (const part of await bucket.get(backgroundRequest(), OBJECT)) size += part.length;
  if (size !== sizeBytes) throw new Error(`read ${size} of ${sizeBytes} bytes`);
}

/** Ten labels with ten values each, whatever the number of series; a dozen chunks a series. */
function writeIndex(path: string, seriesCount: number): void {
  const names = Array.from({ length: DIGITS }, (_, i) => `label_${i}`);
  const values = Array.from({ length: DIGITS }, (_, i) => `value_${i}`);
  const index = new IndexWriter(new FileSink(path), [...names, ...values]);
  const entry = new SeriesEntry();
  entry.labelCount = DIGITS;
  entry.chunkCount = 12;
  for (let i = 0; i < 12; i++) {
    entry.minTimes[i] = START_MS + i * 600_000;
    entry.maxTimes[i] = entry.minTimes[i] + 599_999;
  }
  for (let series = 0; series < seriesCount; series++) {
    const digits = padded(series, DIGITS);
    for (let i = 0; i < DIGITS; i++) {
      entry.labelRefs[2 * i] = i;
      entry.labelRefs[2 * i + 1] = DIGITS + Number(digits[i]);
    }
    for (let i = 0; i < 12; i++) entry.offsets[i] = 8 + (series * 12 + i) * 150;
    index.addSeries(entry);
  }
  index.finish();
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

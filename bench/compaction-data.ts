// Buckets for compaction beside the one of data.ts, written in the same way: two months of few series, ready to be
// downsampled, and a day's morning of very many, which shows what memory depends on.

import { Labels, METRIC_NAME } from '../pkg/model/labels.ts';
import { SampleBuffer } from '../pkg/storage/sample-columns.ts';
import { BlockWriter } from '../pkg/tsdb/block-writer.ts';
import { benchBlock, finishBlock, keptBucket, type Progress, random, START_MS, series, type Target } from './data.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SCRAPE_MS = 60_000;
const JITTERED = 0.02;
const MISSED = 0.002;
/** Part of the folders' names: to be raised whenever the data change. */
const VERSION = 1;

/** The grid of 14 days that the compactor cuts at. */
const HISTORY_START_MS = Math.floor(START_MS / (14 * DAY_MS)) * 14 * DAY_MS;
const HISTORY_DAYS = [14, 14, 14, 14, 2, 2];
const HISTORY_SERIES = 100;

/** 60 days of 100 series, a scrape a minute, compacted as far as it goes: four blocks of 14 days and two of 2. */
export function historyBucket(progress: Progress): string {
  return keptBucket(`history-${VERSION}`, (folder) => {
    const every = Math.floor(series.length / HISTORY_SERIES);
    const chosen = series.filter((_, i) => i % every === 0).slice(0, HISTORY_SERIES);
    const samples = new SampleBuffer();
    let fromMs = HISTORY_START_MS;
    HISTORY_DAYS.forEach((days, i) => {
      const toMs = fromMs + days * DAY_MS;
      const writer = new BlockWriter(folder, benchBlock(fromMs, toMs));
      for (const { target, labels, valueAt } of chosen) {
        samples.clear();
        for (let time = fromMs; time < toMs; time += SCRAPE_MS) addScrape(target, time, toMs, valueAt, samples);
        writer.addSeries(labels, samples);
      }
      finishBlock(folder, writer, { cluster: 'bench' });
      fromMs = toMs;
      progress(i + 1, HISTORY_DAYS.length);
    });
  });
}

function addScrape(
  { seed }: Target,
  gridMs: number,
  toMs: number,
  valueAt: (timeMs: number) => number,
  into: SampleBuffer,
): void {
  const k = gridMs / SCRAPE_MS;
  if (random(seed, 4, k) < MISSED) return;
  const jitter = random(seed, 2, k) < JITTERED ? Math.floor(random(seed, 3, k) * 500) : 0;
  const time = gridMs + Math.floor(random(seed, 1, 0) * SCRAPE_MS * 0.95) + jitter;
  if (time < toMs) into.push(time, valueAt(time));
}

const WIDE_METRICS = 100;
const WIDE_PODS = 2_000;
const WIDE_BLOCKS = 6;

/** 200,000 series, a scrape a minute, in six blocks of two hours: four become one of eight hours, two are too young. */
export function wideBucket(progress: Progress): string {
  return keptBucket(`wide-${VERSION}`, (folder) => {
    const samples = new SampleBuffer(120);
    for (let block = 0; block < WIDE_BLOCKS; block++) {
      const fromMs = START_MS + 2 * HOUR_MS * block;
      const toMs = fromMs + 2 * HOUR_MS;
      const writer = new BlockWriter(folder, benchBlock(fromMs, toMs));
      for (let metric = 0; metric < WIDE_METRICS; metric++) {
        for (let pod = 0; pod < WIDE_PODS; pod++) {
          samples.clear();
          for (let time = fromMs; time < toMs; time += SCRAPE_MS) {
            samples.push(
              time,
              Math.floor(((time - START_MS) / SCRAPE_MS) * (1 + (metric % 7)) + random(pod, metric, time)),
            );
          }
          writer.addSeries(wideLabels(metric, pod), samples);
        }
      }
      finishBlock(folder, writer, { cluster: 'bench' });
      progress(block + 1, WIDE_BLOCKS);
    }
  });
}

/** In label order as the numbers are. */
function wideLabels(metric: number, pod: number): Labels {
  const padded = (number: number, digits: number): string => String(number).padStart(digits, '0');
  return Labels.of({
    [METRIC_NAME]: `http_metric_${padded(metric, 3)}_total`,
    job: `job-${padded(Math.floor(pod / 100), 3)}`,
    namespace: `namespace-${padded(Math.floor(pod / 50), 3)}`,
    pod: `pod-${padded(pod, 6)}`,
  });
}

// `node dist/bench/engine.js --memory`: the most memory that an aggregation of rates takes over many series and over ten
// times as many. Each size has a block of its own, two hours at a minute, and a process of its own.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { backgroundRequest } from '../pkg/async/request.ts';
import { Labels, METRIC_NAME } from '../pkg/model/labels.ts';
import { Engine } from '../pkg/promql/engine.ts';
import { SeriesQueryable } from '../pkg/promql/series-queryable.ts';
import { SampleBuffer } from '../pkg/storage/sample-columns.ts';
import { BlockWriter } from '../pkg/tsdb/block-writer.ts';
import { openBlock } from '../pkg/tsdb/library.ts';
import { benchBlock, END_MS, finishBlock, keptBucket, random } from './data.ts';
import { measured } from './measured.ts';

const SIZES = [10_000, 100_000] as const;
/** The aim for the larger of the two, in times of the smaller. */
const AIM = 1.5;
const SCRAPE_MS = 60_000;
const SPAN_MS = 2 * 3_600_000;
const EXPRESSION = 'sum by (job) (rate(jobs_total[5m]))';
/** Part of the folder's name: to be raised whenever the data change. */
const VERSION = 1;

/** Prints a table of the sizes. `program` and `args` start this same program again. */
export async function compareMemory(program: string, args: readonly string[]): Promise<void> {
  console.log('| series | processor ms | peak MiB | times the smaller | aim |');
  console.log('| --- | --- | --- | --- | --- |');
  let smaller: number | undefined;
  for (const size of SIZES) {
    memoryBlock(size);
    const { cpuMs, peakMib } = await measured(program, [...args, `--memory-of=${size}`]);
    smaller ??= peakMib;
    const figures = [size, cpuMs.toFixed(0), peakMib.toFixed(0), (peakMib / smaller).toFixed(2)];
    console.log(`| ${[...figures, size === SIZES[0] ? '' : AIM].join(' | ')} |`);
  }
}

/** Asks once, in this process. */
export async function askOver(seriesCount: number): Promise<void> {
  const block = await openBlock(memoryBlock(seriesCount));
  try {
    const engine = new Engine({ lookbackMs: 300_000, timeoutMs: 600_000, defaultEvaluationIntervalMs: 60_000 });
    const times = { startMs: END_MS - SPAN_MS, endMs: END_MS - SCRAPE_MS, stepMs: SCRAPE_MS };
    const query = { expression: EXPRESSION, ...times };
    const { value } = await engine.range(backgroundRequest(), new SeriesQueryable(block), query);
    if (value.kind !== 'matrix' || value.series.length !== 10) throw new Error(`a ${value.kind} is not the answer`);
  } finally {
    await block.close();
  }
}

/** The block's folder, written first when it is not there yet. */
export function memoryBlock(seriesCount: number): string {
  const bucket = keptBucket(`engine-memory-${VERSION}-${seriesCount}`, (folder) => writeBlock(folder, seriesCount));
  return join(bucket, readdirSync(bucket)[0]);
}

function writeBlock(folder: string, seriesCount: number): void {
  const writer = new BlockWriter(folder, benchBlock(END_MS - SPAN_MS, END_MS));
  const samples = new SampleBuffer(SPAN_MS / SCRAPE_MS);
  for (let number = 0; number < seriesCount; number++) {
    const instance = `instance-${String(number).padStart(6, '0')}`;
    const labels = Labels.of({ [METRIC_NAME]: 'jobs_total', instance, job: `job-${number % 10}` });
    const offset = Math.floor(random(number, 1, 0) * SCRAPE_MS * 0.95);
    samples.clear();
    for (let scrape = 0, time = END_MS - SPAN_MS + offset; time < END_MS; scrape++, time += SCRAPE_MS) {
      samples.push(time, Math.floor(10 * (scrape + 0.9 * random(number, 7, scrape))));
    }
    writer.addSeries(labels, samples);
  }
  finishBlock(folder, writer, { cluster: 'bench', replica: 'r0' });
}

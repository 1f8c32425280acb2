// `node dist/bench/engine.js`: the engine, as the library `tributary/promql` over a block opened by `tributary/tsdb`, and a
// real Prometheus that serves the same block, in turns. Prints figures, and ends with 1 when answers differ.
//
//   --series=n   floats in the block, 10,000 unless given     --only=text   only the queries whose names hold the text
//   --runs=n     counted runs of each, 5 unless given
//   --memory     instead of all that: how much an aggregation takes over many series, and over ten times as many
//   --stops      instead of all that: how long queries go on after their caller has left
//
// Ours runs in this process, up to the text of the answer; Prometheus' time has its HTTP in it. Processor time is the
// fairer of the two when others are at work on the machine.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peer } from '../dev/peers.ts';
import { backgroundRequest } from '../pkg/async/request.ts';
import { Engine } from '../pkg/promql/engine.ts';
import { printResult } from '../pkg/promql/result-json.ts';
import { SeriesQueryable } from '../pkg/promql/series-queryable.ts';
import { openBlock } from '../pkg/tsdb/library.ts';
import { differenceOf, sizeOf, withTiesInOrder } from './answers.ts';
import { END_MS } from './data.ts';
import { engineBlock } from './engine-data.ts';
import { askOver, compareMemory } from './engine-memory.ts';
import { compareStops } from './engine-stops.ts';
import { cpuOf, startPrometheus } from './fleet.ts';

interface EngineJob {
  readonly name: string;
  readonly hours: number;
  readonly stepSeconds: number;
  readonly expression: string;
  /** The most of Prometheus' time that we want to take. */
  readonly aim: 0.4 | 1;
}

const only = optionOf('only') ?? '';
const seriesCount = Number(optionOf('series') ?? 10_000);
const runs = Number(optionOf('runs') ?? 5);

const jobs: readonly EngineJob[] = [
  ...both('sum of rates', 'sum by (job) (rate(http_requests_total[5m]))', 0.4),
  ...both('classic quantile', 'histogram_quantile(0.9, sum by (job, le) (rate(latency_seconds_bucket[5m])))', 0.4),
  ...both('highest of an hour', 'max by (job) (max_over_time(http_requests_total[1h]))', 0.4),
  ...both('average of ten minutes', 'avg by (job) (avg_over_time(memory_bytes[10m]))', 0.4),
  ...both('quantile over time', 'max by (job) (quantile_over_time(0.9, memory_bytes[10m]))', 0.4),
  ...both('join', 'max by (job) (memory_bytes / on (instance) memory_limit_bytes)', 0.4),
  ...both('join of one to many', 'sum by (job) (http_requests_total * on (instance) group_left memory_bytes)', 0.4),
  ...both('topk', 'topk(5, rate(http_requests_total[5m]))', 1),
  ...both('subquery', 'max by (job) (max_over_time(rate(http_requests_total{code="200"}[5m])[30m:1m]))', 0.4),
  job('rates of all, instant', 0, 'sum by (job) (rate(http_requests_total[5m]))', 1),
  job('quantile of all, instant', 0, 'histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))', 1),
  job('sorted, instant', 0, 'sort_desc(http_requests_total * timestamp(http_requests_total))', 1),
  job('native quantile', 6, 'histogram_quantile(0.9, sum by (job) (rate(native_seconds[5m])))', 1),
  job('native average', 6, 'histogram_avg(sum by (job) (rate(native_seconds[5m])))', 1),
];

const differences: string[] = [];
const memoryOf = optionOf('memory-of');
if (memoryOf !== undefined) await askOver(Number(memoryOf));
else if (process.argv.includes('--memory')) await compareMemory(process.execPath, [process.argv[1]]);
else if (process.argv.includes('--stops')) await compareStops();
else await compareTimes();

async function compareTimes(): Promise<void> {
  const program = await peer('prometheus');
  if (program === undefined) {
    console.error('no prometheus program found: set TRIBUTARY_PEERS to the folder that has it');
    process.exitCode = 2;
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'tributary-bench-engine-run-'));
  try {
    const { bucket, block: directory } = engineBlock(seriesCount);
    console.error(`${seriesCount} series in ${bucket}`);
    const prometheus = await startPrometheus(program, scratch, bucket);
    const block = await openBlock(directory);
    try {
      const engine = new Engine({ lookbackMs: 300_000, timeoutMs: 600_000, defaultEvaluationIntervalMs: 60_000 });
      const queryable = new SeriesQueryable(block);
      console.log('| | processor ms, Prometheus | Tributary | ratio | wall ms, Prometheus | Tributary | ratio | aim |');
      console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
      for (const one of jobs.filter(({ name }) => name.includes(only))) {
        await compare(
          one,
          async () => (await fetch(`http://${prometheus.http}${pathOf(one)}`)).text(),
          () => cpuOf(prometheus),
          () => answerOf(engine, queryable, one),
        );
      }
    } finally {
      await block.close();
      await prometheus.process.stop();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  for (const text of differences) console.log(`DIFFERENT ANSWERS: ${text}`);
  process.exitCode = differences.length === 0 ? 0 : 1;
}

async function compare(
  { name, aim }: EngineJob,
  askReference: () => Promise<string>,
  cpuOfReference: () => number,
  askOurs: () => Promise<string>,
): Promise<void> {
  const sides = [
    { ask: askReference, cpu: cpuOfReference },
    { ask: askOurs, cpu: ownCpuMs },
  ];
  const wall: number[][] = [[], []];
  const cpu = [0, 0];
  const answers: string[] = [];
  // The first of each is not counted.
  for (let run = -1; run < runs; run++) {
    for (const side of run % 2 === 0 ? [0, 1] : [1, 0]) {
      const before = sides[side].cpu();
      const since = performance.now();
      answers[side] = await sides[side].ask();
      if (run < 0) continue;
      wall[side].push(performance.now() - since);
      cpu[side] += (sides[side].cpu() - before) / runs;
    }
  }
  const [reference, ours] = answers.map((answer) => (name.startsWith('sorted') ? withTiesInOrder(answer) : answer));
  const difference = sizeOf(reference) === 0 ? 'empty' : differenceOf(reference, ours);
  if (difference !== undefined) differences.push(`${name}: ${difference}`);
  const [a, b] = wall.map((all) => Math.min(...all));
  const figures = [cpu[0], cpu[1], cpu[1] / cpu[0], a, b, b / a].map((x, i) => x.toFixed(i % 3 === 2 ? 2 : 0));
  console.log(`| ${[name, ...figures, aim].join(' | ')} |`);
}

async function answerOf(engine: Engine, queryable: SeriesQueryable, asked: EngineJob): Promise<string> {
  const { startMs, endMs, stepMs } = timesOf(asked);
  const { expression, hours } = asked;
  const { value } =
    hours === 0
      ? await engine.instant(backgroundRequest(), queryable, { expression, timeMs: endMs })
      : await engine.range(backgroundRequest(), queryable, { expression, startMs, endMs, stepMs });
  const parts = ['{"status":"success","data":{"resultType":"', value.kind, '","result":', ...printResult(value), '}}'];
  return parts.join('');
}

function pathOf(asked: EngineJob): string {
  const { startMs, endMs, stepMs } = timesOf(asked);
  const query = encodeURIComponent(asked.expression);
  return asked.hours === 0
    ? `/api/v1/query?query=${query}&time=${endMs / 1000}`
    : `/api/v1/query_range?query=${query}&start=${startMs / 1000}&end=${endMs / 1000}&step=${stepMs / 1000}`;
}

/** A scrape before the end of the block. */
function timesOf({ hours, stepSeconds }: EngineJob): { startMs: number; endMs: number; stepMs: number } {
  const endMs = END_MS - 15_000;
  return { startMs: endMs - hours * 3_600_000, endMs, stepMs: stepSeconds * 1000 };
}

function both(name: string, expression: string, aim: EngineJob['aim']): EngineJob[] {
  return [6, 24].map((hours) => job(`${name}, ${hours}h`, hours, expression, aim));
}

function job(name: string, hours: number, expression: string, aim: EngineJob['aim']): EngineJob {
  return { name, hours, stepSeconds: hours === 24 ? 120 : 60, expression, aim };
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function optionOf(name: string): string | undefined {
  return process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
}

// `npm run bench`: Tributary and Thanos side by side over one bucket. Prints figures and decides nothing, but ends with 1
// when the two give different answers. Runs take turns, so that a busy moment of the machine meets both.
//
//   --only=text   only the jobs whose names hold the text      --rounds=n   times every job's runs by n
//   --wide        compaction of 200,000 series, too      --large         only queries over sixty million samples

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { peer } from '../dev/peers.ts';
import { differenceOf, sizeOf } from './answers.ts';
import { compareCompactions } from './compactions.ts';
import { benchBucket, largeBucket, SERIES_COUNT } from './data.ts';
import {
  cpuOf,
  memoryOf,
  ours,
  type Running,
  reference,
  type Side,
  startPrometheus,
  startQuery,
  startSidecar,
  startStore,
} from './fleet.ts';
import { type Job, jobs, largeJobs } from './jobs.ts';
import { readStream } from './streams.ts';

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly thanos: readonly number[];
  readonly tributary: readonly number[];
  /** Of throughputs more is better, and the ratio is turned over. */
  readonly isRate?: boolean;
}

const STREAM_RUNS = 5;
const START_RUNS = 7;
const SETTLE_MS = 3_000;

// Node reads these at each start, which takes as long as all the rest of it; where there are none it does not.
delete process.env['NODE_EXTRA_CA_CERTS'];

const only = optionOf('only') ?? '';
const rounds = Number(optionOf('rounds') ?? 1);

const thanosProgram = await peer('thanos');
const prometheusProgram = await peer('prometheus');
if (thanosProgram === undefined) {
  console.error('no thanos program found: set TRIBUTARY_PEERS to the folder that has it');
  process.exit(2);
}

const isWide = process.argv.includes('--wide');
const isLarge = process.argv.includes('--large');
const progress = (written: number, wanted: number): boolean =>
  process.stderr.write(`\rwriting block ${written} of ${wanted} `);
const bucket = isLarge ? largeBucket(progress) : benchBucket(progress);
const scratch = mkdtempSync(join(tmpdir(), 'tributary-bench-run-'));
const sides = [reference(thanosProgram), ours()] as const;
const rows: Row[] = [];
const differences: string[] = [];
const started: Running[] = [];
try {
  console.error(isLarge ? bucket : `\n${SERIES_COUNT} series a replica in ${bucket}`);
  if (!only.startsWith('compaction')) await compareQueries(isLarge ? largeJobs : jobs);
  if (!isLarge) await compareSidecars();
  if (!isLarge && (only.startsWith('compaction') || 'compaction'.includes(only))) {
    const found = await compareCompactions(sides, { scratch, rounds, only, isWide, progress });
    for (const row of found.rows) console.error(line(row));
    rows.push(...found.rows);
    differences.push(...found.differences);
  }
  if (only === '' && !isLarge) compareStarts();
} finally {
  for (const { process } of started.reverse()) await process.stop().catch(() => process.kill());
  rmSync(scratch, { recursive: true, force: true });
}
printTable(rows);
for (const text of differences) console.log(`DIFFERENT ANSWERS: ${text}`);
process.exitCode = differences.length === 0 ? 0 : 1;

async function compareQueries(asked: readonly Job[]): Promise<void> {
  const stores: Running[] = [];
  const queriers: Running[] = [];
  for (const side of sides) {
    const store = await kept(startStore(side, scratch, bucket));
    stores.push(store);
    queriers.push(await kept(startQuery(side, store.grpc)));
  }
  await pause(SETTLE_MS);
  const idle = [stores, queriers].map((both) => both.map((one) => memoryOf(one).now));
  for (const job of asked.filter(({ name }) => name.includes(only))) {
    const ask = async (side: number): Promise<string> => {
      const response = await fetch(`http://${queriers[side].http}${job.path}`);
      return response.text();
    };
    const spent = (side: number): number => cpuOf(stores[side]) + cpuOf(queriers[side]);
    const what = `${job.size}: ${job.name}`;
    await compareRuns(job.warmUp > 0 ? `${what}, just started` : what, job, ask, spent);
    if (job.warmUp === 0) continue;
    for (let run = 0; run < job.warmUp; run++) for (const side of [0, 1]) await ask(side);
    await compareRuns(what, job, ask, spent);
  }
  for (const [what, both, before] of [
    ['store', stores, idle[0]],
    ['querier', queriers, idle[1]],
  ] as const) {
    rows.push({ what: `memory of the ${what}, idle`, unit: 'MiB', thanos: [before[0]], tributary: [before[1]] });
    const peaks = both.map((one) => memoryOf(one).peak);
    rows.push({ what: `memory of the ${what}, peak`, unit: 'MiB', thanos: [peaks[0]], tributary: [peaks[1]] });
  }
  if (!isLarge) await compareStreams('store', stores);
  for (const one of [...queriers, ...stores]) await one.process.stop();
}

/** Times a job's runs on both sides in turn and compares the last answers. */
async function compareRuns(
  what: string,
  job: Job,
  ask: (side: number) => Promise<string>,
  spent: (side: number) => number,
): Promise<void> {
  const times: [number[], number[]] = [[], []];
  const cpu: [number, number] = [0, 0];
  const answers: string[] = [];
  // The first of each is not counted: it warms the page cache, and code is compiled on both sides of it.
  for (let run = -1; run < job.runs * rounds; run++) {
    for (const side of run % 2 === 0 ? [0, 1] : [1, 0]) {
      const spentBefore = spent(side);
      const since = performance.now();
      answers[side] = await ask(side);
      if (run < 0) continue;
      times[side].push(performance.now() - since);
      cpu[side] += spent(side) - spentBefore;
    }
  }
  const difference = sizeOf(answers[0]) === 0 ? 'empty' : differenceOf(answers[0], answers[1]);
  if (difference !== undefined) differences.push(`${what}: ${difference}`);
  rows.push({ what, unit: 'ms', thanos: times[0], tributary: times[1] });
  console.error(line(rows.at(-1)!));
  const [a, b] = cpu.map((all) => all / (job.runs * rounds));
  rows.push({ what: `${what}, processor time`, unit: 'ms', thanos: [a], tributary: [b] });
  console.error(line(rows.at(-1)!));
}

async function compareSidecars(): Promise<void> {
  if (prometheusProgram === undefined || !'sidecar'.includes(only)) return;
  const prometheus = await kept(startPrometheus(prometheusProgram, scratch, bucket));
  const sidecars: Running[] = [];
  for (const side of sides) sidecars.push(await kept(startSidecar(side, `http://${prometheus.http}`)));
  await pause(SETTLE_MS);
  const idle = sidecars.map((one) => memoryOf(one).now);
  rows.push({ what: 'memory of the sidecar, idle', unit: 'MiB', thanos: [idle[0]], tributary: [idle[1]] });
  await compareStreams('sidecar', sidecars);
  const peaks = sidecars.map((one) => memoryOf(one).peak);
  rows.push({ what: 'memory of the sidecar, peak', unit: 'MiB', thanos: [peaks[0]], tributary: [peaks[1]] });
  for (const one of [...sidecars, prometheus]) await one.process.stop();
}

async function compareStreams(what: string, both: readonly Running[]): Promise<void> {
  const rates: [number[], number[]] = [[], []];
  const counts: number[] = [];
  for (let run = -1; run < STREAM_RUNS * rounds; run++) {
    for (const side of run % 2 === 0 ? [0, 1] : [1, 0]) {
      const { samples, seconds } = await readStream(both[side].grpc);
      counts[side] = samples;
      if (run >= 0) rates[side].push(samples / seconds / 1e6);
    }
  }
  if (counts[0] !== counts[1]) differences.push(`stream of the ${what}: ${counts[0]} and ${counts[1]} samples`);
  rows.push({ what: `stream of the ${what}`, unit: 'Msamples/s', thanos: rates[0], tributary: rates[1], isRate: true });
  console.error(line(rows.at(-1)!));
}

function compareStarts(): void {
  for (const flag of ['--version', '--help']) {
    const times = sides.map((side) => startTimes(side, flag));
    rows.push({ what: flag, unit: 'ms', thanos: times[0], tributary: times[1] });
  }
}

function startTimes({ command, prefix }: Side, flag: string): number[] {
  return Array.from({ length: START_RUNS }, () => {
    const since = performance.now();
    execFileSync(command, [...prefix, flag], { stdio: 'ignore' });
    return performance.now() - since;
  });
}

async function kept(starting: Promise<Running>): Promise<Running> {
  const running = await starting;
  started.push(running);
  return running;
}

function printTable(all: readonly Row[]): void {
  console.log('| | unit | Thanos best | median | Tributary best | median | ratio of best | of medians |');
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const row of all) console.log(line(row));
}

function line({ what, unit, thanos, tributary, isRate = false }: Row): string {
  const [a, b] = [summary(thanos, isRate), summary(tributary, isRate)];
  const ratios = [b.best / a.best, b.median / a.median].map((ratio) => (isRate ? 1 / ratio : ratio).toFixed(2));
  return `| ${[what, unit, text(a.best), text(a.median), text(b.best), text(b.median), ...ratios].join(' | ')} |`;
}

function summary(values: readonly number[], isRate: boolean): { readonly best: number; readonly median: number } {
  const sorted = [...values].sort((a, b) => (isRate ? b - a : a - b));
  return { best: sorted[0], median: sorted[sorted.length >> 1] };
}

function text(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function optionOf(name: string): string | undefined {
  return process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
}

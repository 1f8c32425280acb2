// tributary demo: everything at once, with demonstration data: what `npm start` runs.

import { join, resolve } from 'node:path';
import { backgroundRequest } from '../pkg/async/request.ts';
import type { FlagTable } from '../pkg/config/flag.ts';
import { int, optionalString, string } from '../pkg/config/flag-kinds.ts';
import { Fault, kindOf } from '../pkg/errors/fault.ts';
import type { Component } from '../pkg/lifecycle/component.ts';
import { Group } from '../pkg/lifecycle/group.ts';
import { Loop } from '../pkg/lifecycle/loop.ts';
import { makeWritable } from '../pkg/lifecycle/make-writable.ts';
import { Probe } from '../pkg/lifecycle/probe.ts';
import { openBucket } from '../pkg/objstore/factory.ts';
import type { Logger } from '../pkg/telemetry/logger.ts';
import { Metrics } from '../pkg/telemetry/metrics.ts';
import { type CommandContext, type CommandValues, defineCommand, type TextSink } from './command-spec.ts';
import { DemoHistory } from './demo/fill.ts';
import { Guard } from './demo/guard.ts';
import { DEMO_SERIES_COUNT } from './demo/history.ts';
import { freeAddress, mustBeFree } from './demo/ports.ts';
import { Program } from './demo/program.ts';
import { OWN_DATA, type PlannedProgram, planPrograms } from './demo/programs.ts';
import { findPeer } from './find-peer.ts';

const demoFlags = {
  'data-dir': string('./data', 'Where the bucket, logs and working files go.'),
  'http-address': string('127.0.0.1:10902', "Address of the querier's HTTP API."),
  'grpc-address': string('', "Address of the querier's gRPC API; a free port when not given."),
  'history-days': int(3, 'Days of demonstration history to keep in the bucket.'),
  'prometheus.url': optionalString('Your own Prometheus, to put the sidecar beside it instead of beside two of ours.'),
  'prometheus.data-dir': optionalString('Its data directory: finished blocks are uploaded to the bucket.'),
} satisfies FlagTable;

type DemoValues = CommandValues<typeof demoFlags>;

const EXTEND_INTERVAL_MS = 60_000;
/** From here on writing takes long enough to show progress. */
const MANY_BLOCKS = 10;
const GRACE_MS = 60_000;
/** A program that takes so long to be ready is worth a line, again and again. */
const WAITING_MS = 10_000;
/** Starts before the demonstration gives up on finding free ports. */
const MOST_TRIES = 5;

export const command = defineCommand({
  name: 'demo',
  summary: 'Everything at once, with demonstration data: a first look.',
  flags: demoFlags,
  run: runDemo,
});

async function runDemo(values: DemoValues, context: CommandContext): Promise<number> {
  const { stdout, stop } = context;
  const dataDir = resolve(values['data-dir']);
  if (values['history-days'] < 1) throw new Fault('invalid', '--history-days must be at least 1');
  if (values['prometheus.data-dir'] !== undefined && values['prometheus.url'] === undefined) {
    throw new Fault('invalid', '--prometheus.data-dir needs --prometheus.url: it is the directory of that Prometheus');
  }
  await namedPortsMustBeFree(values);
  const bucketDir = join(dataDir, 'bucket');
  makeWritable(bucketDir, '--data-dir=directory');
  const bucketYaml = `{type: FILESYSTEM, config: {directory: ${JSON.stringify(bucketDir)}}}`;
  const { logger, env } = context;
  const bucket = await openBucket({ logger, metrics: new Metrics(), env }, bucketYaml);
  const guard = new Guard();
  try {
    const history = new DemoHistory(bucket, {
      stagingDir: join(dataDir, 'staging'),
      days: values['history-days'],
    });
    await fill(history, values['history-days'], stdout, stop);
    if (stop.aborted) return 0;
    await runStack(values, context, { dataDir, bucketYaml, history, guard });
    stdout.write('everything is stopped; the data stays in place for the next start\n');
    return 0;
  } finally {
    await guard.stop();
    await bucket.close();
  }
}

async function namedPortsMustBeFree(values: DemoValues): Promise<void> {
  await mustBeFree(values['http-address'], '--http-address');
  if (values['grpc-address'] !== '') await mustBeFree(values['grpc-address'], '--grpc-address');
}

interface Stack {
  readonly dataDir: string;
  readonly bucketYaml: string;
  readonly history: DemoHistory;
  readonly guard: Guard;
}

/** Runs everything until it is stopped. When somebody else takes a port before one of ours does, others are chosen. */
async function runStack(values: DemoValues, context: CommandContext, stack: Stack): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await runOnce(values, context, stack);
    } catch (thrown) {
      if (kindOf(thrown) !== 'conflict' || tries === MOST_TRIES) throw thrown;
      await namedPortsMustBeFree(values);
      context.stdout.write('a port was taken by another program meanwhile: starting again with others\n');
    }
  }
}

async function runOnce(
  values: DemoValues,
  { stdout, stop, logger, env }: CommandContext,
  { dataDir, bucketYaml, history, guard }: Stack,
): Promise<void> {
  const programs = await planPrograms({
    dataDir,
    bucketYaml,
    queryHttpAddress: values['http-address'],
    queryGrpcAddress: values['grpc-address'] || (await freeAddress()),
    prometheusProgram: values['prometheus.url'] === undefined ? await findPeer('prometheus', env) : undefined,
    prometheusUrl: values['prometheus.url'],
    prometheusDataDir: values['prometheus.data-dir'],
  });
  const step = async (signal: AbortSignal): Promise<void> => {
    await history.extend(backgroundRequest(signal), Date.now(), () => {});
  };
  const group = new Group({ logger: troubleOf(logger), probe: new Probe() }, { graceMs: GRACE_MS }, [
    ...programs.map((program) => announced(new Program(program, guard), program, stdout)),
    new Loop({ logger, step }, { name: 'demo history', intervalMs: EXTEND_INTERVAL_MS }),
    welcome(values, programs, dataDir, stdout),
  ]);
  await group.run(stop);
}

async function fill(history: DemoHistory, days: number, stdout: TextSink, stop: AbortSignal): Promise<void> {
  const request = backgroundRequest(stop);
  const begun = Date.now();
  let told = 0;
  const written = await history.extend(request, begun, (done, wanted) => {
    // A later start has a few blocks to add, which needs no telling.
    if (wanted < MANY_BLOCKS) return;
    if (told === 0) stdout.write(`Filling the bucket with ${days} days of demonstration history:\n`);
    // A line for every fifth is progress enough, also in a log file.
    const fifth = Math.max(1, Math.floor((5 * done) / wanted));
    if (fifth > told) stdout.write(`  ${done} of ${wanted} blocks\n`);
    told = fifth;
  });
  await history.dropReplaced(request);
  if (written === 0) return;
  const seconds = ((Date.now() - begun) / 1000).toFixed(1);
  stdout.write(
    `wrote ${written} blocks of ${days} days of two replicas, ${DEMO_SERIES_COUNT} series each, in ${seconds} s\n`,
  );
}

/** A program that tells when it runs. */
function announced(program: Program, { name, what, url }: PlannedProgram, stdout: TextSink): Component {
  return {
    name,
    start: async (host) => {
      const tell = (): void => {
        stdout.write(`  ${name.padEnd(14)} not ready yet, waiting; its last words: ${program.lastWords(1)}\n`);
      };
      const timer = setInterval(tell, WAITING_MS);
      try {
        await program.start(host);
      } finally {
        clearInterval(timer);
      }
      if (!host.signal.aborted) stdout.write(`  ${name.padEnd(14)} ${url.padEnd(28)} ${what}\n`);
    },
    stop: () => program.stop(),
  };
}

/** The last to start: everything runs, so this is the moment to say what can be asked. */
function welcome(
  values: DemoValues,
  programs: readonly PlannedProgram[],
  dataDir: string,
  stdout: TextSink,
): Component {
  const api = `http://${values['http-address']}/api/v1`;
  return {
    name: 'welcome',
    start: async () => {
      const lines = [
        '',
        `Tributary runs. Open http://${values['http-address']}/ in a browser, or ask it in another terminal:`,
        `  curl '${api}/query' --data-urlencode 'query=sum by (cluster, job) (up)'`,
        `  curl '${api}/query' --data-urlencode 'query=sum by (handler) (rate(http_requests_total{cluster="demo"}[5m]))'`,
        '  and with dedup=false, to see the replicas apart (one of them is away now and then):',
        `  curl '${api}/query' --data-urlencode 'query=up{cluster="demo",job="shop"}' --data 'dedup=false'`,
        `Grafana: add a Prometheus data source with the URL http://${values['http-address']}`,
        aboutPrometheus(values, programs),
        ...(values['prometheus.url'] === undefined ? [OWN_DATA] : []),
        `Data and logs are in ${dataDir}. Ctrl-C stops everything.`,
        '',
      ];
      stdout.write(`${lines.join('\n')}\n`);
    },
    stop: async () => {},
  };
}

function aboutPrometheus(values: DemoValues, programs: readonly PlannedProgram[]): string {
  const { 'prometheus.url': url, 'prometheus.data-dir': directory } = values;
  if (url !== undefined && directory === undefined)
    return `Recent data of ${url} is in the answers; nothing is uploaded.`;
  if (url !== undefined) return `Recent data of ${url} is in the answers; its finished blocks go to the bucket.`;
  if (programs.some(({ name }) => name.startsWith('prometheus'))) {
    return 'Two replicas of a real Prometheus scrape all this (cluster="local"); their first blocks are in the bucket in two minutes.';
  }
  return 'No Prometheus was found, so nothing is scraped.';
}

/** What the group tells as it starts and stops is on stdout already, in words for people; trouble is still logged. */
function troubleOf(logger: Logger): Logger {
  return {
    debug: (message, fields) => logger.debug(message, fields),
    info: (message, fields) => logger.debug(message, fields),
    warn: (message, fields) => logger.warn(message, fields),
    error: (message, fields) => logger.error(message, fields),
    with: (fields) => troubleOf(logger.with(fields)),
  };
}

// Which programs the demonstration runs, and with which flags: the same commands one would type by hand.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freeAddress } from './ports.ts';
import type { ProgramSpec } from './program.ts';

export interface StackOptions {
  readonly dataDir: string;
  readonly bucketYaml: string;
  readonly queryHttpAddress: string;
  readonly queryGrpcAddress: string;
  /** Path of the Prometheus program; undefined leaves the real replicas out. */
  readonly prometheusProgram: string | undefined;
  /** The user's own Prometheus, in place of ours. */
  readonly prometheusUrl: string | undefined;
  /** Its data directory; undefined uploads nothing. */
  readonly prometheusDataDir: string | undefined;
}

/** A program with where it is reached, for the table the user sees. */
export interface PlannedProgram extends ProgramSpec {
  readonly what: string;
  readonly url: string;
}

const REPLICAS = ['a', 'b'] as const;

interface Ports {
  readonly http: string;
  readonly grpc: string;
}

/** In starting order. Addresses that no flag names are chosen by the system. */
export async function planPrograms(options: StackOptions): Promise<PlannedProgram[]> {
  mkdirSync(join(options.dataDir, 'logs'), { recursive: true });
  const store = await ports();
  const query = { http: options.queryHttpAddress, grpc: options.queryGrpcAddress };
  const sidecars: Ports[] = [];
  const out: PlannedProgram[] = [storeProgram(options, store)];
  if (options.prometheusUrl !== undefined) {
    const own = await ports();
    sidecars.push(own);
    const uploads = options.prometheusDataDir === undefined ? [] : uploadFlags(options, options.prometheusDataDir);
    const flags = [`--prometheus.url=${options.prometheusUrl}`, ...uploads];
    out.push(tributary(options, 'sidecar', `sidecar of ${options.prometheusUrl}`, own, flags));
  } else if (options.prometheusProgram !== undefined) {
    const both = await Promise.all(REPLICAS.map(async () => ({ web: await freeAddress(), sidecar: await ports() })));
    const scraped = [...both.flatMap(({ web, sidecar }) => [web, sidecar.http]), store.http, query.http];
    for (const [i, { web, sidecar }] of both.entries()) {
      const directory = join(options.dataDir, `prometheus-${REPLICAS[i]}`);
      out.push(prometheus(options, REPLICAS[i], web, directory, scraped));
      const flags = [
        `--prometheus.url=http://${web}`,
        '--prometheus.get_config_interval=5s',
        ...uploadFlags(options, directory),
        '--shipper.upload-interval=5s',
      ];
      const what = `sidecar of prometheus-${REPLICAS[i]}`;
      out.push(tributary(options, `sidecar-${REPLICAS[i]}`, what, sidecar, flags));
      sidecars.push(sidecar);
    }
  }
  const endpoints = [store, ...sidecars].map(({ grpc }) => `--endpoint=${grpc}`);
  const flags = [
    ...endpoints,
    '--query.replica-label=replica',
    '--query.auto-downsampling',
    '--query.resolution-fallback',
    `--web.start-link=${startLink()}`,
    ...(options.prometheusUrl === undefined ? [`--web.notice=${OWN_DATA}`] : []),
  ];
  out.push(tributary(options, 'query', 'querier: ask here', query, flags));
  return out;
}

/** How one comes from the demonstration to one's own data. */
export const OWN_DATA =
  'This is demonstration data. For your own: npm start -- --prometheus.url=http://HOST:9090 puts a sidecar beside your ' +
  'Prometheus; tributary store --objstore.config-file=bucket.yml serves your bucket.';

/** What the page opens with: how many requests the demonstration's shop serves, and how long they take. */
function startLink(): string {
  return new URLSearchParams({
    'g0.expr': 'sum by (handler) (rate(http_requests_total{cluster="demo"}[5m]))',
    'g0.tab': '0',
    'g0.display_mode': 'stacked',
    'g0.range_input': '12h',
    'g1.expr': 'sum by (le) (increase(http_request_duration_seconds_bucket{cluster="demo"}[5m]))',
    'g1.tab': '0',
    'g1.display_mode': 'heatmap',
    'g1.range_input': '12h',
  }).toString();
}

function storeProgram(options: StackOptions, at: Ports): PlannedProgram {
  const flags = [
    `--objstore.config=${options.bucketYaml}`,
    `--data-dir=${join(options.dataDir, 'store')}`,
    '--sync-block-duration=15s',
  ];
  return tributary(options, 'store', 'store gateway over the bucket', at, flags);
}

function uploadFlags(options: StackOptions, directory: string): string[] {
  return [`--tsdb.path=${directory}`, `--objstore.config=${options.bucketYaml}`];
}

function tributary(
  options: StackOptions,
  name: string,
  what: string,
  at: Ports,
  flags: readonly string[],
): PlannedProgram {
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const command = name.split('-')[0];
  return {
    name,
    what,
    command: process.execPath,
    // With the settings that this process was started with.
    args: [...process.execArgv, main, command, `--http-address=${at.http}`, `--grpc-address=${at.grpc}`, ...flags],
    logFile: join(options.dataDir, 'logs', `${name}.log`),
    readyUrl: `http://${at.http}/-/ready`,
    url: `http://${at.http}`,
  };
}

/** Blocks of a minute, so that the first upload is seen soon; they are kept for two hours only, the bucket has them. */
function prometheus(
  options: StackOptions,
  replica: string,
  web: string,
  directory: string,
  scraped: readonly string[],
): PlannedProgram {
  const config = join(options.dataDir, `prometheus-${replica}.yml`);
  writeFileSync(config, prometheusYaml(replica, scraped));
  return {
    name: `prometheus-${replica}`,
    what: `Prometheus, replica ${replica}`,
    command: options.prometheusProgram!,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${directory}`,
      '--storage.tsdb.min-block-duration=1m',
      '--storage.tsdb.max-block-duration=1m',
      '--storage.tsdb.retention.time=2h',
      `--web.listen-address=${web}`,
    ],
    logFile: join(options.dataDir, 'logs', `prometheus-${replica}.log`),
    readyUrl: `http://${web}/-/ready`,
    url: `http://${web}`,
  };
}

function prometheusYaml(replica: string, scraped: readonly string[]): string {
  return [
    'global:',
    '  scrape_interval: 5s',
    `  external_labels: { cluster: local, replica: ${replica} }`,
    'scrape_configs:',
    '  - job_name: stack',
    '    static_configs:',
    `      - targets: [${scraped.map((address) => `"${address}"`).join(', ')}]`,
    '',
  ].join('\n');
}

async function ports(): Promise<Ports> {
  return { http: await freeAddress(), grpc: await freeAddress() };
}

// A real Prometheus with external labels, blocks of seconds where wanted, and a directory that outlives its restarts.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster, Server } from './cluster.ts';
import { onFreePorts } from './process.ts';

export interface PrometheusOptions {
  readonly name: string;
  readonly externalLabels: Readonly<Record<string, string>>;
  /** host:port each, all of job `target`; nothing is scraped when empty. */
  readonly targets: readonly string[];
  readonly scrapeInterval: string;
  /** Least and greatest length of a block. */
  readonly blockDuration: string;
  readonly retention: string;
  /** With blocks already in it, perhaps. */
  readonly directory: string;
  /** What `--enable-feature` is given. */
  readonly features?: readonly string[];
}

export interface RunningPrometheus {
  readonly server: Server;
  readonly url: string;
  readonly directory: string;
}

export async function startPrometheus(
  cluster: Cluster,
  program: string,
  options: PrometheusOptions,
): Promise<RunningPrometheus> {
  const configFile = join(cluster.directory, `prometheus-${options.name}.yml`);
  writeFileSync(configFile, configYaml(options));
  return await onFreePorts(1, async ([port]) => {
    const address = `127.0.0.1:${port}`;
    const server = await cluster.start({
      name: `prometheus ${options.name}`,
      command: program,
      args: [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${options.directory}`,
        `--storage.tsdb.min-block-duration=${options.blockDuration}`,
        `--storage.tsdb.max-block-duration=${options.blockDuration}`,
        `--storage.tsdb.retention.time=${options.retention}`,
        `--web.listen-address=${address}`,
        ...(options.features ?? []).map((feature) => `--enable-feature=${feature}`),
      ],
      readyUrl: `http://${address}/-/ready`,
    });
    return { server, url: `http://${address}`, directory: options.directory };
  });
}

function configYaml({ externalLabels, targets, scrapeInterval }: PrometheusOptions): string {
  const list = (values: readonly string[]): string => values.map((value) => JSON.stringify(value)).join(', ');
  return [
    'global:',
    `  scrape_interval: ${scrapeInterval}`,
    `  scrape_timeout: ${scrapeInterval}`,
    `  external_labels: ${JSON.stringify(externalLabels)}`,
    ...(targets.length === 0
      ? []
      : ['scrape_configs:', '  - job_name: target', '    static_configs:', `      - targets: [${list(targets)}]`]),
    '',
  ].join('\n');
}

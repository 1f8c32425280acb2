// How the parts of a system are started. Flags are the same for our components and the reference's, so every function
// takes the program to run: `ours`, or the path of the reference's.

import { join } from 'node:path';
import { projectRoot } from '../../dev/golden.ts';
import type { Cluster, Server } from './cluster.ts';
import { onFreePorts } from './process.ts';

/** A command that has the subcommands sidecar, store and query. */
export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Flags that only this program has, by subcommand. */
  readonly extraFlags: Readonly<Record<string, readonly string[]>>;
}

/** The build; another one when TRIBUTARY_MAIN names its main.js. */
export const ours: Program = {
  name: 'tributary',
  command: process.execPath,
  args: [process.env['TRIBUTARY_MAIN'] ?? join(projectRoot(), 'dist', 'cmd', 'main.js')],
  extraFlags: { sidecar: ['--shipper.upload-interval=1s'] },
};

export function reference(thanos: string): Program {
  return { name: 'thanos', command: thanos, args: [], extraFlags: {} };
}

/** A running sidecar, store or querier. */
export interface Service {
  readonly server: Server;
  /** http://host:port */
  readonly url: string;
  /** host:port of gRPC. */
  readonly grpc: string;
}

export async function startService(
  cluster: Cluster,
  program: Program,
  command: 'sidecar' | 'store' | 'query',
  name: string,
  flags: readonly string[],
): Promise<Service> {
  return await onFreePorts(2, async ([httpPort, grpcPort]) => {
    const http = `127.0.0.1:${httpPort}`;
    const grpc = `127.0.0.1:${grpcPort}`;
    const server = await cluster.start({
      name: `${program.name} ${command} ${name}`,
      command: program.command,
      args: [
        ...program.args,
        command,
        `--http-address=${http}`,
        `--grpc-address=${grpc}`,
        '--http-grace-period=1s',
        '--grpc-grace-period=1s',
        ...(program.extraFlags[command] ?? []),
        ...flags,
      ],
      cwd: cluster.directory,
      readyUrl: `http://${http}/-/ready`,
    });
    return { server, url: `http://${http}`, grpc };
  });
}

export interface SidecarOptions {
  readonly name: string;
  readonly prometheusUrl: string;
  readonly directory: string;
  /** Uploads there when given. */
  readonly bucketYaml?: string;
}

export async function startSidecar(cluster: Cluster, program: Program, options: SidecarOptions): Promise<Service> {
  const { name, prometheusUrl, directory, bucketYaml } = options;
  return await startService(cluster, program, 'sidecar', name, [
    `--prometheus.url=${prometheusUrl}`,
    '--prometheus.get_config_interval=500ms',
    '--prometheus.get_config_timeout=2s',
    `--tsdb.path=${directory}`,
    ...(bucketYaml === undefined ? [] : [`--objstore.config=${bucketYaml}`]),
  ]);
}

export async function startStore(
  cluster: Cluster,
  program: Program,
  name: string,
  bucketYaml: string,
): Promise<Service> {
  return await startService(cluster, program, 'store', name, [
    `--objstore.config=${bucketYaml}`,
    `--data-dir=${cluster.path(`${program.name}-store-${name}`)}`,
    '--sync-block-duration=1s',
  ]);
}

/** A querier over these endpoints that takes `replica` for the replica label. */
export async function startQuery(
  cluster: Cluster,
  program: Program,
  name: string,
  endpoints: readonly Service[],
): Promise<Service> {
  return await startService(cluster, program, 'query', name, [
    ...endpoints.map(({ grpc }) => `--endpoint=${grpc}`),
    '--query.replica-label=replica',
  ]);
}

export function filesystemYaml(directory: string): string {
  return `type: FILESYSTEM\nconfig:\n  directory: ${directory}\n`;
}

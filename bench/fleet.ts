// The processes that are compared: ours and the reference's, started with the same flags over the same bucket.

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, ManagedProcess } from '../e2e/harness/process.ts';
import { isOfReplica } from './data.ts';

export interface Side {
  readonly name: 'thanos' | 'tributary';
  readonly command: string;
  readonly prefix: readonly string[];
}

export interface Running {
  readonly process: ManagedProcess;
  readonly http: string;
  readonly grpc: string;
}

export function ours(): Side {
  const program = fileURLToPath(new URL('../../bin/tributary', import.meta.url));
  return { name: 'tributary', command: program, prefix: [] };
}

export function reference(program: string): Side {
  return { name: 'thanos', command: program, prefix: [] };
}

export function startStore(side: Side, scratch: string, bucket: string): Promise<Running> {
  const dataDir = join(scratch, `${side.name}-store`);
  mkdirSync(dataDir, { recursive: true });
  const config = JSON.stringify({ type: 'FILESYSTEM', config: { directory: bucket } });
  return start(side, 'store', [`--data-dir=${dataDir}`, `--objstore.config=${config}`]);
}

export function startQuery(side: Side, endpoint: string): Promise<Running> {
  return start(side, 'query', [`--endpoint=${endpoint}`, '--query.replica-label=replica']);
}

export function startSidecar(side: Side, prometheusUrl: string): Promise<Running> {
  return start(side, 'sidecar', [`--prometheus.url=${prometheusUrl}`]);
}

/** A Prometheus that serves one replica's blocks of the bucket and scrapes nothing. */
export async function startPrometheus(program: string, scratch: string, bucket: string): Promise<Running> {
  const directory = join(scratch, 'prometheus');
  mkdirSync(directory, { recursive: true });
  for (const ulid of readdirSync(bucket)) {
    const from = join(bucket, ulid);
    if (isOfReplica(from, 'r0')) cpSync(from, join(directory, ulid), { recursive: true });
  }
  const config = join(scratch, 'prometheus.yml');
  writeFileSync(config, 'global:\n  external_labels: { cluster: bench, replica: r0 }\n');
  const http = `127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${directory}`,
    '--storage.tsdb.retention.time=100y',
    '--storage.tsdb.min-block-duration=2h',
    '--storage.tsdb.max-block-duration=2h',
    `--web.listen-address=${http}`,
  ];
  const running = await ManagedProcess.start({
    name: 'prometheus',
    command: program,
    args,
    readyUrl: `http://${http}/-/ready`,
  });
  return { process: running, http, grpc: '' };
}

async function start(side: Side, component: string, flags: readonly string[]): Promise<Running> {
  const http = `127.0.0.1:${await freePort()}`;
  const grpc = `127.0.0.1:${await freePort()}`;
  const process = await ManagedProcess.start({
    name: `${side.name} ${component}`,
    command: side.command,
    args: [...side.prefix, component, `--http-address=${http}`, `--grpc-address=${grpc}`, '--log.level=warn', ...flags],
    readyUrl: `http://${http}/-/ready`,
  });
  return { process, http, grpc };
}

/** Resident memory of a process, MiB: now, and the most it ever had. */
export function memoryOf({ process }: Running): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${process.pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { now: field('VmRSS'), peak: field('VmHWM') };
}

/** Processor time of a process so far, ms, in steps of 10. */
export function cpuOf({ process }: Running): number {
  const fields = readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

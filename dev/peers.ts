// The reference programs for tests: where they are, and a MinIO to talk to.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeer, type PeerName } from '../cmd/find-peer.ts';

/** The path of a program, undefined when it is not to be had: tests that need it are skipped by name then. */
export function peer(name: PeerName): Promise<string | undefined> {
  return findPeer(name, process.env);
}

export interface RunningMinio {
  /** host:port */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Where it keeps its buckets. */
  readonly directory: string;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

export interface MinioOptions {
  /** A directory with `public.crt` and `private.key`: it speaks TLS then. */
  readonly certificates?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 20_000;
const givenPorts = new Set<number>();

/** Starts a MinIO with empty buckets of these names on a free port of the loopback. */
export async function startMinio(
  program: string,
  buckets: readonly string[],
  options: MinioOptions = {},
): Promise<RunningMinio> {
  const directory = mkdtempSync(join(tmpdir(), 'minio-'));
  for (const bucket of buckets) mkdirSync(join(directory, bucket));
  const port = await freePort();
  const endpoint = `127.0.0.1:${port}`;
  const { certificates } = options;
  const certificateFlags = certificates === undefined ? [] : ['--certs-dir', certificates];
  const child = spawn(program, ['server', directory, '--address', endpoint, '--quiet', ...certificateFlags], {
    env: {
      ...process.env,
      MINIO_ROOT_USER: 'minioadmin',
      MINIO_ROOT_PASSWORD: 'minioadmin',
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      ...options.env,
    },
    stdio: 'ignore',
  });
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await untilLive(`http${certificates === undefined ? '' : 's'}://${endpoint}/minio/health/live`, child);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { endpoint, accessKey: 'minioadmin', secretKey: 'minioadmin', directory, stop };
}

/**
 * A port of the loopback that was free just now, and that this process has not been given before: of programs that are
 * started at the same time, none takes the port another is about to listen on.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    if (address === null || typeof address === 'string') throw new Error('the system gave no port');
    if (givenPorts.has(address.port)) continue;
    givenPorts.add(address.port);
    return address.port;
  }
}

async function untilLive(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode} before it answered`);
    if (await isLive(url)) return;
    if (Date.now() > deadline) throw new Error(`${url} did not answer in ${START_TIMEOUT_MS / 1000}s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether it answers well; its certificate is nobody's business here. */
function isLive(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { get } = url.startsWith('https:') ? https : http;
    const sent = get(url, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    sent.on('error', () => resolve(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

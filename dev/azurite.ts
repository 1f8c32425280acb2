// Azurite, the emulator of Azure's storage, for tests.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from './golden.ts';
import { freePort } from './peers.ts';

export interface RunningAzurite {
  readonly port: number;
  /** Of the account `acc`. */
  readonly key: string;
  stop(): Promise<void>;
}

const program = join(projectRoot(), 'node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js');

/** Whether it is installed. */
export const hasAzurite = existsSync(program);

/** What a client is told to reach the account `acc` at a port. */
export function azuriteConnection(port: number, key: string): string {
  return `DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=${key};BlobEndpoint=http://127.0.0.1:${port}/acc;`;
}

/** Starts one that keeps everything in memory, on a free port. */
export async function startAzurite(): Promise<RunningAzurite> {
  const directory = mkdtempSync(join(tmpdir(), 'azurite-'));
  const key = randomBytes(32).toString('base64');
  const port = await freePort();
  const flags = ['--blobPort', String(port), '--inMemoryPersistence', '--silent', '--skipApiVersionCheck'];
  const child = spawn(process.execPath, [program, ...flags, '--disableTelemetry'], {
    stdio: 'ignore',
    cwd: directory,
    env: { ...process.env, AZURITE_ACCOUNTS: `acc:${key}` },
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(directory, { recursive: true, force: true });
  };
  while (!(await isOpen(port))) {
    if (child.exitCode !== null) {
      await stop();
      throw new Error(`azurite ended with ${child.exitCode} before it answered`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, key, stop };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

// One process at a time in a directory: whoever works in it listens on a socket, which ends with the process whatever way
// that ends. A file with a process id would outlive a crash, and its id might by then be that of another process.

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, realpath, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, messageOf } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface DirectoryLock {
  release(): Promise<void>;
}

/** Names of sockets are short; of a longer one the system would keep the beginning only. */
const MOST_PATH_BYTES = 100;
const SOCKET_NAME = 'in-use.sock';
/** So many that start at once may have to move away what was left behind. */
const MOST_TRIES = 20;

/**
 * Makes the directory when it is not there, and takes it for this process. `conflict` when another process has it. Where
 * neither the directory nor the system's one for temporary files takes a socket, a warning is all that comes of it.
 */
export async function lockDirectory(directory: string, logger: Logger): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true });
  let problem: unknown;
  for (const path of socketPaths(await realpath(directory))) {
    try {
      const server = await listen(path, directory);
      return { release: () => close(server) };
    } catch (thrown) {
      if (thrown instanceof Fault) throw thrown;
      problem = thrown;
    }
  }
  logger.warn('cannot tell whether another process works in the same directory', {
    directory,
    err: messageOf(problem),
  });
  return { release: async () => {} };
}

/** Where to listen, the better place first. */
function socketPaths(directory: string): string[] {
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return [`\\\\.\\pipe\\tributary-${hash}`];
  const paths = [join(directory, SOCKET_NAME), join(tmpdir(), `tributary-${hash}.sock`)];
  return paths.filter((path) => Buffer.byteLength(path) <= MOST_PATH_BYTES);
}

async function listen(path: string, directory: string): Promise<Server> {
  const inUse = (): Fault =>
    new Fault('conflict', `${directory} is in use by another process: each needs a --data-dir of its own`);
  for (let tries = 1; ; tries++) {
    try {
      return await bind(path);
    } catch (thrown) {
      if (codeOf(thrown) !== 'EADDRINUSE' || tries === MOST_TRIES) throw thrown;
    }
    if (await answers(path)) throw inUse();
    // A process that was killed left it behind. Whoever moves it has it: it may be another one's new one by now.
    const aside = `${path}.${randomUUID().slice(0, 4)}`;
    await rename(path, aside).catch(() => {}); // Somebody else was quicker.
    if (await answers(aside)) {
      await rename(aside, path);
      throw inUse();
    }
    await rm(aside, { force: true });
  }
}

function bind(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Whoever may not connect to it has met another user's. */
const NOBODY: readonly unknown[] = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'];

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (thrown) => resolve(!NOBODY.includes(codeOf(thrown))));
  });
}

function codeOf(thrown: unknown): unknown {
  return (thrown as { code?: unknown }).code;
}

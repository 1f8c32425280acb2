// Finds the programs Tributary lives beside: a Prometheus for the demo, and for tests the reference systems. Looks in the
// folder TRIBUTARY_PEERS names, in `shared/peers` beside the project, then on the PATH.

import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export type PeerName = 'prometheus' | 'promtool' | 'thanos' | 'minio';

const run = promisify(execFile);
const UNPACK_TIMEOUT_MS = 120_000;
const unpacked = new Map<string, Promise<string | undefined>>();

/** The program's path, or undefined when it is nowhere. Unpacks packed ones once into a cache folder of the user. */
export async function findPeer(
  name: PeerName,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const named = env['TRIBUTARY_PEERS'];
  if (named !== undefined && named !== '') {
    const path = executable(join(named, name)) ?? executable(join((await unpack(named, env)) ?? named, name));
    if (path !== undefined) return path;
  }
  const shared = sharedPeers(env);
  const directory = shared === undefined ? undefined : await unpack(shared, env);
  return (directory && executable(join(directory, name))) || onPath(name, env['PATH'] ?? '');
}

function sharedPeers(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const shared = env['TRIBUTARY_SHARED'] ?? besideProject();
  const peers = shared === undefined ? undefined : join(shared, 'peers');
  return peers !== undefined && existsSync(peers) ? peers : undefined;
}

/** The folder `shared` beside the one with our manifest, from source or from the build. */
function besideProject(): string | undefined {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) return undefined;
    directory = parent;
  }
  return resolve(directory, '../shared');
}

/** Runs a folder's unpack.sh, which prints where the programs are; undefined when there is none or it fails. */
function unpack(folder: string, env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const script = join(folder, 'unpack.sh');
  if (!existsSync(script)) return Promise.resolve(undefined);
  let result = unpacked.get(script);
  if (result === undefined) {
    result = run('bash', [script], { env, timeout: UNPACK_TIMEOUT_MS }).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
    unpacked.set(script, result);
  }
  return result;
}

function onPath(name: string, path: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    const found = folder === '' ? undefined : executable(join(folder, name));
    if (found !== undefined) return found;
  }
  return undefined;
}

function executable(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return undefined;
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}

// Has the bundled programs run a little, so that V8's caches of their code lie beside them (dev/start.cjs reads them): each
// with the settings that `bin/tributary` gives it, since a cache is good for those only. Plain JavaScript, as in every build.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** A block of the tests, which the bucket has twice, as replicas. */
const blocks = join(root, 'pkg', 'tsdb', 'testdata', 'basic');
const ulids = ['01HF7YAT00AAAAAAAAAAAAAAA1', '01HF7YAT00AAAAAAAAAAAAAAA2'];
const WAIT_MS = 60_000;

/** Runs what is in the folder `dist`. Fails when a program does. */
export async function makeCodeCaches(dist) {
  const scratch = mkdtempSync(join(tmpdir(), 'tributary-build-'));
  try {
    const bucket = `--objstore.config=${JSON.stringify({ type: 'FILESYSTEM', config: { directory: join(scratch, 'bucket') } })}`;
    const http = '--http-address=127.0.0.1:0';
    const grpc = '--grpc-address=127.0.0.1:0';
    // Twice, because threads and the process keep what they have of the same scripts.
    for (const round of [1, 2]) {
      writeBucket(join(scratch, 'bucket'));
      // With its own settings, and with those of the demonstration that may have started it.
      for (const as of ['store', 'demo']) {
        await run(dist, ['store', bucket, http, grpc, `--data-dir=${join(scratch, `${as}-${round}`)}`], true, as);
      }
      const replicas = [
        '--deduplication.replica-label=replica',
        '--deduplication.func=penalty',
        '--consistency-delay=0s',
      ];
      await run(dist, ['compact', bucket, http, `--data-dir=${join(scratch, `compact-${round}`)}`, ...replicas], false);
    }
    await run(dist, ['query', http, grpc, '--endpoint=127.0.0.1:1'], true);
    for (const command of ['sidecar', 'query', 'store', 'compact']) await run(dist, [command, '--help'], false);
    for (const flag of ['--help', '--version']) await run(dist, [flag], false);
    await run(dist, ['tools', 'bucket', 'ls', bucket], false);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function writeBucket(bucket) {
  rmSync(bucket, { recursive: true, force: true });
  const block = join(blocks, readdirSync(blocks)[0]);
  for (const [i, ulid] of ulids.entries()) {
    const directory = join(bucket, ulid);
    mkdirSync(directory, { recursive: true });
    for (const part of ['chunks', 'index']) cpSync(join(block, part), join(directory, part), { recursive: true });
    const meta = JSON.parse(readFileSync(join(block, 'meta.json'), 'utf8'));
    const thanos = { version: 1, labels: { replica: `r${i}` }, downsample: { resolution: 0 }, source: 'sidecar' };
    const compaction = { ...meta.compaction, sources: [ulid] };
    writeFileSync(join(directory, 'meta.json'), JSON.stringify({ ...meta, ulid, compaction, thanos }));
  }
}

/** To its end, with the settings of a command; one that serves is stopped as soon as it is ready. */
async function run(dist, args, serves, as = args[0]) {
  const program = [...settingsOf(as), join(root, 'dev', 'code-cache-run.cjs'), dist, ...args];
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'ignore', 'pipe'], timeout: WAIT_MS });
  let log = '';
  let isStopped = !serves;
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text;
    if (isStopped || !/ msg=ready$/m.test(log)) return;
    isStopped = true;
    child.kill('SIGTERM');
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`code cache: ${args.join(' ')} ended with ${code}\n${log}`);
}

/** What `bin/tributary` gives to Node for a command. */
function settingsOf(command) {
  const launcher = readFileSync(join(root, 'bin', 'tributary'), 'utf8');
  for (const [, patterns, settings] of launcher.matchAll(/^ {2}(.+)\) exec node (.*)"\$main"/gm)) {
    const isMeant = patterns.split(' | ').some((one) => one === command || one === '*' || one === `${command[0]}*`);
    if (isMeant) return settings.split(' ').filter((setting) => setting !== '');
  }
  throw new Error('code cache: bin/tributary has another form than expected');
}

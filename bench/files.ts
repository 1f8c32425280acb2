// Blocks on disks and in buckets, beside the reference's programs where they do the same: a block of 200,000 series opened
// and read, 1 GB moved to and from a bucket, and what the writer of an index holds in memory. Run from the build:
// node dist/bench/files.js [--only=text]

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peer, type RunningMinio, startMinio } from '../dev/peers.ts';
import { newUlid } from '../pkg/model/ulid.ts';
import { ours, reference, type Side } from './fleet.ts';
import { type Measured, measured } from './measured.ts';

const SERIES = 200_000;
const SEGMENT_BYTES = 512 * 1024 * 1024;
const MIB = 1024 * 1024;

const only = process.argv.find((text) => text.startsWith('--only='))?.slice('--only='.length) ?? '';
const tasks = fileURLToPath(new URL('./file-tasks.js', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'tributary-files-'));
try {
  console.log('| | by | wall s | processor s | peak MiB |\n| --- | --- | --- | --- | --- |');
  if ('block'.includes(only)) await readBlocks();
  if ('index'.includes(only)) await writeIndexes();
  if ('object'.includes(only)) await moveObjects();
  if ('move'.includes(only)) await moveBlocks();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function print(what: string, by: string, { wallMs, cpuMs, peakMib }: Measured): void {
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  console.log(`| ${what} | ${by} | ${seconds(wallMs)} | ${seconds(cpuMs)} | ${peakMib.toFixed(0)} |`);
}

function task(...args: readonly (string | number)[]): Promise<Measured> {
  // With what bin/tributary starts with.
  const settings = ['MALLOC_ARENA_MAX=1', process.execPath, '--max-semi-space-size=2', '--heap-growing-percent=75'];
  return measured('env', [...settings, tasks, ...args.map(String)]);
}

async function readBlocks(): Promise<void> {
  const parent = join(scratch, 'blocks');
  const ulid = newUlid();
  const block = join(parent, ulid);
  const size = SERIES.toLocaleString('en');
  print(`write a block of ${size} series`, 'tributary', await task('block', parent, ulid, SERIES));
  print('open it, read 100 series', 'tributary', await task('one', block));
  const promtool = await peer('promtool');
  // It opens a database, and one has a log.
  mkdirSync(join(parent, 'wal'));
  const dump = async (what: string, matcher: string): Promise<void> => {
    if (promtool === undefined) return;
    const args = ['tsdb', 'dump', `--match=${matcher}`, `--sandbox-dir-root=${scratch}`, parent];
    print(what, 'promtool tsdb dump (prints, too)', await measured(promtool, args));
  };
  await dump('open it, read 100 series', '{pod="pod-000777"}');
  print('open it, read everything', 'tributary', await task('all', block, SERIES));
  await dump('open it, read everything', '{__name__=~".+"}');
}

/** One object of 1 GiB by the library, and not by a command. */
async function moveObjects(): Promise<void> {
  const file = join(scratch, 'object');
  const fill = noise();
  writeFileSync(file, fill);
  writeFileSync(file, fill, { flag: 'a' });
  const minio = await peer('minio');
  const server = minio === undefined ? undefined : await startMinio(minio, ['objects']);
  try {
    const directory = join(scratch, 'objects');
    mkdirSync(directory);
    const places: [string, string][] = [['a directory', directoryConfig(directory)]];
    if (server !== undefined) places.push(['S3 (MinIO)', s3Config(server, 'objects')]);
    for (const [place, config] of places) {
      print(`an object of 1 GiB to ${place}`, 'tributary/objstore', await task('put', config, file));
      print(`an object of 1 GiB from ${place}`, 'tributary/objstore', await task('get', config));
    }
  } finally {
    await server?.stop();
  }
}

function directoryConfig(directory: string): string {
  return JSON.stringify({ type: 'FILESYSTEM', config: { directory } });
}

function s3Config({ endpoint, accessKey, secretKey }: RunningMinio, bucket: string): string {
  const config = { bucket, endpoint, access_key: accessKey, secret_key: secretKey, insecure: true };
  return JSON.stringify({ type: 'S3', config });
}

function noise(): Buffer {
  const bytes = Buffer.alloc(SEGMENT_BYTES);
  for (let i = 0, state = 1; i < bytes.length; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, i);
  }
  return bytes;
}

/** Twice the series: what memory grows by is what they cost. */
async function writeIndexes(): Promise<void> {
  for (const series of [1, 250_000, 500_000, 1_000_000]) {
    const path = join(scratch, `index-${series}`);
    const run = await task('index', path, series);
    const size = `${(statSync(path).size / MIB).toFixed(0)} MiB`;
    print(`write an index of ${series.toLocaleString('en')} series, ${size}`, 'tributary', run);
    rmSync(path);
  }
}

async function moveBlocks(): Promise<void> {
  const [minio, thanos] = await Promise.all([peer('minio'), peer('thanos')]);
  const sides = [...(thanos === undefined ? [] : [reference(thanos)]), ours()];
  const parent = join(scratch, 'large');
  await largeBlock(parent);
  const server =
    minio === undefined
      ? undefined
      : await startMinio(
          minio,
          sides.map(({ name }) => name),
        );
  try {
    for (const side of sides) {
      const directory = (name: string): string => {
        const path = join(scratch, `${side.name}-${name}`);
        mkdirSync(path, { recursive: true });
        return directoryConfig(path);
      };
      if (server !== undefined) {
        const s3 = s3Config(server, side.name);
        print('1 GiB to S3 (MinIO)', side.name, await upload(side, parent, s3));
        print('1 GiB from S3 (MinIO) to a directory', side.name, await replicate(side, s3, directory('from-s3')));
      }
      print('1 GiB to a directory', side.name, await upload(side, parent, directory('uploaded')));
      print(
        '1 GiB from a directory to a directory',
        side.name,
        await replicate(side, directory('uploaded'), directory('copy')),
      );
      for (const name of ['from-s3', 'uploaded', 'copy'])
        rmSync(join(scratch, `${side.name}-${name}`), { recursive: true, force: true });
    }
  } finally {
    await server?.stop();
  }
}

/** A small block whose two segments were made large: nobody who moves a block looks into them. */
async function largeBlock(parent: string): Promise<void> {
  const ulid = newUlid();
  await task('block', parent, ulid, 1000);
  const first = join(parent, ulid, 'chunks', '000001');
  writeFileSync(first, noise());
  copyFileSync(first, join(parent, ulid, 'chunks', '000002'));
}

async function upload({ command, prefix }: Side, parent: string, config: string): Promise<Measured> {
  rmSync(join(parent, 'thanos.shipper.json'), { force: true });
  const flags = [`--objstore.config=${config}`, `--path=${parent}`, '--label=cluster="bench"', '--log.level=warn'];
  return await measured(command, [...prefix, 'tools', 'bucket', 'upload-blocks', ...flags]);
}

function replicate({ command, prefix }: Side, from: string, to: string): Promise<Measured> {
  const flags = [`--objstore.config=${from}`, `--objstore-to.config=${to}`, '--single-run', '--log.level=warn'];
  return measured(command, [...prefix, 'tools', 'bucket', 'replicate', '--http-address=127.0.0.1:0', ...flags]);
}

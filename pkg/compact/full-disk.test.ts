// The local disk is full from some moment of a pass on: a real file system without room, and a real limit on the size of
// files, whichever of them the system lets one have. Nothing in the bucket suffers, no block is blamed, and with room again
// the same process comes to the end it would have come to.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import type { Bucket } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { compactorOver, metasOf, samplesOf, withDirectory } from './bucket-fixture.ts';
import { type BlockObjects, goodBlock, putBlock } from './damage-fixture.ts';
import { isHalt } from './group-compactor.ts';

const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const request = backgroundRequest();
const forever = new AbortController().signal;
const ulid = (n: number): string => `01HF7YAT00AAAAAAAAAAAAAA${String(n).padStart(2, '0')}`;

interface Disk {
  readonly directory: string;
  /** From now on nothing more fits. */
  fill(): void;
  free(): void;
}

interface DiskKind {
  readonly what: string;
  /** What a failure says then. */
  readonly says: RegExp;
  /** In the short run only one moment of so many is tried. */
  readonly every: number;
  with(parent: string, work: (disk: Disk) => Promise<void>): Promise<void>;
}

/** A file system of its own in memory, filled to the last byte. */
const tmpfs: DiskKind = {
  what: 'a file system without room',
  says: /ENOSPC|no space left|needs \d+ bytes of disk/,
  every: 1,
  with: async (parent, work) => {
    const directory = join(parent, 'mounted');
    const ballast = join(directory, 'ballast');
    mkdirSync(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory], { stdio: 'ignore' });
    try {
      await work({
        directory,
        fill: () => {
          const file = openSync(ballast, 'a');
          try {
            for (const piece = new Uint8Array(65_536); ; ) writeSync(file, piece);
          } catch (thrown) {
            assert.equal((thrown as { code?: unknown }).code, 'ENOSPC');
          } finally {
            closeSync(file);
          }
        },
        free: () => rmSync(ballast, { force: true }),
      });
    } finally {
      execFileSync('umount', ['-l', directory], { stdio: 'ignore' });
    }
  },
};

/** This process may write no file beyond a few hundred bytes. */
const sizeLimit: DiskKind = {
  what: 'a limit on the size of files',
  says: /EFBIG|file too large/,
  every: 3,
  with: async (parent, work) => {
    const limit = (soft: string) =>
      execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${soft}:unlimited`]);
    try {
      await work({ directory: parent, fill: () => limit('600'), free: () => limit('unlimited') });
    } finally {
      limit('unlimited');
    }
  },
};

/** Those that can be had here: a container may be denied a mount, and other systems have no prlimit. */
const kinds: DiskKind[] = [];
for (const kind of [tmpfs, sizeLimit]) {
  try {
    await withDirectory((parent) =>
      kind.with(parent, async (disk) => {
        disk.fill();
        disk.free();
      }),
    );
    kinds.push(kind);
  } catch (thrown) {
    process.stderr.write(`not tried with ${kind.what}: ${messageOf(thrown)}\n`);
  }
}

const blocks: (readonly [string, BlockObjects])[] = [];
for (let i = 0; i < 6; i++) blocks.push([ulid(i), await goodBlock(ulid(i), { stream: '1' }, [2 * i, 2])]);
blocks.push([ulid(20), await goodBlock(ulid(20), { stream: '2' }, [0, 48])]);

async function bucketOfBlocks(): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  for (const [name, objects] of blocks) await putBlock(bucket, name, objects);
  return bucket;
}

/** Calls `before` ahead of each call of these, with what is called. */
function watched(bucket: Bucket, before: (call: string) => void): Bucket {
  const operations = new Set<string | symbol>(['get', 'upload']);
  return new Proxy(bucket, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (operations.has(key)) before(`${String(key)} ${args[1]}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

async function outline(bucket: Bucket): Promise<string[]> {
  return [...(await metasOf(bucket)).values()]
    .map(({ thanos, compaction }) => `${thanos.labels} ${thanos.resolutionMs} ${compaction.sources}`)
    .sort();
}

const calls: string[] = [];
const wanted = await withDirectory(async (workDir) => {
  const bucket = await bucketOfBlocks();
  await compactorOver(
    watched(bucket, (call) => calls.push(call)),
    workDir,
    { downsamples: true },
  ).pass(forever);
  return { outline: await outline(bucket), samples: await samplesOf(bucket) };
});
/** From the first download to the last upload: each kind of call to each kind of object, the first and the last time. */
const kindsOfCalls = calls.map((call) => call.replace(/[0-9A-Z]{26}/g, ''));
const moments = [...calls.keys()].filter(
  (i) => kindsOfCalls.indexOf(kindsOfCalls[i]) === i || kindsOfCalls.lastIndexOf(kindsOfCalls[i]) === i,
);

test('there is a way to have a full disk', () => {
  assert.ok(kinds.length > 0);
  assert.ok(calls.some((call) => call.startsWith('get') && call.endsWith('/index')));
});

for (const kind of kinds) {
  describe(`a disk that is full because of ${kind.what}`, () => {
    test('from any moment of a pass on costs nothing but the pass', () =>
      withDirectory((parent) =>
        kind.with(parent, async (disk) => {
          let failedCount = 0;
          for (const moment of moments.filter((_moment, i) => isSoak || i % kind.every === 0)) {
            const what = `full from call ${moment} on, ${calls[moment]}`;
            const workDir = join(disk.directory, String(moment));
            mkdirSync(workDir);
            const bucket = await bucketOfBlocks();
            const state = { count: 0 };
            const compactor = compactorOver(
              watched(bucket, () => {
                if (state.count++ === moment) disk.fill();
              }),
              workDir,
              { downsamples: true, failurePolicy: { haltsOnError: true } },
            );
            const failed = await compactor.pass(forever).then(
              () => '',
              (thrown) => {
                assert.equal(isHalt(thrown), false, `${what}: ${messageOf(thrown)}`);
                return messageOf(thrown);
              },
            );
            disk.free();
            if (failed !== '') {
              failedCount++;
              assert.match(failed, kind.says, what);
            }
            for await (const { name } of bucket.list(request, '', { recursive: true })) {
              assert.ok(!/no-.*-mark/.test(name), `${what}: ${name}`);
            }
            await compactor.pass(forever);
            assert.deepEqual(await outline(bucket), wanted.outline, what);
            assert.deepEqual(await samplesOf(bucket), wanted.samples, what);
            for (const name of ['compact', 'downsample']) {
              if (existsSync(join(workDir, name))) assert.deepEqual(readdirSync(join(workDir, name)), [], what);
            }
          }
          assert.ok(failedCount > 1, `${failedCount} passes met the full disk`);
        }),
      ));
  });
}

// Every call that a pass makes to the bucket goes wrong once, in each way it can. At no moment is a sample missing or a part
// of a block visible, and the next pass comes to the same end as if nothing had happened.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { newMark, printMark } from '../block/marks.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { aggregatesOf } from './aggregates-fixture.ts';
import { addBlock, compactorOver, metasOf, samplesOf, withMemoryDirectory } from './bucket-fixture.ts';
import type { Compactor } from './compactor.ts';
import { type CallFault, callFaults, faultyBucket, isChange, isStream } from './faulty-bucket.ts';
import { Lease } from './lease.ts';

const isSoak = process.env['TRIBUTARY_SOAK'] === '1';
const request = backgroundRequest();
const forever = new AbortController().signal;
const HOUR_MS = 3_600_000;
const NOW_MS = 100 * HOUR_MS;
const ulid = (n: number): string => `01HF7YAT00AAAAAAAAAAAAAA${String(n).padStart(2, '0')}`;

/** Made once: writing blocks takes longer than copying them. */
let template: readonly (readonly [name: string, bytes: Uint8Array, timeMs: number])[] | undefined;

async function fullBucket(): Promise<MemoryBucket> {
  let now = NOW_MS;
  const bucket = new MemoryBucket('memory', () => now);
  template ??= await makeTemplate();
  for (const [name, bytes, timeMs] of template) {
    now = timeMs;
    await bucket.upload(request, name, bodyOf(bytes));
  }
  now = NOW_MS;
  return bucket;
}

/** Something for every step: replicas to merge, blocks to compact, to downsample and to delete, and a broken-off upload. */
async function makeTemplate(): Promise<NonNullable<typeof template>> {
  const bucket = new MemoryBucket();
  const series = ['up', 'x'];
  const stepMs = 600_000;
  const replica = (name: string) => ({ a: '1', replica: name });
  await addBlock(bucket, { ulid: ulid(0), labels: replica('A'), hours: [0, 2], series, stepMs });
  await addBlock(bucket, { ulid: ulid(1), labels: replica('B'), hours: [0, 2], series, stepMs: 900_000 });
  await addBlock(bucket, { ulid: ulid(2), labels: replica('B'), hours: [2, 2], series, stepMs });
  for (let i = 0; i < 3; i++) {
    await addBlock(bucket, { ulid: ulid(10 + i), labels: { a: '2' }, hours: [4 * i, 4], series: ['up'], stepMs });
  }
  await addBlock(bucket, { ulid: ulid(20), labels: { a: '3' }, hours: [0, 48], series: ['up'], stepMs: HOUR_MS });
  await addBlock(bucket, { ulid: ulid(30), labels: { a: '4' }, hours: [0, 2], series: ['up'] });
  const mark = printMark(newMark('deletion', ulid(30), { details: 'long ago', nowMs: 0 }));
  await bucket.upload(request, `${ulid(30)}/deletion-mark.json`, bodyOf(Buffer.from(mark)));
  await bucket.upload(request, `${ulid(31)}/chunks/000001`, bodyOf(new Uint8Array(9)));
  const objects: [string, Uint8Array, number][] = [];
  for await (const { name } of bucket.list(request, '', { recursive: true })) {
    objects.push([name, await readAll(request, bucket, name), NOW_MS - 72 * HOUR_MS]);
  }
  return objects;
}

/** Blocks that a pass makes have another name each time, and so has what conditions are tried out with. */
function steadyName(object: string): string {
  return object.replace(/\b01(?!HF7YAT00)[0-9A-Z]{24}\b/g, 'new').replace(/[0-9a-f-]{36}/, 'any');
}

/** A new process each: the same name, the same local directory. */
function compactor(bucket: Bucket, workDir: string): Compactor {
  const clock = { now: () => NOW_MS, sleep: async () => {} };
  const deps = { bucket, logger: silentLogger, metrics: new Metrics(), clock, elapsed: () => NOW_MS };
  const lease = new Lease(deps, { holder: 'this one', ttlMs: 60_000 });
  return compactorOver(bucket, workDir, { replicaLabels: ['replica'], downsamples: true, now: () => NOW_MS, lease });
}

/** By block: what is in one never changes. */
const samplesRead = new Map<string, readonly string[]>();

/** Everything that does not differ from run to run: blocks, raw samples, aggregates. */
async function contents(bucket: Bucket): Promise<readonly string[]> {
  const lines: string[] = [...(await samplesOf(bucket, samplesRead))];
  for (const { ulid: name, minTime, maxTime, compaction, thanos } of (await metasOf(bucket)).values()) {
    lines.push(`${thanos.labels} ${thanos.resolutionMs} ${minTime}-${maxTime} ${compaction.sources}`);
    if (thanos.resolutionMs !== 0) lines.push((await aggregatesOf(bucket, name)).join('\n'));
  }
  return lines.sort();
}

/** The raw samples without the label that replicas differ in, each once. Fails for a block that is not whole. */
async function visible(bucket: Bucket): Promise<ReadonlySet<string>> {
  for (const [name, { thanos }] of await metasOf(bucket)) {
    for (const { relPath } of thanos.files) {
      assert.ok(await bucket.exists(request, `${name}/${relPath}`), `${name} is visible without ${relPath}`);
    }
  }
  return new Set((await samplesOf(bucket, samplesRead)).map((line) => line.replace(/, replica="."/, '')));
}

async function strays(bucket: Bucket): Promise<string[]> {
  const metas = await metasOf(bucket);
  const found: string[] = [];
  for await (const { name } of bucket.list(request, '', { recursive: true })) {
    if (!metas.has(name.slice(0, 26)) && !name.startsWith('tributary/')) found.push(name);
    else if (name.includes('-mark')) found.push(name);
  }
  return found;
}

const recorded = await withMemoryDirectory(async (workDir) => {
  const bucket = await fullBucket();
  const { bucket: counted, calls } = faultyBucket(bucket, steadyName);
  await compactor(counted, workDir).pass(forever);
  return { calls, contents: await contents(bucket), visible: await visible(bucket), strays: await strays(bucket) };
});

/** Every change, and one read of each kind from each kind of object; in a soak every single one. */
function momentsOf(fault: CallFault): string[] {
  const seen = new Set<string>();
  return recorded.calls.filter((call) => {
    const isCrash = fault.startsWith('crash');
    if (isChange(call) && isCrash) return true;
    // A crash in the middle of a read is one before it, and most reads have no middle.
    if (fault === 'crash after' || (fault === 'after' && !isChange(call) && !isStream(call))) return false;
    const kind = call.replace(/01HF7YAT00A*\d\d| \d+$/g, '');
    if (!isSoak && (isCrash || seen.has(kind))) return false;
    seen.add(kind);
    return true;
  });
}

test('a pass has something to do in every step', () => {
  const of = (operation: string): number => recorded.calls.filter((name) => name.startsWith(operation)).length;
  assert.ok(of('upload') >= 9, `${of('upload')} uploads`);
  assert.ok(of('delete') >= 20, `${of('delete')} deletions`);
  assert.ok(recorded.contents.some((line) => line.startsWith('{a="3"} 300000 ')));
  assert.deepEqual(recorded.strays, []);
});

describe('a call to the bucket that fails', () => {
  for (const fault of callFaults) {
    test(`${fault === 'before' ? 'with nothing done' : fault}, whichever it is, loses nothing and leaves nothing behind`, {
      timeout: isSoak ? 1_200_000 : 120_000,
    }, async () => {
      const moments = momentsOf(fault);
      assert.ok(moments.length > 5, `${moments.length} moments`);
      for (const moment of moments) {
        const what = `${fault} ${moment}`;
        await withMemoryDirectory(async (workDir) => {
          const bucket = await fullBucket();
          const faulty = faultyBucket(bucket, steadyName, moment, fault);
          // Some calls are made again, and some are not needed: then nothing is to be seen of it.
          await compactor(faulty.bucket, workDir)
            .pass(AbortSignal.any([faulty.life]))
            .catch(() => {});
          assert.ok(faulty.calls.includes(moment), `${what}: was not called`);
          const there = await visible(bucket);
          for (const line of recorded.visible) assert.ok(there.has(line), `${what}: ${line} is lost`);
          await compactor(bucket, workDir).pass(forever);
          // What was uploaded without a meta.json stays for two days: somebody else might still be at it.
          const left = (await strays(bucket)).filter((name) => !/\/(chunks\/000001|index)$/.test(name));
          assert.deepEqual(left, [], what);
          assert.deepEqual(await contents(bucket), recorded.contents, what);
          for (const name of ['compact', 'downsample']) {
            if (existsSync(join(workDir, name))) assert.deepEqual(readdirSync(join(workDir, name)), [], what);
          }
        });
      }
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { backgroundRequest } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import { type Bucket, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { addBlock, compactorOver, metasOf, withDirectory } from './bucket-fixture.ts';
import { isHalt } from './group-compactor.ts';
import { LEASE_OBJECT, Lease } from './lease.ts';

const request = backgroundRequest();
const forever = new AbortController().signal;
const ulid = (n: number): string => `01HF7YAT00AAAAAAAAAAAAAA${String(n).padStart(2, '0')}`;

/** Two streams of six blocks; of the first, block 1 has no index. */
async function brokenBucket(): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  for (const [stream, from] of [
    ['1', 0],
    ['2', 10],
  ] as const) {
    for (let i = 0; i < 6; i++) {
      await addBlock(bucket, { ulid: ulid(from + i), labels: { a: stream }, hours: [2 * i, 2], series: ['up'] });
    }
  }
  await bucket.delete(request, `${ulid(1)}/index`);
  return bucket;
}

async function compactedStreams(bucket: Bucket): Promise<string[]> {
  const metas = [...(await metasOf(bucket)).values()];
  return metas
    .filter(({ compaction }) => compaction.level > 1)
    .map(({ thanos, compaction }) => `${thanos.labels} of ${compaction.sources.length}`)
    .sort();
}

function leaseOf(bucket: Bucket, holder: string, clock: FakeClock): Lease {
  const deps = { bucket, logger: silentLogger, metrics: new Metrics(), clock, elapsed: () => clock.now() };
  return new Lease(deps, { holder, ttlMs: 60_000 });
}

describe('a broken block', () => {
  test('is only skipped where marks are not wanted, and told by the status', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      const compactor = compactorOver(bucket, workDir, { failurePolicy: { damagedBlocks: 'skip' } });
      await assert.rejects(compactor.pass(forever), (thrown) => messageOf(thrown).includes(ulid(1)));
      assert.equal(await bucket.exists(request, `${ulid(1)}/no-compact-mark.json`), false);
      assert.deepEqual(await compactedStreams(bucket), ['{a="1"} of 2', '{a="2"} of 4']);
      const { damaged, pass } = compactor.watch.status() as {
        damaged: { ulid: string; reason: string; problem: string }[];
        pass: { error: string };
      };
      assert.deepEqual(
        damaged.map((block) => [block.ulid, block.reason]),
        [[ulid(1), 'damaged-block']],
      );
      assert.ok(pass.error.includes(ulid(1)));
      // It is known by now, so that the next pass has nothing to complain about.
      await compactor.pass(forever);
      assert.equal(compactor.problem, undefined);
    }));

  test('halts everything where that is wanted, and nothing is marked or deleted', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      const metrics = new Metrics();
      const compactor = compactorOver(bucket, workDir, { metrics, failurePolicy: { haltsOnError: true } });
      await assert.rejects(compactor.pass(forever), (thrown) => isHalt(thrown) && messageOf(thrown).includes(ulid(1)));
      assert.equal(await bucket.exists(request, `${ulid(1)}/no-compact-mark.json`), false);
      assert.match(compactor.problem!, /halted/);
      assert.match(await metrics.text(), /^thanos_compact_halted 1$/m);
    }));
});

describe('the status', () => {
  test('tells the backlog by group, and where things stand', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      await addBlock(bucket, { ulid: ulid(20), labels: { a: '3' }, hours: [0, 2], series: ['up'] });
      await addBlock(bucket, { ulid: ulid(21), labels: { a: '3' }, hours: [1, 2], series: ['up'] });
      const metrics = new Metrics();
      const compactor = compactorOver(bucket, workDir, { metrics });
      assert.equal(compactor.watch.backlog(), undefined);
      await compactor.showProgress(request);
      const before = compactor.watch.backlog()!;
      assert.deepEqual(
        before.groups.map(({ labels, compactionCount, blockCount, blockedBecause }) => [
          labels['a'],
          compactionCount,
          blockCount,
          blockedBecause === undefined,
        ]),
        [
          ['1', 1, 4, true],
          ['2', 1, 4, true],
          ['3', 0, 0, false],
        ],
      );
      assert.equal(before.estimatedEndMs, undefined);
      await assert.rejects(compactor.pass(forever));
      const after = compactor.watch.status() as {
        backlog: unknown;
        bytesPerSecond: number;
        groups: { labels: { a: string }; state: string; lastAdvance: string | null; problem: string }[];
      };
      assert.deepEqual(after.backlog, { compactions: 0, downsamples: 0, blocks: 0, bytes: 0 });
      assert.ok(after.bytesPerSecond > 0);
      assert.deepEqual(
        after.groups.map(({ labels, state, lastAdvance }) => [labels.a, state, lastAdvance === null]).sort(),
        [
          ['1', 'idle', false],
          ['2', 'idle', false],
          ['3', 'blocked', true],
        ],
      );
      assert.match(after.groups.find(({ labels }) => labels.a === '3')!.problem, /overlap/);
      const text = await metrics.text();
      assert.match(text, /^tributary_compact_group_todo_blocks\{group="0@\d+"\} 0$/m);
      assert.match(text, /^tributary_compact_bytes_per_second \d/m);
      assert.match(text, /^tributary_compact_healthy 1$/m);
    }));

  test('is unhealthy with the second pass that a dead bucket fails', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      const compactor = compactorOver(bucket, workDir);
      bucket.list = () => {
        throw new Error('no route to the bucket');
      };
      await assert.rejects(compactor.pass(forever));
      assert.equal(compactor.problem, undefined);
      await assert.rejects(compactor.pass(forever));
      assert.match(compactor.problem!, /no route to the bucket/);
    }));
});

describe('a second compactor', () => {
  test('changes nothing while the first one is at work', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      const clock = new FakeClock(1);
      const first = leaseOf(bucket, 'first', clock);
      await first.acquire(request);
      const names = async (): Promise<string[]> => {
        const all: string[] = [];
        for await (const { name } of bucket.list(request, '', { recursive: true })) all.push(name);
        return all;
      };
      const before = await names();
      const second = compactorOver(bucket, workDir, { lease: leaseOf(bucket, 'second', clock) });
      const pass = second.pass(forever);
      const failed = assert.rejects(pass, /another compactor, first, works on this bucket/);
      for (let i = 0; i < 3; i++) await clock.advance(10_000);
      await first.renew(request);
      await clock.advance(10_000);
      await failed;
      assert.deepEqual(await names(), before);
    }));

  test('that takes over from a paused one stops it before it marks or deletes anything', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      const clock = new FakeClock(1);
      const paused = compactorOver(bucket, workDir, { lease: leaseOf(bucket, 'paused', clock), deleteDelayMs: 1 });
      // What it downloads takes so long that it is given up for dead.
      const { get } = bucket;
      let taken = false;
      bucket.get = async (...args) => {
        if (!taken && args[1].endsWith('/index')) {
          taken = true;
          const other = leaseOf(bucket, 'other', clock);
          const acquired = other.acquire(request);
          for (let i = 0; i < 12; i++) await clock.advance(6_000);
          await acquired;
        }
        return get.apply(bucket, args);
      };
      await assert.rejects(
        paused.pass(forever),
        /another compactor, other, has taken over the bucket|not hold the lease/,
      );
      assert.equal(taken, true);
      assert.deepEqual(await compactedStreams(bucket), []);
      for (let i = 0; i < 6; i++) assert.equal(await bucket.exists(request, `${ulid(i)}/deletion-mark.json`), false);
    }));

  test('starts at once after one that ended', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      const clock = new FakeClock(1);
      const compactor = compactorOver(bucket, workDir, { lease: leaseOf(bucket, 'first', clock) });
      await assert.rejects(compactor.pass(forever), (thrown) => messageOf(thrown).includes(ulid(1)));
      await compactor.release();
      await leaseOf(bucket, 'second', clock).acquire(request);
      const { holder } = JSON.parse(Buffer.from(await readAll(request, bucket, LEASE_OBJECT)).toString());
      assert.equal(holder, 'second');
    }));
});

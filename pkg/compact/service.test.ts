import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { backgroundRequest } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { addBlock, compactorOver, metasOf, withDirectory } from './bucket-fixture.ts';
import { noThreads } from './downsample-threads.ts';
import { isHalt } from './group-compactor.ts';
import { LEASE_OBJECT, Lease } from './lease.ts';
import { noMergeThreads } from './merge-threads.ts';
import { CompactorService } from './service.ts';

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

describe('a step that takes hours', () => {
  const HOUR_MS = 3_600_000;
  /** Threads whose jobs take three hours, and an hour and a half more in which they say nothing. */
  function slow<Job, Result>(
    threads: { run(signal: AbortSignal, job: Job, onProgress: () => void): Promise<Result> },
    clock: { nowMs: number },
    health: (string | undefined)[],
    problem: () => string | undefined,
  ): typeof threads {
    return {
      run: async (signal, job, onProgress) => {
        for (let i = 0; i < 6; i++) {
          clock.nowMs += HOUR_MS / 2;
          onProgress();
          health.push(problem());
        }
        clock.nowMs += 1.5 * HOUR_MS;
        health.push(problem());
        return threads.run(signal, job, onProgress);
      },
    };
  }

  for (const what of ['merge', 'downsampling'] as const) {
    test(`such as a ${what} is healthy as long as it gets on, however long it takes, and not when it stands still`, () =>
      withDirectory(async (workDir) => {
        const bucket = new MemoryBucket();
        const hours = what === 'merge' ? 2 : 48;
        for (let i = 0; i < (what === 'merge' ? 6 : 1); i++) {
          const series = ['up'];
          await addBlock(bucket, {
            ulid: ulid(i),
            labels: { a: '1' },
            hours: [hours * i, hours],
            series,
            stepMs: HOUR_MS,
          });
        }
        const clock = { nowMs: 1000 * HOUR_MS };
        const health: (string | undefined)[] = [];
        const problem = (): string | undefined => compactor.problem;
        const compactor = compactorOver(bucket, workDir, {
          now: () => clock.nowMs,
          downsamples: true,
          mergeThreads: slow(noMergeThreads, clock, health, problem),
          downsampleThreads: slow(noThreads, clock, health, problem),
        });
        await compactor.pass(forever);
        assert.equal(health.length, 7);
        assert.deepEqual(health.slice(0, 6), new Array(6).fill(undefined));
        assert.match(health[6] ?? '', /no sign of progress for 5400s/);
        assert.equal(compactor.problem, undefined);
      }));
  }

  test('such as a download is healthy while bytes come in', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      let nowMs = 1000 * HOUR_MS;
      const health: (string | undefined)[] = [];
      const { get } = bucket;
      bucket.get = async (context, name) => {
        const body = await get.call(bucket, context, name);
        if (!name.endsWith('/index')) return body;
        return (async function* () {
          for await (const bytes of body) {
            for (let at = 0; at < bytes.length; at += 10) {
              nowMs += HOUR_MS / 2;
              yield bytes.subarray(at, at + 10);
              health.push(compactor.problem);
            }
          }
        })();
      };
      const compactor = compactorOver(bucket, workDir, { now: () => nowMs });
      await assert.rejects(compactor.pass(forever), (thrown) => messageOf(thrown).includes(ulid(1)));
      assert.ok(health.length > 20);
      assert.deepEqual(new Set(health), new Set([undefined]));
    }));

  test('is not taken for one that gets on because somebody looks at the bucket meanwhile', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      let nowMs = 1000 * HOUR_MS;
      const health: (string | undefined)[] = [];
      const compactor = compactorOver(bucket, workDir, {
        now: () => nowMs,
        mergeThreads: {
          ...noMergeThreads,
          run: async (...args) => {
            for (let i = 0; i < 3; i++) {
              nowMs += HOUR_MS / 2;
              await compactor.showProgress(request);
              await compactor.cleanPartials(request);
              health.push(compactor.problem);
            }
            return noMergeThreads.run(...args);
          },
        },
      });
      await assert.rejects(compactor.pass(forever), (thrown) => messageOf(thrown).includes(ulid(1)));
      assert.match(health[2] ?? '', /no sign of progress/);
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

  test('is healthy however long it stands by, and not noisy about it', () =>
    withDirectory(async (workDir) => {
      const bucket = await brokenBucket();
      const clock = new FakeClock(1);
      const first = leaseOf(bucket, 'first', clock);
      await first.acquire(request);
      const compactor = compactorOver(bucket, workDir, { lease: leaseOf(bucket, 'second', clock) });
      const lines: string[] = [];
      const logger: Logger = { ...silentLogger, error: (text) => lines.push(text), warn: (text) => lines.push(text) };
      const service = new CompactorService(
        { compactor, logger, clock, onDone: () => {} },
        { waits: true, waitIntervalMs: 10_000, cleanupIntervalMs: 0, progressIntervalMs: 0 },
      );
      const stop = new AbortController();
      const tasks: Promise<void>[] = [];
      await service.start({
        signal: stop.signal,
        // There is no lease to be kept, and the compactor's own clock does not wait.
        spawn: (name, task) => {
          if (name !== 'lease') tasks.push(task(stop.signal));
        },
        ready: () => {},
        unready: () => {},
      });
      for (let i = 0; i < 30; i++) {
        await clock.advance(10_000);
        await first.renew(request);
        assert.equal(compactor.problem, undefined);
      }
      const { pass } = compactor.watch.status() as { pass: { count: number; error: string } };
      assert.ok(pass.count > 5, `${pass.count} passes`);
      assert.match(pass.error, /another compactor, first, works on this bucket/);
      assert.deepEqual(lines, []);
      stop.abort();
      await Promise.all(tasks);
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

describe('a clock that is wrong', () => {
  const DAY_MS = 24 * 3_600_000;
  const bucketMs = 1000 * DAY_MS;

  for (const [what, leadMs, isRefused] of [
    ['three days ahead of the bucket', 3 * DAY_MS, true],
    ['a minute ahead of it', 60_000, false],
  ] as const) {
    test(`${what} ${isRefused ? 'deletes nothing, and says so' : 'is of no account'}`, () =>
      withDirectory(async (workDir) => {
        let nowMs = bucketMs - 3 * DAY_MS;
        const bucket = new MemoryBucket('memory', () => nowMs);
        const old = { labels: { a: '1' }, hours: [0, 2], series: ['up'] } as const;
        for (const id of [0, 1]) await addBlock(bucket, { ...old, labels: { a: String(id) }, ulid: ulid(id) });
        const mark = { id: ulid(0), version: 1, deletion_time: (bucketMs - 50 * 3_600_000) / 1000, details: '' };
        const write = (name: string, text: string) => bucket.upload(request, name, bodyOf(Buffer.from(text)));
        await write(`${ulid(0)}/deletion-mark.json`, JSON.stringify(mark));
        // Of the same age as the upload that broke off, by a clock that is ahead.
        nowMs = isRefused ? bucketMs : bucketMs - 3 * DAY_MS;
        await write(`${ulid(5)}/chunks/000001`, 'under way');
        nowMs = bucketMs;
        const now = (): number => bucketMs + leadMs;
        const clock = { now, sleep: async () => {} };
        const deps = { bucket, logger: silentLogger, metrics: new Metrics(), clock };
        const compactor = compactorOver(bucket, workDir, {
          now,
          lease: new Lease(deps, { holder: 'a', ttlMs: 60_000 }),
          deleteDelayMs: 2 * DAY_MS,
          retention: { rawMs: DAY_MS, fiveMinutesMs: 0, oneHourMs: 0 },
        });
        if (isRefused) {
          await assert.rejects(
            compactor.pass(forever),
            /the clock of this machine is 259200 s ahead of the bucket's: nothing is deleted until it is right/,
          );
          await assert.rejects(compactor.cleanPartials(request), /ahead of the bucket/);
        } else {
          await compactor.pass(forever);
        }
        assert.equal(await bucket.exists(request, `${ulid(0)}/meta.json`), isRefused);
        assert.equal(await bucket.exists(request, `${ulid(5)}/chunks/000001`), isRefused);
        assert.equal(await bucket.exists(request, `${ulid(1)}/deletion-mark.json`), !isRefused);
      }));
  }
});

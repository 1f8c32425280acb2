import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { addBlock, compactorOver, metasOf, samplesOf, withDirectory } from './bucket-fixture.ts';
import { noThreads } from './downsample-threads.ts';
import { noMergeThreads } from './merge-threads.ts';

const request = backgroundRequest();
const forever = new AbortController().signal;
const ulid = (n: number): string => `01HF7YAT00AAAAAAAAAAAAAA${String(n).padStart(2, '0')}`;

/** Four blocks of two hours and two more, so that the first four are settled. */
async function plainBucket(labels: Readonly<Record<string, string>> = { a: '1' }, from = 0): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  await addPlain(bucket, labels, from);
  return bucket;
}

async function addPlain(bucket: Bucket, labels: Readonly<Record<string, string>>, from: number): Promise<void> {
  for (let i = 0; i < 6; i++) {
    const series = i % 2 === 0 ? ['up', 'x'] : ['up', 'y'];
    await addBlock(bucket, { ulid: ulid(from + i), labels, hours: [2 * i, 2], series });
  }
}

/** One block that is long enough to be downsampled. */
async function longBucket(): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  await addBlock(bucket, { ulid: ulid(0), labels: { a: '1' }, hours: [0, 48], series: ['up'], stepMs: 3_600_000 });
  return bucket;
}

/** Two replicas of the same two hours, and the next two of one of them. */
async function replicatedBucket(): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  const series = ['up', 'x'];
  await addBlock(bucket, { ulid: ulid(0), labels: { a: '1', replica: 'A' }, hours: [0, 2], series });
  await addBlock(bucket, { ulid: ulid(1), labels: { a: '1', replica: 'B' }, hours: [0, 2], series, stepMs: 420_000 });
  await addBlock(bucket, { ulid: ulid(2), labels: { a: '1', replica: 'B' }, hours: [2, 2], series });
  return bucket;
}

async function objectsOf(bucket: Bucket): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of bucket.list(request, '', { recursive: true })) names.push(name);
  return names;
}

/** The bucket, with a say before and after each change. */
function watched(bucket: Bucket, before: () => void, after: () => void): Bucket {
  const around = async (work: () => Promise<void>): Promise<void> => {
    before();
    await work();
    after();
  };
  return {
    name: bucket.name,
    list: (...args) => bucket.list(...args),
    get: (...args) => bucket.get(...args),
    getRange: (...args) => bucket.getRange(...args),
    exists: (...args) => bucket.exists(...args),
    attributes: (...args) => bucket.attributes(...args),
    upload: (...args) => around(() => bucket.upload(...args)),
    delete: (...args) => around(() => bucket.delete(...args)),
    close: () => bucket.close(),
  };
}

/** What blocks there are, by what does not differ from run to run. */
async function outline(bucket: Bucket): Promise<string[]> {
  const metas = [...(await metasOf(bucket)).values()];
  return metas
    .map(({ minTime, maxTime, compaction, thanos }) => `${thanos.labels} ${minTime}-${maxTime} ${compaction.sources}`)
    .sort();
}

// Blocks that really are broken have their own file, damage.test.ts.
describe('a broken block', () => {
  test('that only our copy of it made broken is fetched anew', () =>
    withDirectory(async (workDir) => {
      const bucket = await plainBucket();
      const metrics = new Metrics();
      let gets = 0;
      const lossy: Bucket = {
        ...watched(
          bucket,
          () => {},
          () => {},
        ),
        get: async (context, name) => {
          const body = await bucket.get(context, name);
          if (!name.endsWith('/index') || gets++ > 0) return body;
          const bytes = Uint8Array.from(await readAll(context, bucket, name));
          bytes[40] ^= 0xff;
          return bodyOf(bytes);
        },
      };
      await compactorOver(lossy, workDir, { metrics }).pass(forever);
      assert.equal((await objectsOf(bucket)).filter((name) => name.includes('no-compact')).length, 0);
      assert.match(await metrics.text(), /thanos_compact_group_compactions_total\{resolution="0"\} 1\n/);
    }));

  for (const [what, options, make] of [
    ['compacted', {}, plainBucket],
    ['downsampled', { downsamples: true }, longBucket],
  ] as const) {
    test(`whose copy somebody removed from under us while it was ${what} is fetched anew, and not blamed`, () =>
      withDirectory(async (workDir) => {
        const wanted = await withDirectory(async (other) => {
          const bucket = await make();
          await compactorOver(bucket, other, options).pass(forever);
          return outline(bucket);
        });
        const bucket = await make();
        let removed = 0;
        const remove = (directory: string, source: string): void => {
          if (removed++ === 0) rmSync(join(directory, source), { recursive: true });
        };
        await compactorOver(bucket, workDir, {
          ...options,
          mergeThreads: {
            ...noMergeThreads,
            run: (signal, job, onProgress) => {
              remove(job.directory, job.sources[1]);
              return noMergeThreads.run(signal, job, onProgress);
            },
          },
          downsampleThreads: {
            ...noThreads,
            run: (signal, job, onProgress) => {
              remove(job.directory, job.source);
              return noThreads.run(signal, job, onProgress);
            },
          },
        }).pass(forever);
        assert.equal(removed, 2);
        assert.deepEqual(await outline(bucket), wanted);
        assert.deepEqual(
          (await objectsOf(bucket)).filter((name) => name.includes('-mark')),
          [],
        );
      }));
  }

  test('is not needed for overlapping blocks of a stream to be left alone while others go on', () =>
    withDirectory(async (workDir) => {
      const bucket = await plainBucket({ a: '1' });
      await addPlain(bucket, { a: '2' }, 10);
      await addBlock(bucket, { ulid: ulid(50), labels: { a: '1' }, hours: [1, 2], series: ['up'] });
      await assert.rejects(
        compactorOver(bucket, workDir).pass(forever),
        /overlap, and merging overlaps is not enabled/,
      );
      const levels = [...(await metasOf(bucket)).values()].map(
        ({ thanos, compaction }) => `${thanos.labels} ${compaction.level}`,
      );
      assert.ok(levels.includes('{a="2"} 2'));
      assert.ok(!levels.includes('{a="1"} 2'));
    }));
});

describe('deletion', () => {
  const HOUR_MS = 3_600_000;

  test('waits for its delay, and a pass before it leaves the sources readable', () =>
    withDirectory(async (workDir) => {
      const bucket = await plainBucket();
      const before = await samplesOf(bucket);
      let now = Date.now();
      const compactor = compactorOver(bucket, workDir, { deleteDelayMs: 48 * HOUR_MS, now: () => now });
      await compactor.pass(forever);
      assert.equal((await metasOf(bucket)).size, 7);
      now += 47 * HOUR_MS;
      await compactor.pass(forever);
      assert.equal((await metasOf(bucket)).size, 7);
      now += 2 * HOUR_MS;
      await compactor.pass(forever);
      assert.equal((await metasOf(bucket)).size, 3);
      assert.deepEqual(await samplesOf(bucket), before);
    }));

  test('marks no source twice, so that a pass where all is well warns of nothing', () =>
    withDirectory(async (workDir) => {
      const warnings: string[] = [];
      const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
      const compactor = compactorOver(await plainBucket(), workDir, { deleteDelayMs: 48 * HOUR_MS, logger });
      await compactor.pass(forever);
      await compactor.pass(forever);
      assert.deepEqual(warnings, []);
    }));

  test('retention marks whole blocks past it, and only those', () =>
    withDirectory(async (workDir) => {
      const bucket = await plainBucket();
      const retention = { rawMs: HOUR_MS, fiveMinutesMs: 1, oneHourMs: 1 };
      // The last two blocks end at 10 h and 12 h; what is older is one block by then.
      await compactorOver(bucket, workDir, { retention, now: () => 11 * HOUR_MS }).pass(forever);
      assert.deepEqual([...(await metasOf(bucket)).values()].map(({ minTime }) => minTime / HOUR_MS).sort(), [10, 8]);
    }));

  test('takes partial uploads after two days, and those marked before, but no fresh ones', () =>
    withDirectory(async (workDir) => {
      let now = 100 * HOUR_MS;
      const bucket = new MemoryBucket('memory', () => now);
      await bucket.upload(request, `${ulid(1)}/chunks/000001`, bodyOf(new Uint8Array(9)));
      await bucket.upload(request, `${ulid(3)}/index`, bodyOf(new Uint8Array(9)));
      await bucket.upload(
        request,
        `${ulid(3)}/deletion-mark.json`,
        bodyOf(Buffer.from(`{"id":"${ulid(3)}","version":1,"deletion_time":${(now - 1000) / 1000}}`)),
      );
      now += 47 * HOUR_MS;
      await bucket.upload(request, `${ulid(2)}/chunks/000001`, bodyOf(new Uint8Array(9)));
      const compactor = compactorOver(bucket, workDir, { now: () => now });
      await compactor.pass(forever);
      assert.deepEqual(await objectsOf(bucket), [`${ulid(1)}/chunks/000001`, `${ulid(2)}/chunks/000001`]);
      now += 2 * HOUR_MS;
      await compactor.pass(forever);
      assert.deepEqual(await objectsOf(bucket), [`${ulid(2)}/chunks/000001`]);
    }));
});

test('a dry run says what a pass does, and changes nothing', () =>
  withDirectory(async (workDir) => {
    const bucket = await plainBucket();
    const before = await objectsOf(bucket);
    const lines = await compactorOver(bucket, workDir, {
      retention: { rawMs: 1, fiveMinutesMs: 0, oneHourMs: 0 },
      now: () => 3 * 3_600_000,
    }).describe(request);
    assert.deepEqual(await objectsOf(bucket), before);
    assert.equal(lines.length, 2);
    const four = [0, 1, 2, 3].map(ulid).join(' ');
    assert.match(
      lines[0],
      new RegExp(`^compact 0@\\d+ 1970-01-01T00:00:00Z - 1970-01-01T08:00:00Z, \\d+ bytes: ${four}$`),
    );
    assert.match(
      lines[1],
      new RegExp(`^mark for deletion ${ulid(0)}: block of resolution raw ends at 1970-01-01T02:00:00Z`),
    );
  }));

test('progress is worked out to the end of the work', () =>
  withDirectory(async (workDir) => {
    const metrics = new Metrics();
    const bucket = await replicatedBucket();
    await compactorOver(bucket, workDir, { metrics, replicaLabels: ['replica'] }).showProgress(request);
    const text = await metrics.text();
    assert.match(text, /^thanos_compact_todo_compactions 1$/m);
    assert.match(text, /^thanos_compact_todo_compaction_blocks 2$/m);
  }));

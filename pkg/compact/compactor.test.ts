import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { Fault } from '../errors/fault.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { addBlock, compactorOver, metasOf, samplesOf, withDirectory } from './bucket-fixture.ts';
import { type DownsampleThreads, noThreads } from './downsample-threads.ts';
import { isHalt } from './group-compactor.ts';
import { type MergeThreads, noMergeThreads } from './merge-threads.ts';

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

async function markDeleted(bucket: Bucket, id: string, nowMs = Date.now()): Promise<void> {
  const mark = { id, version: 1, deletion_time: Math.floor(nowMs / 1000), details: '' };
  await bucket.upload(request, `${id}/deletion-mark.json`, bodyOf(Buffer.from(JSON.stringify(mark))));
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

  test('is not needed for the rest of a stream, and all others, to go on beside overlapping blocks', () =>
    withDirectory(async (workDir) => {
      const bucket = await plainBucket({ a: '1' });
      await addPlain(bucket, { a: '2' }, 10);
      for (let i = 0; i < 6; i++) {
        const hours = [12 + 2 * i, 2] as const;
        await addBlock(bucket, { ulid: ulid(40 + i), labels: { a: '1' }, hours, series: ['up'] });
      }
      await addBlock(bucket, { ulid: ulid(50), labels: { a: '1' }, hours: [1, 2], series: ['up'] });
      const before = await samplesOf(bucket);
      const compactor = compactorOver(bucket, workDir);
      const overlap = new RegExp(
        `blocks ${ulid(0)}, ${ulid(50)}, ${ulid(1)} overlap, and merging overlaps is not enabled`,
      );
      assert.deepEqual((await compactor.describe(request)).filter((line) => line.startsWith('leave alone')).length, 1);
      await assert.rejects(compactor.pass(forever), overlap);
      const levels = [...(await metasOf(bucket)).values()]
        .filter(({ thanos }) => thanos.labels.get('a') === '1')
        .sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime)
        .map(({ minTime, maxTime, compaction }) => `${minTime / 3_600_000}-${maxTime / 3_600_000} ${compaction.level}`);
      assert.deepEqual(levels, [
        '0-2 1',
        '1-3 1',
        '2-4 1',
        '4-8 2',
        '8-16 2',
        '16-18 1',
        '18-20 1',
        '20-22 1',
        '22-24 1',
      ]);
      assert.ok(
        [...(await metasOf(bucket)).values()].some(
          ({ thanos, compaction }) => `${thanos.labels} ${compaction.level}` === '{a="2"} 2',
        ),
      );
      assert.deepEqual(await samplesOf(bucket), before);
      // It stays so, and is said again, until somebody looks at it.
      await assert.rejects(compactor.pass(forever), overlap);
    }));

  test('with halts switched on, overlapping blocks stop everything at once', () =>
    withDirectory(async (workDir) => {
      const bucket = await plainBucket({ a: '1' });
      await addBlock(bucket, { ulid: ulid(50), labels: { a: '1' }, hours: [1, 2], series: ['up'] });
      const compactor = compactorOver(bucket, workDir, { failurePolicy: { haltsOnError: true } });
      await assert.rejects(compactor.pass(forever), isHalt);
    }));
});

test('while a thread merges one group the sources of the next are fetched, and of no other', () =>
  withDirectory(async (workDir) => {
    const bucket = await plainBucket({ a: '1' });
    await addPlain(bucket, { a: '2' }, 10);
    await addPlain(bucket, { a: '3' }, 20);
    const before = await samplesOf(bucket);
    let waiting = 0;
    let most = 0;
    let letGo = (): void => {};
    const areTwo = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const run: MergeThreads['run'] = async (signal, job, onProgress) => {
      most = Math.max(most, ++waiting);
      // The first one goes on only when the next one has its sources too.
      if (waiting === 2) letGo();
      await areTwo;
      try {
        return await noMergeThreads.run(signal, job, onProgress);
      } finally {
        waiting--;
      }
    };
    const mergeThreads = { ...noMergeThreads, run, prepare: () => {} };
    await compactorOver(bucket, workDir, { mergeThreads }).pass(forever);
    assert.equal(most, 2);
    assert.deepEqual(await samplesOf(bucket), before);
  }));

describe('a group with more than one window to merge', () => {
  /** Five windows of eight hours, the last one open. */
  async function longStream(): Promise<MemoryBucket> {
    const bucket = new MemoryBucket();
    for (let i = 0; i < 17; i++) {
      await addBlock(bucket, { ulid: ulid(i), labels: { a: '1' }, hours: [2 * i, 2], series: ['up'] });
    }
    return bucket;
  }

  /** A pass, with `atMerge` called before each merge; what the pass did, in order. */
  async function passOf(
    bucket: MemoryBucket,
    workDir: string,
    now: () => number,
    atMerge: (count: number) => Promise<void>,
  ): Promise<string> {
    let done = '';
    let merges = 0;
    const watched: Bucket = {
      name: bucket.name,
      list: (context, directory, options) => {
        if (directory === '') done += 'l';
        return bucket.list(context, directory, options);
      },
      get: (...args) => bucket.get(...args),
      getRange: (...args) => bucket.getRange(...args),
      exists: (...args) => bucket.exists(...args),
      attributes: (...args) => bucket.attributes(...args),
      upload: (...args) => bucket.upload(...args),
      delete: (...args) => bucket.delete(...args),
      close: () => bucket.close(),
    };
    const run: MergeThreads['run'] = async (signal, job, onProgress) => {
      await atMerge(++merges);
      done += 'm';
      return noMergeThreads.run(signal, job, onProgress);
    };
    const before = await samplesOf(bucket);
    await compactorOver(watched, workDir, { mergeThreads: { run }, now }).pass(forever);
    assert.deepEqual(await samplesOf(bucket), before);
    return done;
  }

  test('is gone on with after one look at the bucket, as long as that was not long ago', () =>
    withDirectory(async (workDir) => {
      let nowMs = Date.now();
      const now = (): number => nowMs;
      assert.match(await passOf(await longStream(), join(workDir, 'a'), now, async () => {}), /^lm{4}l+$/);
      const slow = await passOf(await longStream(), join(workDir, 'b'), now, async () => {
        nowMs += 40_000;
      });
      assert.match(slow, /^lm{2}lm{2}l+$/);
    }));

  test('leaves out what was marked since', () =>
    withDirectory(async (workDir) => {
      const bucket = await longStream();
      const mark = { id: ulid(5), version: 1, no_compact_time: 1, reason: 'manual', details: '' };
      await passOf(bucket, workDir, Date.now, async (count) => {
        if (count > 1) return;
        const body = bodyOf(Buffer.from(JSON.stringify(mark)));
        await bucket.upload(request, `${ulid(5)}/no-compact-mark.json`, body);
      });
      const holding = [...(await metasOf(bucket)).values()].filter(({ compaction }) =>
        compaction.sources.includes(ulid(5)),
      );
      assert.deepEqual(
        holding.map((meta) => meta.ulid),
        [ulid(5)],
      );
    }));
});

test('sources that a killed pass did not mark are gone after the next one, when deletions wait for nothing', () =>
  withDirectory(async (workDir) => {
    const bucket = new MemoryBucket();
    const sources = [ulid(1), ulid(2)];
    for (const [i, source] of sources.entries()) {
      await addBlock(bucket, { ulid: source, labels: { a: '1' }, hours: [2 * i, 2], series: ['up'] });
    }
    const before = await samplesOf(bucket);
    await addBlock(bucket, { ulid: ulid(9), labels: { a: '1' }, hours: [0, 4], series: ['up'], sources });
    await compactorOver(bucket, workDir).pass(forever);
    assert.deepEqual([...(await metasOf(bucket)).keys()], [ulid(9)]);
    assert.deepEqual(await samplesOf(bucket), before);
  }));

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

  test('retention waits for a block that was to be downsampled and could not be', () =>
    withDirectory(async (workDir) => {
      const bucket = await longBucket();
      const before = await samplesOf(bucket);
      const warnings: string[] = [];
      const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
      let isFull = true;
      const downsampleThreads: DownsampleThreads = {
        ...noThreads,
        run: async (signal, job, onProgress) => {
          if (isFull) throw new Fault('limit', 'no space left');
          return noThreads.run(signal, job, onProgress);
        },
      };
      const retention = { rawMs: 40 * HOUR_MS, fiveMinutesMs: 0, oneHourMs: 0 };
      const now = (): number => 100 * HOUR_MS;
      const compactor = compactorOver(bucket, workDir, {
        downsamples: true,
        downsampleThreads,
        retention,
        now,
        logger,
      });
      await assert.rejects(compactor.pass(forever), /no space left/);
      await assert.rejects(compactor.pass(forever), /no space left/);
      assert.deepEqual(await samplesOf(bucket), before);
      assert.ok(warnings.includes('block is past its retention and kept: it is not downsampled yet'));
      isFull = false;
      await compactor.pass(forever);
      assert.deepEqual(
        [...(await metasOf(bucket)).values()].map(({ thanos }) => thanos.resolutionMs),
        [300_000],
      );
    }));

  test('is for good: what is marked is neither compacted nor downsampled, however young the mark', () =>
    withDirectory(async (workDir) => {
      const bucket = await plainBucket();
      const long = { ulid: ulid(9), labels: { a: '2' }, hours: [0, 48], series: ['up'], stepMs: HOUR_MS } as const;
      await addBlock(bucket, long);
      for (const marked of [1, 9]) await markDeleted(bucket, ulid(marked));
      const compactor = compactorOver(bucket, workDir, { deleteDelayMs: 48 * HOUR_MS, downsamples: true });
      const planned = await compactor.describe(request);
      assert.deepEqual(
        planned.filter((line) => /^compact|^downsample/.test(line)).map((line) => line.slice(-53)),
        [`${ulid(2)} ${ulid(3)}`],
      );
      await compactor.pass(forever);
      const left = [...(await metasOf(bucket)).values()].filter(({ compaction }) => compaction.level > 1);
      assert.deepEqual(
        left.map(({ compaction }) => compaction.sources),
        [[ulid(2), ulid(3)]],
      );
      assert.ok(![...(await metasOf(bucket)).values()].some(({ thanos }) => thanos.resolutionMs > 0));
    }));

  test('of a merger brings back its sources: they are no garbage any more', () =>
    withDirectory(async (workDir) => {
      let now = Date.now();
      const bucket = await plainBucket();
      const before = await samplesOf(bucket);
      const compactor = compactorOver(bucket, workDir, { deleteDelayMs: 48 * HOUR_MS, now: () => now });
      await compactor.pass(forever);
      const merger = [...(await metasOf(bucket)).values()].find(({ compaction }) => compaction.level > 1)!;
      // Somebody found it wrong, before its sources were gone.
      await markDeleted(bucket, merger.ulid, now);
      for (const source of merger.compaction.sources) await bucket.delete(request, `${source}/deletion-mark.json`);
      for (let hours = 0; hours < 60; hours += 12) {
        await compactor.pass(forever);
        now += 12 * HOUR_MS;
      }
      assert.equal((await metasOf(bucket)).has(merger.ulid), false);
      assert.deepEqual(await samplesOf(bucket), before);
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
    const four = [0, 1, 2, 3].map(ulid).join(' ');
    const compacted = `^compact 0@\\d+ 1970-01-01T00:00:00Z - 1970-01-01T08:00:00Z, \\d+ bytes: ${four}$`;
    const dropped = (what: string, end: string) =>
      `^mark for deletion ${what}: block of resolution raw ends at 1970-01-01T${end}:00:00Z`;
    for (const [nowHours, wanted] of [
      // What is compacted goes by what it is compacted to.
      [3, [compacted]],
      [9, [compacted, dropped(`the merger of ${four}`, '08')]],
      [11, [compacted, dropped(ulid(4), '10'), dropped(`the merger of ${four}`, '08')]],
    ] as const) {
      const lines = await compactorOver(bucket, workDir, {
        retention: { rawMs: 1, fiveMinutesMs: 0, oneHourMs: 0 },
        now: () => nowHours * 3_600_000,
      }).describe(request);
      assert.deepEqual(await objectsOf(bucket), before);
      const [first, ...rest] = lines;
      assert.equal(lines.length, wanted.length, lines.join('\n'));
      for (const [i, line] of [first, ...rest.sort()].entries()) assert.match(line, new RegExp(wanted[i]));
    }
  }));

test('a dry run tells of what is made and dropped in one pass', () =>
  withDirectory(async (workDir) => {
    const bucket = await longBucket();
    const lines = await compactorOver(bucket, workDir, {
      downsamples: true,
      retention: { rawMs: 40 * 3_600_000, fiveMinutesMs: 1, oneHourMs: 0 },
      now: () => 100 * 3_600_000,
    }).describe(request);
    assert.deepEqual(
      lines.map((line) => line.replace(/:? ?0@\d+.*|: block.*/, '').trim()),
      ['downsample to 5m', `mark for deletion ${ulid(0)}`, `mark for deletion 5m of ${ulid(0)}`],
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

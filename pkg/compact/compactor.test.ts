import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { Fault, messageOf } from '../errors/fault.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { addBlock, compactorOver, type FixtureOptions, metasOf, samplesOf, withDirectory } from './bucket-fixture.ts';

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

describe('a crash', () => {
  for (const [what, moment, make, options] of [
    ['while blocks are compacted', 'before', plainBucket, {}],
    ['while replicas are merged', 'after', replicatedBucket, { replicaLabels: ['replica'] }],
  ] as const satisfies readonly (readonly [string, string, () => Promise<MemoryBucket>, FixtureOptions])[]) {
    test(`${what}, right ${moment} any change of the bucket, costs nothing and leaves nothing behind`, {
      timeout: 90_000,
    }, async () => {
      const whole = await make();
      let changeCount = 0;
      const counted = watched(
        whole,
        () => {},
        () => void changeCount++,
      );
      await withDirectory((workDir) => compactorOver(counted, workDir, options).pass(forever));
      const wanted = await outline(whole);
      const wantedSamples = await samplesOf(whole);
      assert.ok(changeCount > 10, String(changeCount));

      for (let fatal = 0; fatal < changeCount; fatal++) {
        await withDirectory(async (workDir) => {
          const bucket = await make();
          const life = new AbortController();
          let changes = 0;
          const crash = (): void => {
            if (changes++ !== fatal) return;
            life.abort();
            throw new Fault('canceled', 'crashed');
          };
          const mortal = moment === 'before' ? watched(bucket, crash, () => {}) : watched(bucket, () => {}, crash);
          await assert.rejects(compactorOver(mortal, workDir, options).pass(life.signal));
          // A replicated bucket shows the replicas apart until they are merged.
          if (what === 'while blocks are compacted')
            assert.deepEqual(await samplesOf(bucket), wantedSamples, `${fatal}`);
          await compactorOver(bucket, workDir, options).pass(forever);
          assert.deepEqual(await outline(bucket), wanted, `after a crash at change ${fatal}`);
          assert.deepEqual(await samplesOf(bucket), wantedSamples, `after a crash at change ${fatal}`);
          const metas = await metasOf(bucket);
          const strays = (await objectsOf(bucket)).filter((name) => !metas.has(name.slice(0, 26)));
          // What was uploaded without a meta.json stays for two days: somebody else might still be at it.
          assert.ok(
            strays.every((name) => !name.endsWith('.json')),
            strays.join(),
          );
        });
      }
    });
  }

  test('of one change fails the pass by name, and the next one makes up for it', async () => {
    const wanted = await withDirectory(async (workDir) => {
      const bucket = await plainBucket();
      await compactorOver(bucket, workDir).pass(forever);
      return outline(bucket);
    });
    for (let failing = 0; failing < 8; failing++) {
      await withDirectory(async (workDir) => {
        const bucket = await plainBucket();
        let changes = 0;
        const flaky = watched(
          bucket,
          () => {
            if (changes++ === failing) throw new Fault('unavailable', 'no bucket just now');
          },
          () => {},
        );
        const compactor = compactorOver(flaky, workDir);
        await assert.rejects(compactor.pass(forever), /no bucket just now/);
        await compactor.pass(forever);
        assert.deepEqual(await outline(bucket), wanted);
      });
    }
  });
});

describe('a broken block', () => {
  const damaged = async (bucket: Bucket, name: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> => {
    const bytes = change(Uint8Array.from(await readAll(request, bucket, name)));
    await bucket.upload(request, name, bodyOf(bytes));
  };
  const flip = (at: number) => (bytes: Uint8Array) => {
    bytes[at < 0 ? bytes.length + at : at] ^= 0xff;
    return bytes;
  };
  for (const [what, breakIt] of [
    ['without an index', (bucket, block) => bucket.delete(request, `${block}/index`)],
    ['with an index cut off', (bucket, block) => damaged(bucket, `${block}/index`, (bytes) => bytes.subarray(0, 100))],
    ['with a damaged symbol', (bucket, block) => damaged(bucket, `${block}/index`, flip(20))],
    ['with a damaged table of contents', (bucket, block) => damaged(bucket, `${block}/index`, flip(-10))],
    ['without its chunks', (bucket, block) => bucket.delete(request, `${block}/chunks/000001`)],
    [
      'with chunks cut off',
      (bucket, block) => damaged(bucket, `${block}/chunks/000001`, (bytes) => bytes.subarray(0, 50)),
    ],
    ['with a damaged chunk', (bucket, block) => damaged(bucket, `${block}/chunks/000001`, flip(30))],
    ['with a chunk of an unknown encoding', (bucket, block) => damaged(bucket, `${block}/chunks/000001`, flip(9))],
  ] as const satisfies readonly (readonly [string, (bucket: Bucket, block: string) => Promise<void>])[]) {
    test(`${what} is marked with the reason, and everything else is compacted`, () =>
      withDirectory(async (workDir) => {
        const bucket = await plainBucket({ a: '1' });
        await addPlain(bucket, { a: '2' }, 10);
        await breakIt(bucket, ulid(1));
        const compactor = compactorOver(bucket, workDir);
        await assert.rejects(compactor.pass(forever), (thrown) => messageOf(thrown).includes(ulid(1)));
        const mark = JSON.parse(
          Buffer.from(await readAll(request, bucket, `${ulid(1)}/no-compact-mark.json`)).toString(),
        );
        assert.equal(mark.reason, 'damaged-block');
        assert.match(mark.details, new RegExp(ulid(1)));
        const levels = [...(await metasOf(bucket)).values()].map(
          ({ thanos, compaction }) => `${thanos.labels} ${compaction.level} ${compaction.sources.length}`,
        );
        // The other group went all the way, and of this one the two whole neighbours in the window.
        assert.ok(levels.includes('{a="2"} 2 4'), levels.join());
        assert.ok(levels.includes('{a="1"} 2 2'), levels.join());
        await compactor.pass(forever);
      }));
  }

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
          return bodyOf(flip(40)(Uint8Array.from(await readAll(context, bucket, name))));
        },
      };
      await compactorOver(lossy, workDir, { metrics }).pass(forever);
      assert.equal((await objectsOf(bucket)).filter((name) => name.includes('no-compact')).length, 0);
      assert.match(await metrics.text(), /thanos_compact_group_compactions_total\{resolution="0"\} 1\n/);
    }));

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

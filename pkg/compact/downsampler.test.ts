import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { newMark, printMark } from '../block/marks.ts';
import { Fault } from '../errors/fault.ts';
import { type Bucket, bodyOf, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { aggregatesOf } from './aggregates-fixture.ts';
import { addBlock, compactorOver, type FixtureOptions, metasOf, withDirectory } from './bucket-fixture.ts';
import { retentionProblem } from './downsampler.ts';

const request = backgroundRequest();
const forever = new AbortController().signal;
const HOUR_MS = 3_600_000;

const [FIRST, SECOND, THIRD] = ['A', 'B', 'C'].map((end) => `01HZP0000000000000000000A${end}`);

/** One stream that takes both steps. */
async function oneStream(): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  await addBlock(bucket, { ulid: SECOND, labels: { stream: '2' }, hours: [0, 264], series: ['a'], stepMs: HOUR_MS });
  return bucket;
}

/** Three streams: two days, eleven days, and one too short to be downsampled. */
async function threeStreams(): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  const series = ['a', 'b'];
  await addBlock(bucket, { ulid: FIRST, labels: { stream: '1' }, hours: [0, 48], series });
  await addBlock(bucket, { ulid: SECOND, labels: { stream: '2' }, hours: [0, 264], series });
  await addBlock(bucket, { ulid: THIRD, labels: { stream: '3' }, hours: [0, 39], series });
  return bucket;
}

function pass(bucket: Bucket, workDir: string, options: FixtureOptions = {}): Promise<void> {
  return compactorOver(bucket, workDir, { downsamples: true, ...options }).pass(forever);
}

/** Every block of the bucket as stream and resolution. */
async function outline(bucket: Bucket): Promise<string[]> {
  const metas = [...(await metasOf(bucket)).values()];
  return metas.map(({ thanos }) => `${thanos.labels} ${thanos.resolutionMs}`).sort();
}

const allDone = [
  '{stream="1"} 0',
  '{stream="1"} 300000',
  '{stream="2"} 0',
  '{stream="2"} 300000',
  '{stream="2"} 3600000',
  '{stream="3"} 0',
];

/** Calls `before` ahead of each upload with the object's name. */
function watched(bucket: Bucket, before: (name: string) => void): Bucket {
  return new Proxy(bucket, {
    get(target, key) {
      if (key === 'upload') {
        return async (...parameters: Parameters<Bucket['upload']>) => {
          before(parameters[1]);
          await target.upload(...parameters);
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a pass', () => {
  test('downsamples what is long enough, to 5m and on to 1h, and a second one finds nothing to do', () =>
    withDirectory(async (workDir) => {
      const bucket = await threeStreams();
      await pass(bucket, workDir);
      assert.deepEqual(await outline(bucket), allDone);
      const before = [...(await metasOf(bucket)).keys()];
      await pass(bucket, workDir);
      assert.deepEqual([...(await metasOf(bucket)).keys()], before);
      assert.deepEqual(readdirSync(join(workDir, 'downsample')), []);
    }));

  test('of a stream whose mergers would have too large an index goes on, and downsamples what stays short', () =>
    withDirectory(async (workDir) => {
      const bucket = new MemoryBucket();
      const ulids = Array.from({ length: 30 }, (_, i) => `01HZP00000000000000000${1000 + i}`);
      for (const [i, ulid] of ulids.entries()) {
        await addBlock(bucket, { ulid, labels: { stream: '1' }, hours: [2 * i, 2], series: ['a', 'b'] });
      }
      // No two blocks fit together.
      const options = { maxIndexSizeBytes: 1 };
      await pass(bucket, workDir, options);
      const [hours, samples] = [new Map<number, number>(), new Map<number, number>()];
      for (const { minTime, stats, thanos } of (await metasOf(bucket)).values()) {
        if (thanos.resolutionMs === 0) samples.set(minTime / HOUR_MS, stats.numSamples);
        else hours.set(minTime / HOUR_MS, thanos.resolutionMs);
      }
      assert.equal(samples.size, ulids.length);
      // All whose beginning is 40 hours ago: the stream ends at 60 hours.
      assert.deepEqual(
        [...hours.keys()].sort((a, b) => a - b),
        Array.from({ length: 11 }, (_, i) => 2 * i),
      );
      assert.deepEqual(new Set(hours.values()), new Set([300_000]));
      const before = [...(await metasOf(bucket)).keys()];
      await pass(bucket, workDir, options);
      assert.deepEqual([...(await metasOf(bucket)).keys()], before);
    }));

  test('gives new blocks the origin and time of the old ones, and who made them', () =>
    withDirectory(async (workDir) => {
      const bucket = await threeStreams();
      await pass(bucket, workDir);
      const metas = [...(await metasOf(bucket)).values()];
      const made = metas.find(({ thanos }) => thanos.resolutionMs === 3_600_000)!;
      assert.deepEqual(made.compaction.sources, [SECOND]);
      assert.deepEqual([made.minTime, made.maxTime, made.compaction.level], [0, 264 * HOUR_MS, 1]);
      assert.equal(made.thanos.source, 'compactor');
      assert.deepEqual(made.thanos.segmentFiles, ['000001']);
      // A sample every five minutes of each of two series.
      assert.equal(made.stats.numFloatSamples, 2 * 264 * 12);
      // And of each hour one, or two where chunks meet inside of an hour: there are three.
      assert.equal(made.stats.numSamples, 2 * (264 + 2));
    }));

  test('leaves blocks alone that are marked not to be downsampled', () =>
    withDirectory(async (workDir) => {
      const bucket = await threeStreams();
      const mark = newMark('no-downsample', SECOND, { details: 'not this one', nowMs: 0 });
      await bucket.upload(request, `${SECOND}/no-downsample-mark.json`, bodyOf(Buffer.from(printMark(mark))));
      await pass(bucket, workDir);
      assert.deepEqual(
        await outline(bucket),
        allDone.filter((line) => !line.startsWith('{stream="2"} 3')),
      );
    }));

  test('does nothing of it when it is not to', () =>
    withDirectory(async (workDir) => {
      const bucket = await threeStreams();
      await pass(bucket, workDir, { downsamples: false });
      assert.deepEqual(
        await outline(bucket),
        allDone.filter((line) => line.endsWith(' 0')),
      );
    }));

  test('removes what a process before left behind', () =>
    withDirectory(async (workDir) => {
      const bucket = await threeStreams();
      mkdirSync(join(workDir, 'downsample', 'gone', 'chunks'), { recursive: true });
      mkdirSync(join(workDir, 'downsample', FIRST, '01HZP0000000000000000000ZZ.tmp-for-creation'), { recursive: true });
      writeFileSync(join(workDir, 'downsample', FIRST, '01HZP0000000000000000000ZZ.tmp-for-creation', 'index'), 'x');
      await pass(bucket, workDir);
      assert.deepEqual(await outline(bucket), allDone);
      assert.equal(existsSync(join(workDir, 'downsample', 'gone')), false);
    }));

  test('applies retention by resolution to what it made', () =>
    withDirectory(async (workDir) => {
      const bucket = await threeStreams();
      const retention = { rawMs: 40 * HOUR_MS, fiveMinutesMs: 0, oneHourMs: 0 };
      const now = (): number => 400 * HOUR_MS;
      await pass(bucket, workDir, { retention, now, deleteDelayMs: 0 });
      assert.deepEqual(
        await outline(bucket),
        allDone.filter((line) => !line.endsWith(' 0')),
      );
    }));
});

describe('a failure', () => {
  test('of any one upload fails the pass, and the next one makes up for it', async () => {
    const names: string[] = [];
    const wanted = await withDirectory(async (workDir) => {
      const bucket = await oneStream();
      await pass(
        watched(bucket, (name) => names.push(name)),
        workDir,
      );
      return contents(bucket);
    });
    assert.equal(names.length, 6);
    for (const failing of names.keys()) {
      await withDirectory(async (workDir) => {
        const bucket = await oneStream();
        let uploads = 0;
        const flaky = watched(bucket, () => {
          if (uploads++ === failing) throw new Fault('unavailable', 'no bucket just now');
        });
        await assert.rejects(pass(flaky, workDir), /no bucket just now/);
        await pass(flaky, workDir);
        assert.deepEqual(await contents(bucket), wanted);
      });
    }
  });

  for (const [what, object, change, reason] of [
    ['a damaged chunk', `${FIRST}/chunks/000001`, flip(200), 'damaged-block'],
    ['an index cut off', `${FIRST}/index`, (bytes: Uint8Array) => bytes.subarray(0, 90), 'damaged-block'],
    ['no index', `${FIRST}/index`, undefined, 'damaged-block'],
  ] as const) {
    test(`of a block with ${what} keeps no other from being downsampled, and the block is marked`, () =>
      withDirectory(async (workDir) => {
        const bucket = await threeStreams();
        const bytes = Uint8Array.from(await readAll(request, bucket, object));
        if (change === undefined) await bucket.delete(request, object);
        else await bucket.upload(request, object, bodyOf(change(bytes)));
        await assert.rejects(pass(bucket, workDir), (thrown) =>
          String(thrown).includes(`downsample block ${FIRST} to 5m`),
        );
        assert.deepEqual(
          await outline(bucket),
          allDone.filter((line) => line !== '{stream="1"} 300000'),
        );
        const mark = Buffer.from(await readAll(request, bucket, `${FIRST}/no-downsample-mark.json`)).toString();
        assert.ok(mark.includes(`"reason":"${reason}"`), mark);
        // It is known now: nothing fails any more.
        await pass(bucket, workDir);
      }));
  }
});

test('a broken block is left alone without a mark where none is wanted', () =>
  withDirectory(async (workDir) => {
    const bucket = await threeStreams();
    await bucket.delete(request, `${FIRST}/index`);
    const failurePolicy = { damagedBlocks: 'skip' } as const;
    const compactor = compactorOver(bucket, workDir, { downsamples: true, failurePolicy });
    await assert.rejects(compactor.pass(forever), /downsample block/);
    await compactor.pass(forever);
    assert.equal(await bucket.exists(request, `${FIRST}/no-downsample-mark.json`), false);
  }));

describe('a dry run', () => {
  test('says what would be downsampled, what comes of that too, and changes nothing', () =>
    withDirectory(async (workDir) => {
      const bucket = await threeStreams();
      const compactor = compactorOver(bucket, workDir, { downsamples: true });
      const lines = (await compactor.describe(request)).filter((line) => line.startsWith('downsample'));
      const name = `[0-9]+@[0-9]+ 1970-01-01T00:00:00Z - 1970-01-`;
      assert.equal(lines.length, 3);
      assert.match(lines[0], new RegExp(`^downsample to 5m ${name}03T00:00:00Z: ${FIRST}$`));
      assert.match(lines[1], new RegExp(`^downsample to 5m ${name}12T00:00:00Z: ${SECOND}$`));
      assert.match(lines[2], new RegExp(`^downsample to 1h ${name}12T00:00:00Z: ${SECOND}@5m$`));
      assert.equal((await outline(bucket)).length, 3);
    }));
});

describe('retention beside downsampling', () => {
  for (const [what, rawHours, fiveMinutesHours, problem] of [
    ['for ever is fine', 0, 0, undefined],
    ['just long enough is fine', 40, 240, undefined],
    ['of raw data too short to downsample it is refused', 39, 0, /raw must be kept .* 40h/],
    ['of 5m data too short to downsample it is refused', 0, 239, /5m must be kept .* 240h/],
  ] as const) {
    test(what, () => {
      const found = retentionProblem({
        rawMs: rawHours * HOUR_MS,
        fiveMinutesMs: fiveMinutesHours * HOUR_MS,
        oneHourMs: 1,
      });
      if (problem === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', problem);
    });
  }
});

function flip(at: number) {
  return (bytes: Uint8Array): Uint8Array => {
    bytes[at] ^= 0xff;
    return bytes;
  };
}

/** Every downsampled block by stream and resolution, with all that it holds. */
async function contents(bucket: Bucket): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { ulid, thanos } of (await metasOf(bucket)).values()) {
    if (thanos.resolutionMs === 0) continue;
    lines.push(`${thanos.labels} ${thanos.resolutionMs} ${(await aggregatesOf(bucket, ulid)).join('\n')}`);
  }
  return lines.sort();
}

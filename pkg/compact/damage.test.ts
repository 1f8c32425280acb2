// One block of a stream is broken, in every way that is known. It is taken out of the way with the reason, byte for byte as
// it was, or its samples are saved; everything else is compacted, downsampled and there exactly once.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { messageOf } from '../errors/fault.ts';
import { type Bucket, readAll } from '../objstore/bucket.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { compactorOver, metasOf, samplesOf, withMemoryDirectory } from './bucket-fixture.ts';
import { type BlockObjects, type Damage, damages, goodBlock, putBlock } from './damage-fixture.ts';

const request = backgroundRequest();
const forever = new AbortController().signal;
const ulid = (n: number): string => `01HF7YAT00AAAAAAAAAAAAAA${String(n).padStart(2, '0')}`;
const BROKEN = ulid(1);

interface Place {
  readonly what: string;
  readonly options: { readonly replicaLabels?: readonly string[]; readonly downsamples?: boolean };
  /** Identifier, labels and hours of each block. BROKEN is among them. */
  readonly blocks: readonly (readonly [string, Readonly<Record<string, string>>, readonly [number, number]])[];
  /** Labels, resolution, level and number of sources of the blocks that are made beside the broken one. */
  readonly made: readonly string[];
  /** The same where it is not even seen, and so keeps nobody apart. */
  readonly madeUnseen?: readonly string[];
  readonly mark: 'no-compact' | 'no-downsample';
}

const streams = ['1', '2'].flatMap((stream, s) =>
  [0, 1, 2, 3, 4, 5].map((i) => [ulid(10 * s + i), { stream }, [2 * i, 2]] as const),
);
const replicas = ['A', 'B', 'C'].map((replica, i) => [ulid(i), { stream: '1', replica }, [0, 2]] as const);

const places: readonly Place[] = [
  {
    what: 'among blocks that follow one another',
    options: {},
    blocks: streams,
    // The other stream went all the way, and of this one the two whole neighbours in the window.
    made: ['{stream="1"} 0 2 2', '{stream="2"} 0 2 4'],
    madeUnseen: ['{stream="1"} 0 2 3', '{stream="2"} 0 2 4'],
    mark: 'no-compact',
  },
  {
    what: 'among replicas that are merged',
    options: { replicaLabels: ['replica'] },
    blocks: [...replicas, ...streams.slice(6)],
    made: ['{stream="1"} 0 2 2', '{stream="2"} 0 2 4'],
    mark: 'no-compact',
  },
  {
    what: 'among blocks that are downsampled',
    options: { downsamples: true },
    blocks: [
      [ulid(1), { stream: '1' }, [0, 48]],
      [ulid(2), { stream: '2' }, [0, 48]],
    ],
    made: ['{stream="2"} 300000 1 1'],
    mark: 'no-downsample',
  },
];

/** Each block as it is when it is whole. */
const whole = new Map<string, BlockObjects>();
async function wholeBlock([id, labels, hours]: Place['blocks'][number]): Promise<BlockObjects> {
  const key = JSON.stringify([id, labels, hours]);
  const block = whole.get(key) ?? (await goodBlock(id, labels, hours));
  whole.set(key, block);
  return new Map([...block].map(([name, bytes]) => [name, bytes.slice()]));
}

async function objectsOf(bucket: Bucket, prefix = ''): Promise<Map<string, string>> {
  const objects = new Map<string, string>();
  for await (const { name } of bucket.list(request, prefix, { recursive: true })) {
    objects.set(name, Buffer.from(await readAll(request, bucket, name)).toString('hex'));
  }
  return objects;
}

async function madeIn(bucket: Bucket, { blocks }: Place): Promise<string[]> {
  const original = new Set(blocks.map(([id]) => id));
  return [...(await metasOf(bucket))]
    .filter(([id]) => !original.has(id))
    .map(([, { thanos, compaction }]) => {
      return `${thanos.labels} ${thanos.resolutionMs} ${compaction.level} ${compaction.sources.length}`;
    })
    .sort();
}

/** What was read of blocks other than the broken one, which are the same in each case. */
const samplesRead = new Map(places.map((place) => [place, new Map<string, readonly string[]>()]));

/** Every sample but those of the broken block, whichever replica it is of, each as often as it is there. */
async function samples(bucket: Bucket, place: Place): Promise<string[]> {
  const known = samplesRead.get(place)!.set(BROKEN, []);
  return (await samplesOf(bucket, known)).map((line) => line.replace(/, replica="."|replica=".", /, '')).sort();
}

interface Result {
  readonly made: readonly string[];
  readonly samples: readonly string[];
}

/** What is made of the blocks when nothing is wrong with them, with or without the one that is broken elsewhere. */
const goodResults = new Map<string, Promise<Result>>();
function goodResult(place: Place, hasBroken: boolean): Promise<Result> {
  const key = `${place.what} ${hasBroken}`;
  const known = goodResults.get(key);
  if (known !== undefined) return known;
  const result = withMemoryDirectory(async (workDir) => {
    const bucket = new MemoryBucket();
    const blocks = place.blocks.filter(([id]) => hasBroken || id !== BROKEN);
    for (const block of blocks) await putBlock(bucket, block[0], await wholeBlock(block));
    await compactorOver(bucket, workDir, place.options).pass(forever);
    return { made: await madeIn(bucket, place), samples: await samples(bucket, place) };
  });
  goodResults.set(key, result);
  return result;
}

async function check(place: Place, damage: Damage, workDir: string): Promise<void> {
  const { outcome, reason = 'damaged-block' } = damage;
  const bucket = new MemoryBucket('memory', () => 0);
  for (const block of place.blocks) {
    const objects = await wholeBlock(block);
    if (block[0] === BROKEN) damage.breakIt(objects);
    await putBlock(bucket, block[0], objects);
  }
  const before = await objectsOf(bucket, BROKEN);
  const compactor = compactorOver(bucket, workDir, place.options);
  const failed = await compactor.pass(forever).then(
    () => '',
    (thrown) => messageOf(thrown),
  );
  const { damaged } = compactor.watch.status() as { damaged: { ulid: string }[] };
  const good = await goodResult(place, outcome === 'cured');
  if (outcome === 'cured') {
    assert.equal(failed, '');
    assert.deepEqual(damaged, []);
    assert.deepEqual(await madeIn(bucket, place), good.made);
    assert.deepEqual(await samples(bucket, place), good.samples);
  } else {
    const { made, madeUnseen = made } = place;
    assert.deepEqual(await madeIn(bucket, place), outcome === 'left out' ? madeUnseen : made);
    const after = await objectsOf(bucket, BROKEN);
    const markName = `${BROKEN}/${place.mark}-mark.json`;
    const mark = after.get(markName);
    after.delete(markName);
    assert.deepEqual(after, before, 'the broken block is left as it was');
    assert.deepEqual(
      damaged.map((block) => block.ulid),
      [BROKEN],
    );
    if (outcome === 'marked') {
      assert.match(failed, new RegExp(BROKEN));
      const { reason: said, details } = JSON.parse(Buffer.from(mark ?? '', 'hex').toString());
      assert.equal(said, reason);
      assert.match(details, new RegExp(BROKEN));
    } else {
      // It is years old: no reason to take it for an upload that never ended.
      assert.equal(failed, '');
      assert.equal(mark, undefined);
    }
    // The others have what they had, once each.
    assert.deepEqual(await samples(bucket, place), good.samples);
  }
  // It is known by now, so that the next pass finds nothing to do and nothing to complain about.
  const objects = [...(await objectsOf(bucket)).keys()];
  await compactor.pass(forever);
  assert.deepEqual([...(await objectsOf(bucket)).keys()], objects);
  assert.deepEqual(readdirSync(join(workDir, 'compact')), []);
}

for (const place of places) {
  describe(`a broken block ${place.what}`, () => {
    for (const damage of damages) {
      test(`with ${damage.what} is ${damage.outcome}`, () =>
        withMemoryDirectory((workDir) => check(place, damage, workDir)));
    }
  });
}

describe('several broken streams of many', () => {
  const STREAMS = 12;
  const HOUR_MS = 3_600_000;
  const id = (stream: number, i: number): string =>
    `01HF7YAT00AAAAAAAAAAAA${String(100 * stream + i).padStart(4, '0')}`;
  const broken = new Map<number, string>([
    [1, 'a second block of the same time'],
    [3, 'chunks that overlap in their series'],
    [5, 'an index cut off'],
    [7, 'no chunks'],
    [9, 'an empty meta.json'],
  ]);

  /** Of each stream an old block, five to compact, of which the second may be broken, and one to downsample. */
  async function manyStreams(): Promise<MemoryBucket> {
    const bucket = new MemoryBucket('memory', () => 0);
    for (let stream = 0; stream < STREAMS; stream++) {
      const put = async (i: number, hours: readonly [number, number], breakIt?: Damage['breakIt']): Promise<void> => {
        const objects = await goodBlock(id(stream, i), { stream: String(stream).padStart(2, '0') }, hours);
        breakIt?.(objects);
        await putBlock(bucket, id(stream, i), objects);
      };
      const damage = damages.find(({ what }) => what === broken.get(stream));
      await put(0, [0, 2]);
      for (let i = 1; i < 6; i++) await put(i, [1006 + 2 * i, 2], i === 2 ? damage?.breakIt : undefined);
      if (stream === 1) await put(6, [1009, 2]);
      await put(7, [1100, 48]);
    }
    return bucket;
  }

  test('keep nothing from being compacted, downsampled and dropped when its time is over, and are named', () =>
    withMemoryDirectory(async (workDir) => {
      const bucket = await manyStreams();
      const compactor = compactorOver(bucket, workDir, {
        downsamples: true,
        retention: { rawMs: 1000 * HOUR_MS, fiveMinutesMs: 0, oneHourMs: 0 },
        now: () => 1200 * HOUR_MS,
      });
      const failed = await compactor.pass(forever).then(
        () => '',
        (thrown) => messageOf(thrown),
      );
      const made = new Set(
        [...(await metasOf(bucket)).values()].map(({ thanos, compaction }) => {
          return `${thanos.labels} ${thanos.resolutionMs} ${compaction.level}`;
        }),
      );
      for (let stream = 0; stream < STREAMS; stream++) {
        const labels = `{stream="${String(stream).padStart(2, '0')}"}`;
        assert.equal(made.has(`${labels} 0 2`), true, `${labels} is compacted`);
        assert.equal(made.has(`${labels} 300000 1`), true, `${labels} is downsampled`);
        assert.equal(await bucket.exists(request, `${id(stream, 0)}/meta.json`), false, `${labels} is retained`);
      }
      const status = compactor.watch.status() as {
        damaged: { ulid: string; problem: string }[];
        groups: { labels: { stream: string }; state: string; problem: string }[];
      };
      assert.deepEqual(
        status.damaged.map(({ ulid: name }) => name),
        [id(3, 2), id(5, 2), id(7, 2), id(9, 2)],
      );
      // Where a series is to blame it is named as well.
      assert.match(status.damaged[0].problem, /\{__name__="up", instance="b"\}, chunk 1/);
      const blocked = status.groups.filter(({ state }) => state === 'blocked');
      assert.deepEqual(
        blocked.map(({ labels }) => labels.stream),
        ['01'],
      );
      assert.match(blocked[0].problem, new RegExp(`${id(1, 1)}|${id(1, 2)}`));
      for (const name of [id(3, 2), id(5, 2), id(7, 2), id(1, 6)]) assert.match(failed, new RegExp(name));
      assert.equal(compactor.problem, undefined);
    }));
});

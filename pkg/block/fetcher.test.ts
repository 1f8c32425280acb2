import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { peer } from '../../dev/peers.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { parseSelectorRules } from '../config/selector-rules.ts';
import { Fault } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { newUlid } from '../model/ulid.ts';
import { type Bucket, bodyOf, type ObjectAttributes } from '../objstore/bucket.ts';
import { FilesystemBucket } from '../objstore/filesystem.ts';
import { MemoryBucket } from '../objstore/memory.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type FetchedBlocks, type FetcherConfig, MetaFetcher } from './fetcher.ts';
import type { BlockFilter } from './filters/block-filter.ts';
import { ConsistencyDelayFilter } from './filters/consistency-delay.ts';
import { DeduplicateFilter } from './filters/deduplicate.ts';
import { DeletionMarkFilter } from './filters/deletion-mark.ts';
import { ReplicaLabelsFilter } from './filters/replica-labels.ts';
import { SelectorFilter } from './filters/selector.ts';
import { TimePartitionFilter } from './filters/time-partition.ts';
import { newMark, writeMark } from './marks.ts';
import { type BlockMeta, emptyThanos, printMeta } from './meta.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-06-01T00:00:00Z');
const request = backgroundRequest();

let serial = 0;
function block(given: Partial<BlockMeta['thanos']> & { times?: [number, number]; sources?: string[]; age?: number }) {
  const { times = [0, 1], sources, age = 100 * HOUR, ...thanos } = given;
  const ulid = newUlid(NOW - age + serial++);
  const meta: BlockMeta = {
    ulid,
    minTime: times[0],
    maxTime: times[1],
    stats: {
      numSamples: 1,
      numFloatSamples: 1,
      numHistogramSamples: 0,
      numSeries: 1,
      numChunks: 1,
      numTombstones: 0,
    },
    compaction: { level: 1, sources: sources ?? [ulid], deletable: false, parents: [], failed: false, hints: [] },
    thanos: {
      ...emptyThanos,
      labels: Labels.of({ cluster: 'a' }),
      // Identifiers made in one process never go back in time, so the age is told this way.
      uploadTime: new Date(NOW - age).toISOString(),
      ...thanos,
    },
  };
  return meta;
}

async function put(bucket: Bucket, ...metas: readonly BlockMeta[]): Promise<void> {
  for (const meta of metas) {
    await bucket.upload(request, `${meta.ulid}/index`, bodyOf(Buffer.from('index')));
    await bucket.upload(request, `${meta.ulid}/meta.json`, bodyOf(Buffer.from(printMeta(meta))));
  }
}

const ulids = (fetched: FetchedBlocks): string[] => [...fetched.metas.keys()];
const ulidsOf = (...metas: readonly BlockMeta[]): string[] => metas.map(({ ulid }) => ulid).sort();

/** Counts reads, and fails those it is told to. */
class WatchedBucket extends MemoryBucket {
  readonly reads: string[] = [];
  failure: { readonly name: string; readonly fault: Fault } | undefined;

  override async get(context: RequestContext, name: string): Promise<AsyncIterable<Uint8Array>> {
    this.reads.push(name);
    if (this.failure?.name === name) throw this.failure.fault;
    return super.get(context, name);
  }

  override async attributes(context: RequestContext, name: string): Promise<ObjectAttributes> {
    return super.attributes(context, name);
  }
}

for (const strategy of ['concurrent', 'recursive'] as const) {
  describe(`the fetcher with ${strategy} listing`, () => {
    let bucket: WatchedBucket;
    let dataDir: string;
    let metrics: Metrics;
    beforeEach(() => {
      bucket = new WatchedBucket('watched', () => NOW);
      dataDir = mkdtempSync(join(tmpdir(), 'fetcher-'));
      metrics = new Metrics();
    });
    afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

    const fetcher = (filters: readonly BlockFilter[] = [], config: Partial<FetcherConfig> = {}): MetaFetcher =>
      new MetaFetcher({ bucket, logger: silentLogger, metrics, filters }, { strategy, concurrency: 4, ...config });
    const state = async (name: string): Promise<number> =>
      Number(new RegExp(`thanos_blocks_meta_synced{state="${name}"} (\\d+)`).exec(await metrics.text())?.[1]);

    test('finds blocks, tells partial ones apart, and overlooks what is no block', async () => {
      const [a, b] = [block({}), block({})];
      await put(bucket, a, b);
      const [noMeta, broken, foreign] = [newUlid(NOW), newUlid(NOW), newUlid(NOW)];
      await bucket.upload(request, `${noMeta}/index`, bodyOf(Buffer.from('x')));
      await bucket.upload(request, `${broken}/meta.json`, bodyOf(Buffer.from('{')));
      await bucket.upload(request, `${foreign}/meta.json`, bodyOf(Buffer.from(printMeta(a))));
      for (const name of ['debug/metas/x.json', 'tributary/notices/y.json', newUlid(NOW), 'meta.json']) {
        await bucket.upload(request, name, bodyOf(Buffer.from('x')));
      }
      const fetched = await fetcher().fetch(request);
      assert.deepEqual(ulids(fetched), ulidsOf(a, b));
      assert.deepEqual(fetched.metas.get(a.ulid), a);
      assert.equal(fetched.incomplete, undefined);
      const kinds = [...fetched.partial].map(([ulid, { kind }]) => [ulid, kind]).sort();
      assert.deepEqual(
        kinds,
        [
          [noMeta, 'not-found'],
          [broken, 'corrupt'],
          [foreign, 'corrupt'],
        ].sort(),
      );
      assert.deepEqual(await Promise.all(['loaded', 'no-meta-json', 'corrupted-meta-json'].map(state)), [2, 1, 2]);
    });

    test('says of a damaged meta.json what is wrong, once', async () => {
      const broken = newUlid(NOW);
      await bucket.upload(request, `${broken}/meta.json`, bodyOf(Buffer.from('')));
      await bucket.upload(request, `${newUlid(NOW)}/index`, bodyOf(Buffer.from('x')));
      const warned: unknown[] = [];
      const logger: Logger = { ...silentLogger, warn: (message, facts) => warned.push([message, facts?.['block']]) };
      const own = new MetaFetcher({ bucket, logger, metrics, filters: [] }, { strategy, concurrency: 4 });
      for (let round = 0; round < 2; round++) await own.fetch(request);
      assert.deepEqual(warned, [['meta.json of a block cannot be used, the block is not taken up', broken]]);
    });

    test('reads each meta once, also over a restart, and forgets those of blocks that are gone', async () => {
      const [a, b] = [block({}), block({})];
      await put(bucket, a, b);
      const first = fetcher([], { dataDir });
      await first.fetch(request);
      await first.fetch(request);
      assert.equal(bucket.reads.length, 2);
      const second = fetcher([], { dataDir });
      assert.deepEqual(ulids(await second.fetch(request)), ulidsOf(a, b));
      assert.equal(bucket.reads.length, 2, 'the second process reads its copies');
      await bucket.delete(request, `${a.ulid}/meta.json`);
      const fetched = await second.fetch(request);
      assert.deepEqual(ulids(fetched), [b.ulid]);
      assert.equal(fetched.partial.get(a.ulid)?.kind, 'not-found');
      await bucket.delete(request, `${a.ulid}/index`);
      await second.fetch(request);
      assert.deepEqual(readdirSync(join(dataDir, 'meta-syncer')), [b.ulid]);
    });

    test('a damaged copy on disk is fetched again', async () => {
      const a = block({});
      await put(bucket, a);
      await fetcher([], { dataDir }).fetch(request);
      const copy = join(dataDir, 'meta-syncer', a.ulid, 'meta.json');
      assert.ok(existsSync(copy));
      writeFileSync(copy, '{"half":');
      utimesSync(copy, NOW / 1000, NOW / 1000);
      assert.deepEqual(ulids(await fetcher([], { dataDir }).fetch(request)), [a.ulid]);
      assert.equal(bucket.reads.length, 2);
    });

    test('a block that cannot be read makes the view incomplete and keeps the copies', async () => {
      const [a, b] = [block({}), block({})];
      await put(bucket, a, b);
      bucket.failure = { name: `${b.ulid}/meta.json`, fault: new Fault('unavailable', 'down') };
      const fetched = await fetcher().fetch(request);
      assert.deepEqual(ulids(fetched), [a.ulid]);
      assert.equal(fetched.incomplete?.kind, 'unavailable');
      assert.equal(fetched.partial.size, 0);
      assert.equal(await state('failed'), 1);
      assert.match(await metrics.text(), /thanos_blocks_meta_sync_failures_total 1/);
    });

    test('gives up when the signal aborts', async () => {
      await put(bucket, block({}));
      await assert.rejects(fetcher().fetch(backgroundRequest(AbortSignal.abort())), { kind: 'canceled' });
    });

    test('filters run in their order and are counted', async () => {
      const old = block({ times: [0, 10] });
      const marked = block({ times: [20, 30] });
      const [p1, p2] = [block({ times: [20, 30] }), block({ times: [20, 30] })];
      const parent = block({ times: [20, 40], sources: [p1.ulid, p2.ulid], source: 'compactor', age: 1 });
      const downsampled = block({
        times: [20, 40],
        sources: [p1.ulid, p2.ulid],
        resolutionMs: 300_000,
        source: 'compactor',
      });
      const fresh = block({ times: [20, 30], age: HOUR / 2 });
      const elsewhere = block({ times: [20, 30], labels: Labels.of({ cluster: 'elsewhere' }) });
      await put(bucket, old, fresh, marked, p1, p2, parent, downsampled, elsewhere);
      const deps = { bucket, logger: silentLogger };
      await writeMark(request, deps, newMark('deletion', marked.ulid, { details: '', nowMs: NOW - 25 * HOUR }));
      await writeMark(request, deps, newMark('deletion', parent.ulid, { details: '', nowMs: NOW - 23 * HOUR }));
      const now = () => NOW;
      const deletion = new DeletionMarkFilter(deps, { delayMs: 24 * HOUR, concurrency: 4 }, now);
      const duplicates = new DeduplicateFilter();
      const fetched = await fetcher([
        new TimePartitionFilter({ minTime: () => 11, maxTime: () => 1000 }, now),
        new SelectorFilter({
          rules: parseSelectorRules('[{action: drop, source_labels: [cluster], regex: elsewhere}]'),
        }),
        new ConsistencyDelayFilter({ delayMs: HOUR }, now),
        deletion,
        duplicates,
      ]).fetch(request);
      assert.deepEqual(ulids(fetched), ulidsOf(parent, downsampled));
      assert.deepEqual([...deletion.marks.keys()].sort(), ulidsOf(marked, parent));
      assert.deepEqual([...duplicates.duplicates].sort(), ulidsOf(p1, p2));
      const states = ['time-excluded', 'label-excluded', 'too-fresh', 'marked-for-deletion', 'duplicate', 'loaded'];
      assert.deepEqual(await Promise.all(states.map(state)), [1, 1, 1, 1, 2, 2]);
    });
  });
}

describe('filters', () => {
  const counts = { state() {}, modified() {} };
  const left = async (filter: BlockFilter, ...metas: readonly BlockMeta[]): Promise<Map<string, BlockMeta>> => {
    const blocks = new Map(metas.map((meta) => [meta.ulid, meta]));
    await filter.filter(request, blocks, counts);
    return blocks;
  };

  test('the window of time is closed at both ends', async () => {
    const filter = new TimePartitionFilter({ minTime: (now) => now - 10, maxTime: (now) => now }, () => 100);
    const edges = [block({ times: [80, 90] }), block({ times: [100, 120] })];
    const outside = [block({ times: [80, 89] }), block({ times: [101, 120] })];
    assert.deepEqual([...(await left(filter, ...edges, ...outside)).keys()].sort(), ulidsOf(...edges));
  });

  test('relabel rules see external labels and the identifier, not the labels hidden from them', async () => {
    const rules = parseSelectorRules('[{action: keep, source_labels: [replica, cluster, __block_id], regex: ;a;01.*}]');
    const labels = Labels.of({ cluster: 'a', replica: '1' });
    const kept = block({ labels });
    const other = block({ labels: Labels.of({ cluster: 'b', replica: '1' }) });
    const filter = new SelectorFilter({ rules, hiddenLabels: ['replica'] });
    const result = await left(filter, kept, other);
    assert.deepEqual([...result.keys()], ulidsOf(kept));
    assert.ok(result.get(kept.ulid)?.thanos.labels.equals(labels), 'the labels of what is kept stay');
    assert.deepEqual([...(await left(new SelectorFilter({ rules }), kept)).keys()], []);
  });

  test('a back-filled block is fresh by its upload time, whatever its identifier says', async () => {
    const filter = new ConsistencyDelayFilter({ delayMs: HOUR }, () => NOW);
    const uploadTime = new Date(NOW - HOUR / 2).toISOString();
    const backFilled = block({ age: 1000 * HOUR, uploadTime });
    const settled = block({ age: 1, uploadTime: new Date(NOW - HOUR).toISOString() });
    const repaired = block({ age: 1, source: 'bucket.repair' });
    assert.deepEqual(
      [...(await left(filter, backFilled, settled, repaired)).keys()].sort(),
      ulidsOf(settled, repaired),
    );
  });

  test('blocks of a clock that is ahead are hidden by the delay only, and by none not at all', async () => {
    const [soon, later] = [block({ age: -HOUR / 4 }), block({ age: -2 * HOUR })];
    for (const [delayMs, shown] of [
      [0, [soon, later]],
      [HOUR, [later]],
    ] as const) {
      const kept = await left(new ConsistencyDelayFilter({ delayMs }, () => NOW), soon, later);
      assert.deepEqual([...kept.keys()].sort(), ulidsOf(...shown), String(delayMs));
    }
  });

  test('of blocks with the same sources the lower identifier stays; streams and resolutions are apart', async () => {
    const [x, y] = [newUlid(NOW), newUlid(NOW)];
    const first = block({ sources: [x, y] });
    const again = block({ sources: [y, x] });
    const other = block({ sources: [x, y], labels: Labels.of({ cluster: 'b' }) });
    const overlap = block({ sources: [y, newUlid(NOW)] });
    const nameless = block({ sources: [] });
    const kept = await left(new DeduplicateFilter(), again, overlap, other, nameless, first);
    assert.deepEqual([...kept.keys()].sort(), ulidsOf(first, other, overlap, nameless));
  });

  test('without replica labels a block keeps one label to tell that there were some', async () => {
    const a = block({ labels: Labels.of({ cluster: 'a', replica: '1' }) });
    const b = block({ labels: Labels.of({ rule: '1', replica: '2' }) });
    const kept = await left(new ReplicaLabelsFilter({ replicaLabels: ['replica', 'rule'] }), a, b);
    assert.equal(kept.get(a.ulid)?.thanos.labels.toString(), '{cluster="a"}');
    assert.equal(kept.get(b.ulid)?.thanos.labels.toString(), '{replica="deduped"}');
  });
});

const thanos = await peer('thanos');
const golden = goldenDir();
describe.skipIf(thanos === undefined || golden === undefined)(
  'beside a real Thanos (needs golden data and thanos)',
  () => {
    for (const set of ['main/before', 'main/after', 'dedup/before', 'dedup/after-default', 'dedup/after-penalty']) {
      test(`the blocks of ${set} are those it lists`, async () => {
        const directory = join(golden ?? '', 'bucket', set);
        const config = JSON.stringify({ type: 'FILESYSTEM', config: { directory } });
        const arguments_ = ['tools', 'bucket', 'ls', '--objstore.config', config, '--log.level=error'];
        const theirs = execFileSync(thanos ?? '', arguments_, { encoding: 'utf8' })
          .trim()
          .split('\n')
          .sort();
        for (const strategy of ['concurrent', 'recursive'] as const) {
          const deps = { bucket: new FilesystemBucket(directory), logger: silentLogger, metrics: new Metrics() };
          const ours = await new MetaFetcher({ ...deps, filters: [] }, { strategy, concurrency: 8 }).fetch(request);
          assert.deepEqual(ulids(ours), theirs);
          assert.equal(ours.partial.size, 0);
        }
      });
    }
  },
);

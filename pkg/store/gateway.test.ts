import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { listStrategies, MetaFetcher } from '../block/fetcher.ts';
import { ReaderPool } from '../block/index-header/reader-pool.ts';
import type { BlockMeta } from '../block/meta.ts';
import { crc32c } from '../bytes/crc32c.ts';
import { IndexCache } from '../cache/index-cache.ts';
import { Fault, type FaultKind, kindOf, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Matcher } from '../model/matcher.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { ulidTime } from '../model/ulid.ts';
import type { Bucket } from '../objstore/bucket.ts';
import { FilesystemBucket } from '../objstore/filesystem.ts';
import type { Logger } from '../telemetry/logger.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { TWO_HOURS_MS, writeBlock } from './bucket/block-fixture.ts';
import { plainSeries } from './bucket/golden-calls.ts';
import { fetchAll, testGateway } from './bucket/test-gateway.ts';
import { defaultBucketStoreConfig, defaultGatewayConfig } from './config.ts';
import { labelsQuery, seriesQuery } from './conformance.ts';
import { type FakeSeries, parseFakeSeries } from './fake-store.ts';
import { StoreGateway } from './gateway.ts';
import type { SeriesRequest, Store } from './store.ts';

const START = 1_700_006_400_000;
const scratch = mkdtempSync(join(tmpdir(), 'gateway-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const external = Labels.of({ cluster: 'eu', replica: 'r1' });
const span = { minTime: START, maxTime: START + TWO_HOURS_MS };
const all = seriesQuery({ matchers: [new Matcher('=~', '__name__', '.+')] });

function someSeries(count: number): FakeSeries[] {
  return Array.from({ length: count }, (_, i) => ({
    labels: Labels.of({ __name__: 'm', id: String(i).padStart(6, '0') }),
    samples: Array.from({ length: 3 }, (_, k) => [START + k * 15_000, i + k] as const),
  }));
}

function bucketOf(series: readonly FakeSeries[] = parseFakeSeries(`up{job="a"} ${START}:1 ${START + 1000}:2`)) {
  const directory = mkdtempSync(join(scratch, 'bucket-'));
  const ulid = writeBlock(directory, series, external, span);
  return { directory, ulid, bucket: new FilesystemBucket(directory) };
}

/** Stands before a bucket and lets a test act before each ranged read. */
function watched(bucket: Bucket, before: (name: string) => void): Bucket {
  return new Proxy(bucket, {
    get(target, key) {
      if (key === 'getRange') {
        return async (request: RequestContext, name: string, offset: number, length: number) => {
          before(name);
          return target.getRange(request, name, offset, length);
        };
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function logOf(lines: string[]): Logger {
  return { ...silentLogger, warn: (message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`) };
}

describe('a bucket with damage', () => {
  for (const [what, spoil, kind, text] of [
    [
      'a chunk segment that is cut off',
      (block: string) => truncateSync(join(block, 'chunks/000001'), 20),
      'corrupt',
      /chunks\/000001/,
    ],
    [
      'a chunk with a wrong checksum',
      (block: string) => flipLast(join(block, 'chunks/000001'), 1),
      'corrupt',
      /chunks\/000001: chunk: checksum/,
    ],
    [
      'a chunk of an unknown encoding',
      (block: string) => setEncoding(join(block, 'chunks/000001'), 5),
      'unsupported',
      /unsupported chunk encoding 5/,
    ],
    ['a missing chunk segment', (block: string) => rmSync(join(block, 'chunks/000001')), 'not-found', /chunks\/000001/],
    [
      'a series entry with a wrong checksum',
      (block: string) => flipSeries(join(block, 'index')),
      'corrupt',
      /series \d+ of .*index/,
    ],
  ] as const) {
    test(`${what} fails the request with one clear error that names block and object`, async () => {
      const { directory, ulid, bucket } = bucketOf();
      const made = await testGateway(bucket);
      try {
        spoil(join(directory, ulid));
        await assert.rejects(plainSeries(backgroundRequest(), made.gateway.store, all), (thrown) => {
          assert.equal(kindOf(thrown), kind satisfies FaultKind);
          assert.match(messageOf(thrown), new RegExp(`block ${ulid}`));
          assert.match(messageOf(thrown), text);
          return true;
        });
      } finally {
        await made.close();
      }
    });
  }

  test('a block whose index is damaged is logged with its name, the others are served, and the next sync tries again', async () => {
    const { directory, ulid, bucket } = bucketOf();
    const second = writeBlock(directory, parseFakeSeries(`down{job="b"} ${START}:1`), external, span);
    const index = join(directory, ulid, 'index');
    const good = readFileSync(index);
    writeFileSync(index, good.subarray(0, good.length - 1));
    const lines: string[] = [];
    const made = await testGateway(bucket, { logger: logOf(lines) });
    try {
      assert.deepEqual(
        made.gateway.loadedBlocks().map((meta) => meta.ulid),
        [second],
      );
      assert.match(lines.join('\n'), new RegExp(`loading it failed.*${ulid}.*corrupt`));
      assert.match(await made.metrics.text(), /thanos_bucket_store_block_load_failures_total 1/);
      writeFileSync(index, good);
      await made.gateway.sync(backgroundRequest());
      assert.equal((await plainSeries(backgroundRequest(), made.gateway.store, all)).length, 2);
    } finally {
      await made.close();
    }
  });

  test('a damaged local header is built again', async () => {
    const { ulid, bucket } = bucketOf();
    const made = await testGateway(bucket);
    try {
      writeFileSync(join(made.dataDir, ulid, 'index-header'), 'nonsense');
      assert.equal((await plainSeries(backgroundRequest(), made.gateway.store, all)).length, 1);
    } finally {
      await made.close();
    }
  });
});

describe('blocks that come and go', () => {
  test('a block deleted while it is read is looked for again, and its successor goes on where it ended', async () => {
    const series = someSeries(5000);
    const { directory, ulid, bucket } = bucketOf(series);
    let reads = 0;
    let successor = '';
    const made = await testGateway(
      watched(bucket, (name) => {
        // The third read of chunks: some batches are out by then.
        if (name.includes('/chunks/') && ++reads === 3) {
          successor = writeBlock(directory, series, external, span);
          rmSync(join(directory, ulid), { recursive: true });
        }
        // A file that is open can be read on after its end; an object cannot.
        if (successor !== '' && name.startsWith(ulid)) throw new Fault('not-found', `no object ${name}`);
      }),
    );
    try {
      const found = await plainSeries(backgroundRequest(), made.gateway.store, all);
      assert.ok(successor !== '');
      assert.deepEqual(
        found.map(({ labels }) => labels),
        series.map(({ labels }) => labels.with(external).toString()),
      );
      assert.ok(found.every(({ chunks }) => chunks.length === 1));
      assert.deepEqual(
        [...made.gateway.loadedBlocks()].map((meta) => meta.ulid),
        [successor],
      );
      assert.ok(!existsSync(join(made.dataDir, ulid)));
    } finally {
      await made.close();
    }
  });

  test('a block dropped during a request is read to the end, then its header goes', async () => {
    const { directory, ulid, bucket } = bucketOf(someSeries(5000));
    const made = await testGateway(bucket);
    try {
      let count = 0;
      for await (const { series } of made.gateway.store.series(backgroundRequest(), all)) {
        if (count === 0) {
          rmSync(join(directory, ulid, 'meta.json'));
          await made.gateway.sync(backgroundRequest());
          assert.equal(made.gateway.loadedBlocks().length, 0);
          assert.ok(existsSync(join(made.dataDir, ulid)));
        }
        count += series.length;
      }
      assert.equal(count, 5000);
      assert.ok(!existsSync(join(made.dataDir, ulid)));
      assert.equal((await plainSeries(backgroundRequest(), made.gateway.store, all)).length, 0);
    } finally {
      await made.close();
    }
  });

  test('a block that was not seen is not dropped, and a failing listing keeps what is known', async () => {
    const { directory, ulid, bucket } = bucketOf();
    writeBlock(directory, parseFakeSeries(`down{job="b"} ${START}:1`), external, span);
    const dataDir = mkdtempSync(join(scratch, 'data-'));
    const metrics = new Metrics();
    let round = 0;
    const clock = new FakeClock();
    const gateway = new StoreGateway(
      {
        bucket,
        fetcher: {
          fetch: async (request) => {
            round++;
            if (round === 1) return fetchAll(request, bucket);
            const incomplete = new Fault('unavailable', 'half');
            const unseen = new Map([[ulid, incomplete]]);
            if (round === 2) return { metas: new Map(), partial: new Map(), unseen, incomplete };
            throw new Fault('unavailable', 'down');
          },
        },
        pool: new ReaderPool(
          { bucket, logger: silentLogger },
          { directory: dataDir, pageCacheBytes: 1 << 20, readerBytes: 1 << 20, keepFiles: false },
        ),
        cache: new IndexCache({ maxBytes: 0, maxItemBytes: 0 }, metrics),
        logger: silentLogger,
        metrics,
        clock,
      },
      { ...defaultGatewayConfig, ...defaultBucketStoreConfig },
    );
    assert.throws(() => gateway.info(), /Not ready/);
    const life = new AbortController();
    const background: Promise<void>[] = [];
    await gateway.start({
      signal: life.signal,
      spawn: (_name, task) => background.push(task(life.signal)),
      ready() {},
      unready() {},
    });
    const rounds = async (wanted: number): Promise<void> => {
      while (round < wanted) {
        await clock.advance(defaultGatewayConfig.syncIntervalMs);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    assert.deepEqual((await answerOf(gateway.store, all)).series, ['down', 'up']);
    await rounds(3);
    assert.deepEqual(await answerOf(gateway.store, all), { series: ['up'], warnings: [] });
    life.abort();
    await Promise.allSettled(background);
    await gateway.stop();
    assert.ok(!existsSync(join(dataDir, gateway.loadedBlocks()[0].ulid)));
  });

  test('Info of no blocks is a time that nothing meets', async () => {
    const directory = mkdtempSync(join(scratch, 'empty-'));
    mkdirSync(join(directory, 'something'));
    const made = await testGateway(new FilesystemBucket(directory));
    try {
      const { labelSets, store } = made.gateway.info();
      assert.deepEqual(labelSets, []);
      assert.deepEqual([store!.minTime, store!.maxTime, store!.tsdbInfos], [MAX_TIME, MIN_TIME, []]);
    } finally {
      await made.close();
    }
  });

  test('requests and Info are cut to the configured time', async () => {
    const { bucket } = bucketOf();
    const made = await testGateway(bucket, { minTime: () => START + 60_000, maxTime: () => START + 120_000 });
    try {
      const { store } = made.gateway.info();
      assert.deepEqual([store!.minTime, store!.maxTime], [START + 60_000, START + 120_000]);
      assert.equal((await plainSeries(backgroundRequest(), made.gateway.store, all)).length, 0);
      const { values } = await made.gateway.store.labelNames(backgroundRequest(), labelsQuery({}));
      assert.deepEqual(values, ['__name__', 'cluster', 'job', 'replica']);
    } finally {
      await made.close();
    }
  });

  test('chunks that do not fit the ceiling fail with limit', async () => {
    const { bucket } = bucketOf();
    const made = await testGateway(bucket, { chunkBytes: 10 });
    try {
      await assert.rejects(
        plainSeries(backgroundRequest(), made.gateway.store, all),
        (thrown) => kindOf(thrown) === 'limit',
      );
      const labels = await plainSeries(backgroundRequest(), made.gateway.store, { ...all, skipChunks: true });
      assert.equal(labels.length, 1);
    } finally {
      await made.close();
    }
  });

  test('open headers stay within their budget however many blocks there are', async () => {
    const directory = mkdtempSync(join(scratch, 'many-'));
    for (let i = 0; i < 30; i++) {
      writeBlock(directory, someSeries(40), external.with(Labels.of({ block: String(i) })), span);
    }
    const made = await testGateway(new FilesystemBucket(directory), { readerBytes: 60_000 });
    try {
      assert.equal(made.pool.openCount, 0);
      for (let i = 0; i < 30; i++) {
        const query = { ...all, matchers: [...all.matchers, new Matcher('=', 'block', String(i))] };
        assert.equal((await plainSeries(backgroundRequest(), made.gateway.store, query)).length, 40);
      }
      assert.ok(made.pool.openCount < 30, `${made.pool.openCount} open`);
      assert.equal((await plainSeries(backgroundRequest(), made.gateway.store, all)).length, 30 * 40);
    } finally {
      await made.close();
    }
  });
});

/** Everything a store yields: `<labels>` of its series, and its warnings. */
async function answerOf(store: Store, query: SeriesRequest): Promise<{ series: string[]; warnings: string[] }> {
  const series: string[] = [];
  const warnings: string[] = [];
  for await (const batch of store.series(backgroundRequest(), query)) {
    series.push(...batch.series.map(({ labels }) => labels.get('__name__')));
    warnings.push(...batch.warnings);
  }
  return { series, warnings };
}

describe('a block that cannot be served', () => {
  const DAY_MS = 24 * 3_600_000;
  const later = { minTime: START + DAY_MS, maxTime: START + DAY_MS + TWO_HOURS_MS };
  const breakIndex = (directory: string, ulid: string): void => truncateSync(join(directory, ulid, 'index'), 100);

  test('is missing from every answer it might have added to, which says so, and from no other', async () => {
    const { directory, bucket } = bucketOf();
    const broken = writeBlock(directory, parseFakeSeries(`down{job="b"} ${later.minTime}:1`), external, later);
    const index = join(directory, broken, 'index');
    const good = readFileSync(index);
    breakIndex(directory, broken);
    const made = await testGateway(bucket);
    const { store } = made.gateway;
    const warning = new RegExp(
      `^block ${broken} of \\{cluster="eu", replica="r1"\\} from 2023-11-16T00:00:00Z to 2023-11-16T02:00:00Z is missing from the answer: .*index`,
    );
    try {
      for (const [what, query, isTold] of [
        ['its time', later, true],
        ['all time', {}, true],
        ['all time, and nothing in part', { partialResponse: 'abort' }, true],
        ['its first moment', { maxTime: later.minTime }, true],
        ['the moment before it', { maxTime: later.minTime - 1 }, false],
        ['its last moment', { minTime: later.maxTime - 1 }, true],
        ['the moment after it', { minTime: later.maxTime }, false],
        ['its labels', { matchers: [...all.matchers, new Matcher('=', 'cluster', 'eu')] }, true],
        ['other labels', { matchers: [...all.matchers, new Matcher('=', 'cluster', 'us')] }, false],
        ['another block', { blockMatchers: [new Matcher('!=', '__block_id', broken)] }, false],
      ] as const) {
        const { warnings } = await answerOf(store, {
          ...all,
          minTime: START,
          maxTime: START + 2 * DAY_MS,
          partialResponse: 'warn',
          ...query,
        });
        assert.equal(warnings.length, isTold ? 1 : 0, what);
        if (isTold) assert.match(warnings[0], warning);
      }
      const { warnings } = await store.labelNames(backgroundRequest(), labelsQuery(later));
      assert.match(warnings.join(), warning);
      // Who does not announce its time is not asked for it.
      assert.deepEqual(made.gateway.info().store?.tsdbInfos, [
        { labels: external, ...span },
        { labels: external, ...later },
      ]);
      assert.equal(made.gateway.info().store?.maxTime, later.maxTime);

      writeFileSync(index, good);
      await made.gateway.sync(backgroundRequest());
      assert.deepEqual(await answerOf(store, { ...all, ...later }), { series: ['down'], warnings: [] });
      breakIndex(directory, broken);
      rmSync(join(directory, broken, 'meta.json'));
      await made.gateway.sync(backgroundRequest());
      assert.deepEqual(await answerOf(store, { ...all, ...later }), { series: [], warnings: [] });
    } finally {
      await made.close();
    }
  });

  test('is made up for by blocks of another resolution that are read in its place', async () => {
    const { directory, ulid, bucket } = bucketOf();
    const coarse = writeBlock(directory, parseFakeSeries(`up{job="a"} ${START}:1`), external, span);
    const meta = (block: BlockMeta): BlockMeta =>
      block.ulid === coarse ? { ...block, thanos: { ...block.thanos, resolutionMs: 300_000 } } : block;
    for (const [what, broken, maxResolutionMs, fillsWithCoarser, isTold] of [
      ['a coarse one by raw ones', coarse, 300_000, false, false],
      ['a coarse one nobody asked for', coarse, 0, false, false],
      ['a raw one where coarse ones will do', ulid, 300_000, false, false],
      ['a raw one where they will not', ulid, 0, false, true],
      ['a raw one where they fill in', ulid, 0, true, false],
    ] as const) {
      const index = join(directory, broken, 'index');
      const good = readFileSync(index);
      breakIndex(directory, broken);
      const made = await testGateway(bucket, { meta });
      try {
        const query = { ...all, maxResolutionMs, fillsWithCoarser };
        assert.equal((await answerOf(made.gateway.store, query)).warnings.length, isTold ? 1 : 0, what);
      } finally {
        await made.close();
        writeFileSync(index, good);
      }
    }
  });

  test('and was made from others keeps them served as long as the bucket has them', async () => {
    const { directory, ulid, bucket } = bucketOf();
    let hidden = '';
    const fetch = async (request: RequestContext) => {
      const fetched = await fetchAll(request, bucket, (meta) =>
        meta.ulid === hidden || hidden === ''
          ? meta
          : { ...meta, compaction: { ...meta.compaction, level: 2, sources: [hidden, 'other'] } },
      );
      return { ...fetched, metas: new Map([...fetched.metas].filter(([id]) => id !== hidden)) };
    };
    const made = await testGateway(bucket, { fetch });
    const { gateway } = made;
    const served = (): string[] => gateway.loadedBlocks().map((meta) => meta.ulid);
    try {
      const compacted = writeBlock(directory, parseFakeSeries(`up{job="a"} ${START}:1`), external, span);
      const index = join(directory, compacted, 'index');
      const good = readFileSync(index);
      breakIndex(directory, compacted);
      hidden = ulid;
      await gateway.sync(backgroundRequest());
      assert.deepEqual(served(), [ulid]);
      const { series, warnings } = await answerOf(gateway.store, all);
      // One of its two sources is not there.
      assert.deepEqual([series, warnings.length], [['up'], 1]);
      writeFileSync(index, good);
      await gateway.sync(backgroundRequest());
      assert.deepEqual(served(), [compacted]);
      assert.deepEqual(await answerOf(gateway.store, all), { series: ['up'], warnings: [] });
    } finally {
      await made.close();
    }
  });

  for (const strategy of listStrategies) {
    test(`since its meta.json is damaged is missing from every answer about the time before it was made: ${strategy}`, async () => {
      const { directory, ulid, bucket } = bucketOf();
      const broken = writeBlock(
        directory,
        parseFakeSeries(`down{job="b"} ${START}:1`),
        Labels.of({ cluster: 'us' }),
        span,
      );
      const path = join(directory, broken, 'meta.json');
      const good = readFileSync(path);
      writeFileSync(path, good.subarray(0, 20));
      const fetcher = new MetaFetcher(
        { bucket, logger: silentLogger, metrics: new Metrics(), filters: [] },
        { strategy, concurrency: 4 },
      );
      const made = await testGateway(bucket, { fetch: (request) => fetcher.fetch(request) });
      const { store } = made.gateway;
      const served = () => made.gateway.loadedBlocks().map((meta) => meta.ulid);
      const text = new RegExp(
        `^block ${broken}, made at .*Z, is missing from the answer, whatever it holds: meta.json`,
      );
      const madeAt = ulidTime(broken);
      try {
        for (const [what, query, isTold] of [
          ['all time', {}, true],
          ['labels of no block', { matchers: [...all.matchers, new Matcher('=', 'cluster', 'asia')] }, true],
          ['a time long before', { maxTime: START - 1 }, true],
          ['the moment it was made', { minTime: madeAt }, true],
          ['the moment after', { minTime: madeAt + 1 }, false],
          ['other blocks', { blockMatchers: [new Matcher('!=', '__block_id', broken)] }, false],
          ['blocks of some labels', { blockMatchers: [new Matcher('=', 'cluster', 'us')] }, true],
        ] as const) {
          const { warnings } = await answerOf(store, { ...all, partialResponse: 'warn', ...query });
          assert.equal(warnings.length, isTold ? 1 : 0, what);
          if (isTold) assert.match(warnings[0], text);
        }
        assert.match((await store.labelNames(backgroundRequest(), labelsQuery({}))).warnings.join(), text);
        // Whatever time and labels are asked for, it is asked.
        const info = made.gateway.info();
        assert.deepEqual(info.labelSets.map(String), ['{cluster="eu", replica="r1"}']);
        assert.deepEqual(
          info.store?.tsdbInfos.filter(({ labels }) => labels.size === 0),
          [{ labels: Labels.empty, minTime: MIN_TIME, maxTime: madeAt }],
        );
        assert.deepEqual([info.store?.minTime, info.store?.maxTime], [MIN_TIME, madeAt]);

        const mark = join(directory, broken, 'deletion-mark.json');
        writeFileSync(mark, '{}');
        await made.gateway.sync(backgroundRequest());
        assert.deepEqual(await answerOf(store, all), { series: ['up'], warnings: [] });
        rmSync(mark);
        await made.gateway.sync(backgroundRequest());
        assert.equal((await answerOf(store, all)).warnings.length, 1);

        writeFileSync(path, good);
        await made.gateway.sync(backgroundRequest());
        assert.deepEqual(await answerOf(store, all), { series: ['down', 'up'], warnings: [] });
        assert.deepEqual(made.gateway.info().labelSets.length, 2);
        // What is served already is not given up for it.
        writeFileSync(path, '');
        utimesSync(path, 1, 1);
        await made.gateway.sync(backgroundRequest());
        assert.deepEqual(served().sort(), [ulid, broken].sort());
        assert.deepEqual(await answerOf(store, all), { series: ['down', 'up'], warnings: [] });
        rmSync(path);
        await made.gateway.sync(backgroundRequest());
        assert.deepEqual(await answerOf(store, all), { series: ['up'], warnings: [] });
      } finally {
        await made.close();
      }
    });
  }

  test('since its meta.json is out of reach is told of, and looked for again soon', async () => {
    const { directory, ulid, bucket } = bucketOf();
    const denied = writeBlock(directory, parseFakeSeries(`down{job="b"} ${START}:1`), external, span);
    let isDenied = true;
    const fetch = async (request: RequestContext) => {
      const fetched = await fetchAll(request, bucket);
      if (!isDenied) return fetched;
      const metas = new Map([...fetched.metas].filter(([id]) => id !== denied));
      const failure = new Fault('denied', 'forbidden');
      return { ...fetched, metas, unseen: new Map([[denied, failure]]), incomplete: failure };
    };
    const made = await testGateway(bucket, { fetch });
    try {
      assert.deepEqual(
        made.gateway.loadedBlocks().map((meta) => meta.ulid),
        [ulid],
      );
      const { series, warnings } = await answerOf(made.gateway.store, all);
      assert.deepEqual(series, ['up']);
      assert.match(warnings.join(), new RegExp(`^block ${denied}, made at .* is missing .*: forbidden$`));
      isDenied = false;
      await made.gateway.sync(backgroundRequest());
      assert.deepEqual(await answerOf(made.gateway.store, all), { series: ['down', 'up'], warnings: [] });
    } finally {
      await made.close();
    }
  });

  test('is named with nineteen others, and the rest are counted', async () => {
    const { directory, bucket } = bucketOf();
    for (let i = 0; i < 30; i++) {
      const broken = writeBlock(directory, parseFakeSeries(`down{job="b"} ${START}:1`), external, span);
      breakIndex(directory, broken);
    }
    const made = await testGateway(bucket);
    try {
      const { series, warnings } = await answerOf(made.gateway.store, all);
      assert.deepEqual([series, warnings.length, new Set(warnings).size], [['up'], 21, 21]);
      assert.equal(warnings[20], "10 more blocks are missing from the answer, the store's log names them");
    } finally {
      await made.close();
    }
  });

  test('since it was deleted after the listing is missing nowhere', async () => {
    const { directory, bucket } = bucketOf();
    const gone = writeBlock(directory, parseFakeSeries(`down{job="b"} ${START}:1`), external, span);
    const fetch = async (request: RequestContext) => {
      const fetched = await fetchAll(request, bucket);
      rmSync(join(directory, gone), { recursive: true, force: true });
      return fetched;
    };
    const made = await testGateway(bucket, { fetch });
    try {
      assert.deepEqual(await answerOf(made.gateway.store, all), { series: ['up'], warnings: [] });
    } finally {
      await made.close();
    }
  });

  test('because the bucket was in trouble is looked for again soon, and later and later while that lasts', async () => {
    const { bucket } = bucketOf();
    let isDown = true;
    let syncCount = 0;
    const clock = new FakeClock();
    const made = await testGateway(bucket, {
      clock,
      fetch: async (request) => {
        syncCount++;
        if (isDown)
          return {
            metas: new Map(),
            partial: new Map(),
            unseen: new Map(),
            incomplete: new Fault('unavailable', 'half'),
          };
        return fetchAll(request, bucket);
      },
    });
    const life = new AbortController();
    const background: Promise<void>[] = [];
    await made.gateway.start({
      signal: life.signal,
      spawn: (_name, task) => background.push(task(life.signal)),
      ready() {},
      unready() {},
    });
    const syncsWithin = async (seconds: number): Promise<number> => {
      const before = syncCount;
      for (let i = 0; i < seconds; i++) {
        await clock.advance(1000);
        for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      return syncCount - before;
    };
    try {
      assert.equal(await syncsWithin(14), 0);
      assert.equal(await syncsWithin(2), 1);
      assert.equal(await syncsWithin(28), 0);
      assert.equal(await syncsWithin(2), 1);
      assert.equal(made.gateway.loadedBlocks().length, 0);
      isDown = false;
      assert.equal(await syncsWithin(60), 1);
      while (made.gateway.loadedBlocks().length === 0 || clock.sleeperCount === 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(await syncsWithin(14 * 60), 0);
      assert.equal(await syncsWithin(2 * 60), 1);
    } finally {
      life.abort();
      await Promise.allSettled(background);
      await made.close();
    }
  });
});

describe('a block that breaks while it is read', () => {
  for (const [what, spoil, text] of [
    ['its chunks are gone', (block: string) => rmSync(join(block, 'chunks/000001')), /chunks\/000001/],
    ['a checksum is wrong', (block: string) => flipLast(join(block, 'chunks/000001'), 1), /checksum/],
    ['an encoding is not known', (block: string) => setEncoding(join(block, 'chunks/000001'), 5), /encoding 5/],
  ] as const) {
    test(`leaves the others in the answer, with a warning that names it: ${what}`, async () => {
      const { directory, ulid, bucket } = bucketOf();
      writeBlock(directory, parseFakeSeries(`down{job="b"} ${START}:1`), external, span);
      const made = await testGateway(bucket);
      try {
        spoil(join(directory, ulid));
        const { series, warnings } = await answerOf(made.gateway.store, { ...all, partialResponse: 'warn' });
        assert.deepEqual(series, ['down']);
        assert.equal(warnings.length, 1);
        assert.match(warnings[0], new RegExp(`^block ${ulid}: `));
        assert.match(warnings[0], text);
      } finally {
        await made.close();
      }
    });
  }
});

function flipLast(path: string, fromEnd: number): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - fromEnd] ^= 0xff;
  writeFileSync(path, bytes);
}

/** The first chunk's encoding byte, with a checksum that fits. */
function setEncoding(path: string, encoding: number): void {
  const bytes = readFileSync(path);
  const length = bytes[8];
  assert.ok(length < 128);
  bytes[9] = encoding;
  bytes.writeUInt32BE(crc32c(bytes, 9, 10 + length), 10 + length);
  writeFileSync(path, bytes);
}

function flipSeries(path: string): void {
  const bytes = readFileSync(path);
  const series = Number(bytes.readBigUInt64BE(bytes.length - 52 + 8));
  bytes[Math.ceil(series / 16) * 16 + 3] ^= 0x01;
  writeFileSync(path, bytes);
}

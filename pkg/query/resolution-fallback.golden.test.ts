import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import { backgroundRequest } from '../async/request.ts';
import { Transferred } from '../async/worker-pool.ts';
import { ReaderPool } from '../block/index-header/reader-pool.ts';
import { type BlockMeta, parseMeta } from '../block/meta.ts';
import { IndexCache } from '../cache/index-cache.ts';
import { RESOLUTION_1H, RESOLUTION_5M, RESOLUTION_RAW } from '../model/resolution.ts';
import { FilesystemBucket } from '../objstore/filesystem.ts';
import { Engine } from '../promql/engine.ts';
import { defaultBucketStoreConfig, defaultGatewayConfig } from '../store/config.ts';
import { fakeEndpoint } from '../store/fake-endpoint.ts';
import { StoreGateway } from '../store/gateway.ts';
import { proxyDefaults, StoreProxy } from '../store/proxy.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { selectDefaults } from './config.ts';
import { FanOutQueryable } from './queryable.ts';
import { runJob } from './select-job.ts';
import { type RunJob, SelectThreads } from './select-threads.ts';

const golden = goldenDir();
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The data begins here and ends twelve days later. */
const START = 1_717_632_000_000;
const END = START + 12 * DAY_MS - 1;

/** A store gateway over copies of some golden blocks, as retention would have left them. */
class Remains {
  readonly #directory = mkdtempSync(join(tmpdir(), 'resolution-fallback-'));
  #gateway: StoreGateway | undefined;

  async open(isLeft: (meta: BlockMeta) => boolean): Promise<StoreProxy> {
    const request = backgroundRequest();
    const metas = new Map<string, BlockMeta>();
    const directory = join(this.#directory, 'bucket');
    for (const name of ['main/before', 'main/after']) {
      for (const ulid of readdirSync(join(golden!, 'bucket', name))) {
        const block = join(golden!, 'bucket', name, ulid);
        const meta = parseMeta(readFileSync(join(block, 'meta.json')));
        // What was compacted is there as it was before, so that blocks are small.
        const isLong = meta.thanos.labels.get('cluster') === 'long' && meta.minTime < END;
        const isOld = name === 'main/before' || meta.thanos.resolutionMs > 0;
        if (!isLong || !isOld || !isLeft(meta)) continue;
        metas.set(ulid, meta);
        cpSync(block, join(directory, ulid), { recursive: true });
      }
    }
    const bucket = new FilesystemBucket(directory);
    const metrics = new Metrics();
    const pool = new ReaderPool(
      { bucket, logger: silentLogger },
      { directory: join(this.#directory, 'data'), pageCacheBytes: 1 << 20, readerBytes: 1 << 22, keepFiles: false },
    );
    this.#gateway = new StoreGateway(
      {
        bucket,
        fetcher: { fetch: async () => ({ metas, partial: new Map(), unseen: new Map(), incomplete: undefined }) },
        pool,
        cache: new IndexCache({ maxBytes: 1 << 20, maxItemBytes: 1 << 17 }, metrics),
        logger: silentLogger,
        metrics,
      },
      { ...defaultGatewayConfig, ...defaultBucketStoreConfig },
    );
    pool.start();
    await this.#gateway.sync(request);
    const endpoint = fakeEndpoint(this.#gateway.store);
    return new StoreProxy({ endpoints: () => [endpoint] }, proxyDefaults);
  }

  async close(): Promise<void> {
    await this.#gateway?.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const engine = new Engine({
  lookbackMs: 300_000,
  timeoutMs: 60_000,
  defaultEvaluationIntervalMs: 60_000,
  experimentalFunctions: true,
});

interface Asked {
  readonly maxResolutionMs?: number;
  readonly fillsWithCoarser?: boolean;
  readonly dedup?: boolean;
  readonly threads?: SelectThreads;
}

interface Answer {
  /** Of each series, by its labels, its values by time. */
  readonly series: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly infos: readonly string[];
  readonly resolutions: readonly string[];
}

/** At every step from a first one on; without a step, at the end alone. */
async function ask(
  proxy: StoreProxy,
  expression: string,
  stepMs: number,
  { threads, ...asked }: Asked = {},
): Promise<Answer> {
  const options = { ...selectDefaults, dedup: false, replicaLabels: ['replica'], fillsWithCoarser: true, ...asked };
  const queryable = new FanOutQueryable({ proxy, threads }, options);
  const startMs = stepMs === 0 ? END : START + stepMs;
  const spec = { expression, startMs, endMs: END, stepMs: stepMs || 1 };
  const { value, warnings, infos, stats } = await engine.range(backgroundRequest(), queryable, spec);
  assert.deepEqual(warnings, []);
  assert.equal(value.kind, 'matrix');
  const all = value.kind === 'matrix' ? value.series : [];
  const series = new Map(
    all.map(({ labels, times, values }) => [labels.key, new Map([...times].map((time, i) => [time, values[i]]))]),
  );
  return { series, infos, resolutions: stats.resolutions ?? ['raw'] };
}

const COUNTER = 'long_requests_total';
const GAUGE = 'long_temperature';

/** When raw data begins in what is left, in days. */
const leftovers = [
  ['raw data of the last two days, 5m and 1h data of all', (meta) => isRawSince(meta, 10) || isCoarse(meta), 'raw,5m'],
  ['raw data of days in between, 5m data of all', (meta) => isRawOf(meta, 4, 8) || is(meta, RESOLUTION_5M), 'raw,5m'],
  [
    'raw data of the last four days, 1h data of all',
    (meta) => isRawSince(meta, 8) || is(meta, RESOLUTION_1H),
    'raw,1h',
  ],
  ['no raw data, 5m and 1h data', isCoarse, '5m'],
  ['1h data alone', (meta) => is(meta, RESOLUTION_1H), '1h'],
] as const satisfies readonly (readonly [string, (meta: BlockMeta) => boolean, string])[];

function is({ thanos }: BlockMeta, resolutionMs: number): boolean {
  return thanos.resolutionMs === resolutionMs;
}

function isCoarse({ thanos }: BlockMeta): boolean {
  return thanos.resolutionMs > RESOLUTION_RAW;
}

function isRawOf(meta: BlockMeta, fromDay: number, toDay: number): boolean {
  return is(meta, RESOLUTION_RAW) && meta.minTime >= START + fromDay * DAY_MS && meta.maxTime <= START + toDay * DAY_MS;
}

function isRawSince(meta: BlockMeta, day: number): boolean {
  return isRawOf(meta, day, 12);
}

describe.skipIf(golden === undefined)('where raw data is missing (golden bucket)', () => {
  const whole = new Remains();
  let truth: StoreProxy;
  beforeAll(async () => {
    truth = await whole.open((meta) => is(meta, RESOLUTION_RAW));
  });
  afterAll(() => whole.close());

  for (const [what, isLeft, resolutions] of leftovers) {
    describe(what, () => {
      const remains = new Remains();
      let proxy: StoreProxy;
      beforeAll(async () => {
        proxy = await remains.open(isLeft);
      });
      afterAll(() => remains.close());

      test('nothing is counted twice, and nothing lost', async () => {
        for (const func of ['sum_over_time', 'count_over_time', 'max_over_time', 'min_over_time']) {
          const expression = `${func}(${GAUGE}[12d])`;
          const [ours, theirs] = [await ask(proxy, expression, 0), await ask(truth, expression, 0)];
          assert.ok(theirs.series.size > 5);
          assert.deepEqual([...ours.series.keys()], [...theirs.series.keys()]);
          for (const [labels, points] of theirs.series) {
            const [[time, value]] = points;
            const got = ours.series.get(labels)?.get(time) ?? Number.NaN;
            const bound = func === 'sum_over_time' ? 1e-9 * Math.abs(value) : 0;
            assert.ok(Math.abs(got - value) <= bound, `${func} ${labels}: ${got} and not ${value}`);
          }
        }
      });

      test('a counter grows as much as in raw data', async () => {
        const expression = `increase(${COUNTER}[12d])`;
        const [ours, theirs] = [await ask(proxy, expression, 0), await ask(truth, expression, 0)];
        for (const [labels, points] of theirs.series) {
          const [[time, value]] = points;
          const got = ours.series.get(labels)?.get(time) ?? Number.NaN;
          assert.ok(Math.abs(got - value) <= 0.01 * value, `${labels}: ${got} and not ${value}`);
        }
      });

      for (const dedup of [false, true]) {
        for (const expression of [
          GAUGE,
          `rate(${COUNTER}[5m])`,
          `max_over_time(${GAUGE}[10m])`,
          `irate(${COUNTER}[2m])`,
        ]) {
          test(`${expression} has a value at every time, replicas ${dedup ? 'merged' : 'apart'}`, async () => {
            const stepMs = 1_800_000;
            const [ours, theirs] = [
              await ask(proxy, expression, stepMs, { dedup }),
              await ask(truth, expression, stepMs, { dedup, fillsWithCoarser: false }),
            ];
            let [wanted, missing] = [0, 0];
            for (const [labels, points] of theirs.series) {
              wanted += points.size;
              // The first windows reach back beyond the data.
              for (const time of points.keys()) {
                if (time > START + 3 * HOUR_MS && ours.series.get(labels)?.has(time) !== true) missing++;
              }
            }
            assert.ok(wanted > 1000);
            // After a hole there is nothing before the first window ends, and for a rate the second one.
            const most = (resolutions.includes('1h') ? 0.03 : 0.002) * wanted;
            assert.ok(missing <= most, `${missing} of ${wanted} values are missing`);
            assert.equal(ours.resolutions.join(), resolutions);
            const used = resolutions.split(',').filter((resolution) => resolution !== 'raw');
            for (const resolution of used) {
              assert.ok(
                ours.infos.some((info) => info.startsWith(`${resolution} data is used where raw data is missing: `)),
              );
            }
          });
        }
      }

      test('other threads read the same', async () => {
        const run: RunJob = async (_, job) => {
          const result = runJob(structuredClone(job));
          return result instanceof Transferred ? structuredClone(result.value) : result;
        };
        const threads = new SelectThreads({ size: 2, fromSamples: 0 }, run);
        for (const expression of [GAUGE, `increase(${COUNTER}[10m])`, `count_over_time(${GAUGE}[1d])`]) {
          const here = await ask(proxy, expression, HOUR_MS, { dedup: true });
          assert.deepEqual(await ask(proxy, expression, HOUR_MS, { dedup: true, threads }), here);
          assert.ok(here.infos.length > 0);
        }
      });

      test('without the option only raw data is used', async () => {
        const ours = await ask(proxy, GAUGE, HOUR_MS, { fillsWithCoarser: false });
        assert.deepEqual(ours.infos, []);
        assert.deepEqual(ours.resolutions, ['raw']);
      });
    });
  }

  test('where all is there, the option changes nothing', async () => {
    for (const dedup of [false, true]) {
      for (const expression of [
        GAUGE,
        `rate(${COUNTER}[5m])`,
        'sum_over_time(long_special[1h])',
        'resets(long_gappy[1d])',
      ]) {
        const [filled, plain] = [
          await ask(truth, expression, HOUR_MS, { dedup }),
          await ask(truth, expression, HOUR_MS, { dedup, fillsWithCoarser: false }),
        ];
        assert.ok(plain.series.size > 0);
        assert.deepEqual(filled, plain);
      }
    }
  });

  test('what was wanted coarse and is there finer alone is told, too', async () => {
    const { infos, series } = await ask(truth, GAUGE, HOUR_MS, { maxResolutionMs: RESOLUTION_5M });
    assert.ok(series.size > 0);
    assert.deepEqual(infos, [
      'raw data is used where 5m data is missing: 2024-06-06T00:55:13Z to 2024-06-17T23:59:21Z',
    ]);
  });
});

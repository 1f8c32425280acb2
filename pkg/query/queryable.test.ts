import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { freeNow } from '../bytes/free-now.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { Matcher } from '../model/matcher.ts';
import { MAX_TIME } from '../model/time.ts';
import type { SelectHints } from '../storage/hints.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import type { Series } from '../storage/series.ts';
import { type FakeStep, FakeStore, fakeBatch, fakeChunk, fakeEndpoint, fakeSeries } from '../store/fake-endpoint.ts';
import { proxyDefaults, StoreProxy } from '../store/proxy.ts';
import { type SelectOptions, selectDefaults } from './config.ts';
import { aggregatesOf, FanOutQueryable } from './queryable.ts';

const hints: SelectHints = {
  minTime: 2000,
  maxTime: 9000,
  stepMs: 15_000,
  func: '',
  rangeMs: 0,
  grouping: [],
  by: false,
};
const matchers = [new Matcher('=', '__name__', 'up')];
const RAW = [...Buffer.from('0003d00f3ff0000000000000e807c25fff4004', 'hex')]; // (1000,1) (2000,2) (3000,4)

function setUp(steps: readonly FakeStep[], options: Partial<SelectOptions> = {}, labels?: Error) {
  const store = new FakeStore(steps, labels ?? { values: ['a'], warnings: [] });
  const proxy = new StoreProxy({ endpoints: () => [fakeEndpoint(store)] }, proxyDefaults);
  return { store, queryable: new FanOutQueryable({ proxy }, { ...selectDefaults, ...options }) };
}

async function read(queryable: FanOutQueryable, changed: Partial<SelectHints> = {}, context = backgroundRequest()) {
  const set = queryable.select(context, matchers, { ...hints, ...changed });
  const series: string[] = [];
  for await (const batch of set.batches) {
    for (const one of batch) {
      const samples = new SampleBuffer();
      one.readInto(samples);
      series.push(`${one.labels} ${[...samples.times.subarray(0, samples.length)]}`);
    }
  }
  return { series, warnings: set.warnings };
}

describe('aggregates by function', () => {
  for (const [func, aggregates] of [
    ['min', [3]],
    ['min_over_time', [3]],
    ['max_over_time', [4]],
    ['count', [1]],
    ['count_over_time', [1]],
    ['sum_over_time', [2]],
    ['sum', [1, 2]],
    ['avg', [1, 2]],
    ['', [1, 2]],
    ['rate', [5]],
    ['increase', [5]],
    ['irate', [5]],
    ['resets', [5]],
    ['delta', [1, 2]],
  ] as const) {
    test(func === '' ? 'none' : func, () => assert.deepEqual(aggregatesOf(func), aggregates));
  }
});

describe('a select', () => {
  test('asks for what the hints say and reads what lies within them', async () => {
    const { store, queryable } = setUp(
      [fakeBatch([fakeSeries('a=1', fakeChunk(1000, 3000, RAW))], 'w'), fakeBatch([], 'w')],
      {
        maxResolutionMs: 3_600_000,
        replicaLabels: ['replica'],
      },
    );
    assert.deepEqual(await read(queryable, { func: 'rate', rangeMs: 300_001, grouping: ['job'], by: true }), {
      series: ['{a="1"} 2000,3000'],
      warnings: ['w'],
    });
    const [sent] = store.requests;
    assert.deepEqual([sent.minTime, sent.maxTime, sent.maxResolutionMs], [2000, 9000, 150_000]);
    assert.deepEqual(sent.withoutReplicaLabels, ['replica']);
    assert.deepEqual(sent.queryHints, { stepMs: 15_000, func: 'rate', rangeMs: 300_001, grouping: ['job'], by: true });
    assert.equal(sent.partialResponse, 'warn');
  });

  for (const [what, options] of [
    ['dedup is off', { dedup: false, replicaLabels: ['replica'] }],
    ['there are no replica labels', { dedup: true, replicaLabels: [] }],
  ] as const) {
    test(`sends no replica labels when ${what}`, async () => {
      const { store, queryable } = setUp([], options);
      await read(queryable);
      assert.deepEqual(store.requests[0].withoutReplicaLabels, []);
    });
  }

  describe('of series that are read in turn', () => {
    /** More series than go into one batch; who releases them finds their bytes overwritten. */
    function releasing(released: string[], name: string): FakeStep {
      const series = Array.from({ length: 700 }, (_, i) =>
        fakeSeries(`a=${name}${String(i).padStart(3, '0')}`, fakeChunk(1000, 3000, RAW)),
      );
      const release = (): void => {
        released.push(name);
        for (const { chunks } of series) for (const { table } of chunks) table.bytes.fill(0xff);
      };
      return { ...fakeBatch(series), release };
    }

    test('lets go of chunks that have been read, and of none before', async () => {
      const released: string[] = [];
      const { queryable } = setUp([releasing(released, 'x'), releasing(released, 'y')]);
      const { series } = await read(queryable, { readsInTurn: true });
      assert.equal(series.length, 1400);
      assert.deepEqual(new Set(series.map((text) => text.slice(-9))), new Set(['2000,3000']));
      assert.deepEqual(released, ['x', 'y']);
    });

    test('says so when chunks are read that are gone', async () => {
      const bytes = new Uint8Array(32 * 1024);
      const one = fakeSeries('a=1', fakeChunk(1000, 3000, RAW));
      const table = { ...one.chunks[0].table, bytes };
      const step = { ...fakeBatch([{ ...one, chunks: [{ table, from: 0, to: 1 }] }]), release: () => freeNow(bytes) };
      const { queryable } = setUp([step]);
      const kept: Series[] = [];
      for await (const batch of queryable.select(backgroundRequest(), matchers, { ...hints, readsInTurn: true })
        .batches) {
        kept.push(...batch);
      }
      assert.throws(() => kept[0].readInto(new SampleBuffer()), /its chunks have been let go/);
    });

    test('keeps chunks for who has not promised to read so', async () => {
      const released: string[] = [];
      const { queryable } = setUp([releasing(released, 'x'), releasing(released, 'y')]);
      assert.equal((await read(queryable)).series.length, 1400);
      assert.deepEqual(released, []);
    });
  });

  test('fetches nothing before it is pulled', async () => {
    const { store, queryable } = setUp([]);
    queryable.select(backgroundRequest(), matchers, hints);
    assert.equal(store.opened, 0);
  });

  test('a failing store is a warning, or an execution fault without partial response', async () => {
    const failure = new Fault('unavailable', 'connection refused', { facts: { grpcCode: 14 } });
    assert.equal((await read(setUp([failure]).queryable)).warnings.length, 1);
    await assert.rejects(
      read(setUp([failure], { partialResponse: false }).queryable),
      (thrown) =>
        kindOf(thrown) === 'execution' &&
        /^expanding series: proxy Series\(\): fetch series for Store Gateway Addr: .* code = Unavailable/.test(
          messageOf(thrown),
        ),
    );
  });

  test('the end of the request is thrown as what it is', async () => {
    const controller = new AbortController();
    const { queryable } = setUp([() => controller.abort(new Fault('timeout', 'query timed out')), 'hang']);
    await assert.rejects(
      read(queryable, {}, backgroundRequest(controller.signal)),
      (thrown) => kindOf(thrown) === 'timeout' && messageOf(thrown) === 'query timed out',
    );
  });

  test('a bad chunk fails the series that is read, by name', async () => {
    const { queryable } = setUp([fakeBatch([fakeSeries('a=1', fakeChunk(1000, 3000, [0, 9, 1]))])]);
    await assert.rejects(
      read(queryable),
      (thrown) => kindOf(thrown) === 'corrupt' && messageOf(thrown).includes('{a="1"}'),
    );
  });
});

describe('label calls', () => {
  const query = { matchers, minTime: 0, maxTime: 1, limit: 0 };

  test('never send replica labels', async () => {
    const { store, queryable } = setUp([], { replicaLabels: ['replica'] });
    assert.deepEqual((await queryable.labelNames(backgroundRequest(), query)).values, ['a']);
    assert.deepEqual((await queryable.labelValues(backgroundRequest(), 'job', query)).values, ['a']);
    assert.deepEqual(
      store.labelRequests.map((sent) => sent.withoutReplicaLabels),
      [[], []],
    );
  });

  test('fail as the reference says it without partial response', async () => {
    const { queryable } = setUp([], { partialResponse: false }, new Fault('unavailable', 'gone'));
    await assert.rejects(
      queryable.labelNames(backgroundRequest(), query),
      /^Fault: proxy LabelNames\(\): fetch label names from store Addr: /,
    );
    await assert.rejects(
      queryable.labelValues(backgroundRequest(), 'x', query),
      /^Fault: proxy LabelValues\(\): fetch label values/,
    );
  });
});

for (const [what, replicaLabels, limit] of [
  ['each of its series is one', [], 2],
  ['several may be one series, so that stores are not told of it', ['r'], 0],
] as const) {
  test(`a listing of series asks for labels only, of any resolution, and stops at the limit: ${what}`, async () => {
    const series = [fakeBatch([fakeSeries('a=1'), fakeSeries('a=2'), fakeSeries('a=3')])];
    const { store, queryable } = setUp(series, { replicaLabels: [...replicaLabels] });
    const answer = await queryable.series(backgroundRequest(), { matchers, minTime: 0, maxTime: 1, limit: 2 });
    assert.deepEqual(answer.series.map(String), ['{a="1"}', '{a="2"}']);
    const [sent] = store.requests;
    assert.deepEqual(
      [sent.skipChunks, sent.maxResolutionMs, sent.limit, sent.withoutReplicaLabels],
      [true, MAX_TIME, limit, replicaLabels],
    );
  });
}

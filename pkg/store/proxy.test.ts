import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { backgroundRequest } from '../async/request.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Matcher } from '../model/matcher.ts';
import type { Endpoint } from './endpoint.ts';
import { type FakeStep, FakeStore, fakeBatch, fakeChunk, fakeEndpoint, fakeSeries } from './fake-endpoint.ts';
import { type ProxyConfig, proxyDefaults, StoreProxy } from './proxy.ts';
import { ResponseBuffer } from './response-buffer.ts';
import type { SeriesRequest, StoreSeries } from './store.ts';

const request: SeriesRequest = {
  minTime: 0,
  maxTime: 100,
  matchers: [new Matcher('=', '__name__', 'up')],
  maxResolutionMs: 0,
  aggregates: [0],
  skipChunks: false,
  partialResponse: 'warn',
  withoutReplicaLabels: [],
  limit: 0,
  responseBatchSize: 64,
};

function proxyOver(endpoints: readonly Endpoint[], config: Partial<ProxyConfig> = {}): StoreProxy {
  return new StoreProxy({ endpoints: () => endpoints }, { ...proxyDefaults, ...config });
}

function textOf({ labels, chunks }: StoreSeries): string {
  const times = chunks.flatMap(({ table, from, to }) => [...table.minTimes.subarray(from, to)]);
  return `${[...labels].map((pair) => pair.join('=')).join(' ')}: ${times.join(',')}`;
}

async function answerOf(
  proxy: StoreProxy,
  query: Partial<SeriesRequest> = {},
  context = backgroundRequest(),
): Promise<{ series: string[]; warnings: string[] }> {
  const series: string[] = [];
  const warnings: string[] = [];
  for await (const batch of proxy.series(context, { ...request, ...query })) {
    series.push(...batch.series.map(textOf));
    warnings.push(...batch.warnings);
  }
  return { series, warnings };
}

const endpointOf = (steps: readonly FakeStep[], facts: Partial<Endpoint> = {}): Endpoint =>
  fakeEndpoint(new FakeStore(steps), facts);

const unavailable = new Fault('unavailable', 'connection refused', { facts: { grpcCode: 14 } });

describe('merging', () => {
  test('streams become one in label order, equal labels fused, equal chunks dropped, also across batches', async () => {
    const proxy = proxyOver([
      endpointOf([
        fakeBatch([fakeSeries('a=1', fakeChunk(10, 19)), fakeSeries('a=2', fakeChunk(10, 19))]),
        fakeBatch([fakeSeries('a=2', fakeChunk(20, 29)), fakeSeries('a=4', fakeChunk(5, 6))]),
      ]),
      endpointOf([fakeBatch([fakeSeries('a=2', fakeChunk(10, 19), fakeChunk(15, 25))])]),
      endpointOf([fakeBatch([]), fakeBatch([fakeSeries('a=3', fakeChunk(1, 2))]), fakeBatch([])]),
      endpointOf([]),
    ]);
    assert.deepEqual(await answerOf(proxy), {
      series: ['a=1: 10', 'a=2: 10,15,20', 'a=3: 1', 'a=4: 5'],
      warnings: [],
    });
  });

  test('a limit cuts silently, in label order over all stores', async () => {
    const proxy = proxyOver([
      endpointOf([fakeBatch([fakeSeries('a=1'), fakeSeries('a=3')])]),
      endpointOf([fakeBatch([fakeSeries('a=2'), fakeSeries('a=4')])]),
    ]);
    assert.deepEqual(await answerOf(proxy, { limit: 3 }), { series: ['a=1: ', 'a=2: ', 'a=3: '], warnings: [] });
  });

  test('replica labels a store cannot drop are dropped here, and its series sorted without them', async () => {
    const store = new FakeStore([
      fakeBatch([fakeSeries('a=1 r=A z=2', fakeChunk(1, 2)), fakeSeries('a=1 r=B z=1', fakeChunk(3, 4))]),
    ]);
    const able = new FakeStore([fakeBatch([fakeSeries('a=1 z=1', fakeChunk(5, 6))])]);
    const proxy = proxyOver([fakeEndpoint(store, { supportsWithoutReplicaLabels: false }), fakeEndpoint(able)]);
    const answer = await answerOf(proxy, { withoutReplicaLabels: ['r'] });
    assert.deepEqual(answer.series, ['a=1 z=1: 3,5', 'a=1 z=2: 1']);
    assert.deepEqual(store.requests[0].withoutReplicaLabels, []);
    assert.deepEqual(able.requests[0].withoutReplicaLabels, ['r']);
  });

  test('what a store cannot shard is sharded here, on the labels without replica labels', async () => {
    const many = Array.from({ length: 40 }, (_, i) => fakeSeries(`a=${i + 10} r=x`));
    const shards = await Promise.all(
      [0, 1].map((shardIndex) =>
        answerOf(
          proxyOver([endpointOf([fakeBatch(many)], { supportsSharding: false, supportsWithoutReplicaLabels: false })]),
          {
            withoutReplicaLabels: ['r'],
            shard: { shardIndex, totalShards: 2, by: false, labels: [] },
          },
        ),
      ),
    );
    assert.ok(shards.every(({ series }) => series.length > 5));
    assert.deepEqual(
      shards.flatMap(({ series }) => series).sort(),
      many.map((_, i) => `a=${i + 10}: `),
    );
  });

  test('a store that breaks the order is read again, sorted, and remembered', async () => {
    const store = new FakeStore([fakeBatch([fakeSeries('a=2'), fakeSeries('a=1')]), fakeBatch([fakeSeries('a=0')])]);
    const proxy = proxyOver([fakeEndpoint(store), endpointOf([fakeBatch([fakeSeries('a=1')])])]);
    assert.deepEqual((await answerOf(proxy)).series, ['a=0: ', 'a=1: ', 'a=2: ']);
    assert.equal(store.opened, 2);
    assert.deepEqual((await answerOf(proxy)).series, ['a=0: ', 'a=1: ', 'a=2: ']);
    assert.equal(store.opened, 3);
    assert.equal(store.closed, 3);
  });

  test('disorder after the first series were handed on is a warning, and the other stores go on', async () => {
    const ascending = Array.from({ length: 2000 }, (_, i) => fakeSeries(`a=${String(i).padStart(4, '0')}`));
    const store = new FakeStore([...ascending.map((series) => fakeBatch([series])), fakeBatch([fakeSeries('a=0000')])]);
    const proxy = proxyOver([fakeEndpoint(store), endpointOf([fakeBatch([fakeSeries('a=9')])])], { readAheadBytes: 1 });
    const answer = await answerOf(proxy);
    assert.equal(answer.series.length, 2001);
    assert.equal(answer.warnings.length, 1);
    assert.match(answer.warnings[0], /receive series from Addr: fake:1 .*not in the order/);
  });
});

describe('failing endpoints', () => {
  const good = (): Endpoint => endpointOf([fakeBatch([fakeSeries('a=1', fakeChunk(1, 2))])]);
  const labelled = { labelSets: [Labels.of({ cluster: 'c1', replica: 'a' })], address: 'h:1', minTime: 0, maxTime: 9 };

  for (const [what, steps, facts, warning] of [
    [
      'cannot be reached',
      [unavailable],
      labelled,
      'fetch series for {cluster="c1", replica="a"} Addr: h:1 MinTime: 0 MaxTime: 9: rpc error: code = Unavailable desc = connection refused',
    ],
    [
      'cannot be reached and never said what it has',
      [unavailable],
      {},
      'fetch series for Store Gateway Addr: fake:1 MinTime: -9223372036854775808 MaxTime: 9223372036854775807: rpc error: code = Unavailable desc = connection refused',
    ],
    [
      'breaks off',
      [fakeBatch([fakeSeries('a=0', fakeChunk(3, 4))]), new Fault('corrupt', 'garbage')],
      labelled,
      'receive series from Addr: h:1 MinTime: 0 MaxTime: 9: garbage',
    ],
  ] as const) {
    test(`one that ${what} is a warning, and fails the request under abort`, async () => {
      const answer = await answerOf(proxyOver([endpointOf(steps, facts), good()]));
      assert.ok(answer.series.includes('a=1: 1'));
      assert.deepEqual(answer.warnings, [warning]);
      const failing = proxyOver([endpointOf(steps, facts), good()]);
      await assert.rejects(answerOf(failing, { partialResponse: 'abort' }), (thrown) => messageOf(thrown) === warning);
    });
  }

  test('what came before it broke off is kept', async () => {
    const steps = [fakeBatch([fakeSeries('a=0', fakeChunk(3, 4))]), unavailable];
    assert.deepEqual((await answerOf(proxyOver([endpointOf(steps), good()]))).series, ['a=0: 3', 'a=1: 1']);
  });

  test('any warning fails the request under abort', async () => {
    const proxy = proxyOver([endpointOf([fakeBatch([], 'half')]), good()]);
    assert.deepEqual((await answerOf(proxy)).warnings, ['half']);
    await assert.rejects(answerOf(proxy, { partialResponse: 'abort' }), /half/);
  });

  for (const hanging of ['hang', 'ignore-signal'] as const) {
    test(`one that goes silent (${hanging}) is left after the response timeout`, async () => {
      const silent = new FakeStore([fakeBatch([fakeSeries('a=0')]), hanging]);
      const answer = await answerOf(proxyOver([fakeEndpoint(silent, labelled), good()], { responseTimeoutMs: 20 }));
      assert.deepEqual(answer.series, ['a=0: ', 'a=1: 1']);
      assert.deepEqual(answer.warnings, [
        'receive series from Addr: h:1 MinTime: 0 MaxTime: 9: failed to receive any data in 20ms',
      ]);
    });

    test(`the end of the request ends the wait for one that goes silent (${hanging})`, async () => {
      const controller = new AbortController();
      const silent = new FakeStore([() => controller.abort(new Fault('timeout', 'query timed out')), hanging]);
      const answer = answerOf(proxyOver([fakeEndpoint(silent), good()]), {}, backgroundRequest(controller.signal));
      await assert.rejects(answer, (thrown) => kindOf(thrown) === 'timeout' && messageOf(thrown) === 'query timed out');
    });
  }

  test('a failure under abort calls the other streams back', async () => {
    const other = new FakeStore([fakeBatch([fakeSeries('a=0')]), 'hang']);
    await assert.rejects(
      answerOf(proxyOver([endpointOf([unavailable]), fakeEndpoint(other)]), { partialResponse: 'abort' }),
    );
    assert.equal(other.closed, other.opened);
  });

  test('a reader that stops early lets go of every stream', async () => {
    const many = Array.from({ length: 600 }, (_, i) => fakeSeries(`a=${String(i).padStart(4, '0')}`));
    const store = new FakeStore([fakeBatch(many), 'hang']);
    for await (const batch of proxyOver([fakeEndpoint(store)]).series(backgroundRequest(), request)) {
      assert.equal(batch.series.length, 512);
      break;
    }
    assert.deepEqual([store.opened, store.closed], [1, 1]);
  });
});

describe('who is asked', () => {
  const eu = Labels.of({ region: 'eu', replica: 'a' });
  const us = Labels.of({ region: 'us' });
  for (const [what, facts, query, isAsked] of [
    ['one without label sets', {}, {}, true],
    [
      'one whose set accepts the matchers that name its labels',
      { labelSets: [eu] },
      { matchers: [new Matcher('=', 'region', 'eu'), new Matcher('=', 'x', 'y')] },
      true,
    ],
    ['not one whose only set refuses', { labelSets: [eu] }, { matchers: [new Matcher('!=', 'region', 'eu')] }, false],
    [
      'one whose only set refuses, and that may hold others',
      { labelSets: [eu], mayHoldOthers: true },
      { matchers: [new Matcher('!=', 'region', 'eu')] },
      true,
    ],
    ['one of whose sets one accepts', { labelSets: [eu, us] }, { matchers: [new Matcher('=~', 'region', 'u.')] }, true],
    ['one that ends where the request begins', { maxTime: 0 }, {}, true],
    ['not one that ended before', { maxTime: -1 }, {}, false],
    ['one that begins where the request ends', { minTime: 100 }, {}, true],
    ['not one that begins after', { minTime: 101 }, {}, false],
  ] as const) {
    test(what, async () => {
      const store = new FakeStore([]);
      await answerOf(proxyOver([fakeEndpoint(store, facts)]), query);
      assert.equal(store.opened, isAsked ? 1 : 0);
    });
  }

  for (const [what, sets, asked] of [
    ['no sets: all', [], ['h:1', 'h:2', '']],
    ['a set on the address', [[new Matcher('=', '__address__', 'h:1')]], ['h:1']],
    [
      'sets are ORed',
      [[new Matcher('=', '__address__', 'h:1')], [new Matcher('=~', '__address__', '.*2')]],
      ['h:1', 'h:2'],
    ],
    ['other labels are not looked at', [[new Matcher('=', 'region', 'us')]], ['h:1', 'h:2']],
  ] as const) {
    test(`storeMatch: ${what}`, async () => {
      const stores = ['h:1', 'h:2', ''].map((address) => ({ address, store: new FakeStore([]) }));
      const proxy = proxyOver(stores.map(({ address, store }) => fakeEndpoint(store, { address })));
      await answerOf(proxy.matching(sets));
      assert.deepEqual(
        stores.filter(({ store }) => store.opened > 0).map(({ address }) => address),
        asked,
      );
    });
  }

  test('labels of this querier are tested here and not passed on', async () => {
    const store = new FakeStore([]);
    const proxy = proxyOver([fakeEndpoint(store)], { selectorLabels: us });
    await answerOf(proxy, { matchers: [new Matcher('=', 'region', 'us'), new Matcher('=', 'a', 'b')] });
    assert.deepEqual(store.requests[0].matchers.map(String), ['a="b"']);
    await answerOf(proxy, { matchers: [new Matcher('=', 'region', 'eu'), new Matcher('=', 'a', 'b')] });
    assert.equal(store.opened, 1);
    await assert.rejects(answerOf(proxy, { matchers: [new Matcher('=', 'region', 'us')] }), /no matchers specified/);
  });

  test('nobody there at all: empty, or a failure under abort', async () => {
    assert.deepEqual(await answerOf(proxyOver([])), { series: [], warnings: [] });
    await assert.rejects(answerOf(proxyOver([]), { partialResponse: 'abort' }), /No StoreAPIs available/);
    assert.deepEqual(await answerOf(proxyOver([endpointOf([], { maxTime: -1 })]), { partialResponse: 'abort' }), {
      series: [],
      warnings: [],
    });
  });
});

describe('a missing endpoint', () => {
  const eu = (replica: string): Labels => Labels.of({ region: 'eu', replica });
  const gone: Partial<Endpoint> = {
    address: 'h:1',
    labelSets: [eu('a')],
    minTime: 0,
    maxTime: 1000,
    missing: 'no answer since noon',
  };

  test('is not asked and warned of, if the query could have met it', async () => {
    const store = new FakeStore([]);
    const proxy = proxyOver([fakeEndpoint(store, gone)]);
    assert.deepEqual((await answerOf(proxy)).warnings, [
      'fetch series for {region="eu", replica="a"} Addr: h:1 MinTime: 0 MaxTime: 1000: no answer since noon',
    ]);
    assert.deepEqual((await answerOf(proxy, { matchers: [new Matcher('=', 'region', 'us')] })).warnings, []);
    assert.equal(store.opened, 0);
  });

  test('fails a request under abort, unless a replica of all it announced answers', async () => {
    const replica = (facts: Partial<Endpoint>): Endpoint => endpointOf([], { labelSets: [eu('b')], ...facts });
    const abort = { partialResponse: 'abort', withoutReplicaLabels: ['replica'] } as const;
    await assert.rejects(answerOf(proxyOver([endpointOf([], gone)]), abort), /no answer since noon/);
    await assert.rejects(answerOf(proxyOver([endpointOf([], gone), replica({ minTime: 50 })]), abort), /no answer/);
    await assert.rejects(
      answerOf(proxyOver([endpointOf([], gone), replica({})]), { partialResponse: 'abort' }),
      /no answer/,
    );
    assert.deepEqual(await answerOf(proxyOver([endpointOf([], gone), replica({ maxTime: 100 })]), abort), {
      series: [],
      warnings: [],
    });
  });
});

describe('label calls', () => {
  const query = {
    minTime: 0,
    maxTime: 1,
    matchers: [],
    partialResponse: 'warn',
    withoutReplicaLabels: [],
    limit: 0,
  } as const;
  const withLabels = (labels: ConstructorParameters<typeof FakeStore>[1], address = 'h:1'): Endpoint =>
    fakeEndpoint(new FakeStore([], labels), { address, minTime: 0, maxTime: 9 });

  test('answers are united and sorted by bytes', async () => {
    const proxy = proxyOver([
      withLabels({ values: ['b', '\u{1f680}'], warnings: ['w'] }),
      withLabels({ values: ['a', 'b', '\uffee'], warnings: ['w'] }),
    ]);
    assert.deepEqual(await proxy.labelNames(backgroundRequest(), query), {
      values: ['a', 'b', '\uffee', '\u{1f680}'],
      warnings: ['w'],
    });
    assert.deepEqual((await proxy.labelValues(backgroundRequest(), { ...query, label: 'x', limit: 2 })).values, [
      'a',
      'b',
    ]);
  });

  test('names are asked for without limit, values with it', async () => {
    const store = new FakeStore([]);
    const proxy = proxyOver([fakeEndpoint(store)]);
    await proxy.labelNames(backgroundRequest(), { ...query, limit: 3 });
    await proxy.labelValues(backgroundRequest(), { ...query, limit: 3, label: 'x' });
    assert.deepEqual(
      store.labelRequests.map(({ limit }) => limit),
      [0, 3],
    );
  });

  test('a failure is a warning, or under abort fails the call and calls the others back', async () => {
    const proxy = proxyOver([withLabels(unavailable), withLabels({ values: ['a'], warnings: [] })]);
    const text =
      'fetch label names from store Addr: h:1 MinTime: 0 MaxTime: 9: rpc error: code = Unavailable desc = connection refused';
    assert.deepEqual(await proxy.labelNames(backgroundRequest(), query), { values: ['a'], warnings: [text] });
    const hanging = proxyOver([withLabels(unavailable), withLabels('hang')]);
    await assert.rejects(
      hanging.labelNames(backgroundRequest(), { ...query, partialResponse: 'abort' }),
      (thrown) => messageOf(thrown) === text && kindOf(thrown) === 'unavailable',
    );
  });

  test('an endpoint that goes silent is left after the response timeout, or fails the call under abort', async () => {
    const endpoints = [withLabels('hang'), withLabels({ values: ['a'], warnings: [] })];
    const proxy = proxyOver(endpoints, { responseTimeoutMs: 20 });
    const text = 'fetch label names from store Addr: h:1 MinTime: 0 MaxTime: 9: failed to receive any data in 20ms';
    assert.deepEqual(await proxy.labelNames(backgroundRequest(), query), { values: ['a'], warnings: [text] });
    const refused = proxy.labelNames(backgroundRequest(), { ...query, partialResponse: 'abort' });
    await assert.rejects(refused, (thrown) => messageOf(thrown) === text);
  });

  test('values of no label are refused', async () => {
    await assert.rejects(
      proxyOver([]).labelValues(backgroundRequest(), { ...query, label: '' }),
      /label name parameter cannot be empty/,
    );
  });

  test('the end of the request ends the wait', async () => {
    const controller = new AbortController();
    const answer = proxyOver([withLabels('hang')]).labelNames(backgroundRequest(controller.signal), query);
    controller.abort(new Fault('timeout', 'late'));
    await assert.rejects(answer, (thrown) => kindOf(thrown) === 'timeout');
  });
});

describe('reading ahead', () => {
  test('stops at the bound of bytes until something is taken', async () => {
    let taken = 0;
    const steps: FakeStep[] = [];
    for (let i = 0; i < 20; i++) {
      steps.push(() => taken++, fakeBatch([fakeSeries(`a=${i}`, fakeChunk(i, i, new Array<number>(1000).fill(i)))]));
    }
    const store = new FakeStore(steps);
    const buffer = new ResponseBuffer((signal) => store.series({ ...backgroundRequest(signal) }, request), {
      signal: new AbortController().signal,
      responseTimeoutMs: 0,
      maxBytes: 3000,
    });
    await buffer.next();
    await new Promise((resolve) => setImmediate(resolve));
    const ahead = taken;
    assert.ok(ahead >= 2 && ahead <= 5, `${ahead} batches ahead`);
    let rest = 0;
    for await (const batch of buffer) rest += batch.series.length;
    assert.deepEqual([rest, taken, store.closed], [19, 20, 1]);
  });
});

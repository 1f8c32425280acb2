import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { Fault } from '../errors/fault.ts';
import { Labels } from '../model/labels.ts';
import { Parameters } from '../net/http/params.ts';
import { FakeStore } from '../store/fake-endpoint.ts';
import type { StoreInfo } from '../store/store.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { handleStores } from './api/stores.ts';
import { endpointSetDefaults } from './config.ts';
import type { EndpointClient } from './endpoint-details.ts';
import { EndpointSet } from './endpoint-set.ts';

const NOON = Date.UTC(2026, 0, 1, 12);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const info: StoreInfo = {
  component: 'store',
  labelSets: [Labels.of({ cluster: 'eu' })],
  store: {
    minTime: 5,
    maxTime: 9,
    supportsSharding: true,
    supportsWithoutReplicaLabels: true,
    tsdbInfos: [{ labels: Labels.of({ cluster: 'eu' }), minTime: 6, maxTime: 8 }],
  },
  otherApis: [],
};

class FakeClient extends FakeStore implements EndpointClient {
  readonly #isUp: () => boolean;

  constructor(isUp: () => boolean) {
    super([]);
    this.#isUp = isUp;
  }

  async info(): Promise<StoreInfo> {
    if (!this.#isUp()) throw new Fault('unavailable', 'connection refused');
    return info;
  }

  async close(): Promise<void> {}
}

function setUp() {
  const up = new Set<string>();
  const clock = new FakeClock(NOON);
  let addresses: string[] = [];
  const set = new EndpointSet(
    {
      specs: () => addresses.map((address) => ({ address, strict: false, dynamic: true })),
      dial: (address) => new FakeClient(() => up.has(address)),
      log: silentLogger,
      metrics: new Metrics(),
      clock,
    },
    { ...endpointSetDefaults, unhealthyTimeoutMs: 5 * MINUTE_MS },
  );
  return {
    up,
    clock,
    set,
    configure: (...list: string[]) => {
      addresses = list;
    },
    /** `a:1 up`, `b:1 down connection refused`. */
    round: async () => {
      await set.refresh(new AbortController().signal);
      return set.details().map(({ name, state, lastError }) => [name, state, lastError].filter(Boolean).join(' '));
    },
  };
}

describe('the details of endpoints', () => {
  test('name those that are configured and never answered', async () => {
    const { configure, round, set } = setUp();
    configure('a:1');
    assert.deepEqual(await round(), ['a:1 down connection refused']);
    assert.equal(set.details()[0].lastGoodMs, undefined);
    assert.deepEqual(set.statuses(), []);
  });

  test('keep what a lost endpoint held, past the time that queries miss it', async () => {
    const { up, configure, round, clock, set } = setUp();
    configure('a:1');
    up.add('a:1');
    assert.deepEqual(await round(), ['a:1 up']);
    up.clear();
    await clock.advance(6 * MINUTE_MS);
    assert.deepEqual(await round(), ['a:1 down connection refused']);
    await clock.advance(6 * MINUTE_MS);
    assert.deepEqual(await round(), ['a:1 down connection refused']);
    assert.deepEqual(set.statuses(), []);
    const [{ component, minTime, lastGoodMs, lastCheckMs }] = set.details();
    assert.deepEqual([component, minTime, lastGoodMs, lastCheckMs], ['store', 5, NOON, NOON + 12 * MINUTE_MS]);
  });

  test('show for a day what left, and no longer once it is back', async () => {
    const { up, configure, round, clock } = setUp();
    configure('a:1', 'b:1');
    up.add('a:1').add('b:1');
    await round();
    configure('b:1');
    assert.deepEqual(await round(), ['a:1 left', 'b:1 up']);
    configure('a:1');
    assert.deepEqual(await round(), ['a:1 up', 'b:1 left']);
    await clock.advance(25 * HOUR_MS);
    assert.deepEqual(await round(), ['a:1 up']);
  });

  test('forget an address that never answered as soon as it is not configured', async () => {
    const { configure, round } = setUp();
    configure('a:1');
    await round();
    configure();
    assert.deepEqual(await round(), []);
  });

  test('keep no more than the newest of many that left', async () => {
    const { up, configure, round, clock } = setUp();
    const names = Array.from({ length: 300 }, (_, i) => `s${String(i).padStart(3, '0')}:1`);
    for (const name of names) up.add(name);
    for (const name of names) {
      configure(name);
      await round();
      await clock.advance(1);
    }
    configure();
    const left = await round();
    assert.deepEqual([left.length, left[0], left.at(-1)], [200, 's100:1 left', 's299:1 left']);
  });

  test('are in the answer when they are asked for, with the limits of time in full', async () => {
    const { up, configure, round, set } = setUp();
    configure('a:1', 'b:1');
    up.add('a:1');
    await round();
    const deps = { statuses: () => set.statuses(), details: () => set.details() };
    const ask = async (query: Record<string, string>) => {
      const parameters = new Parameters(new URLSearchParams(query));
      const answer = await handleStores(deps, { parameters } as never);
      return [...(answer as { chunks: string[] }).chunks].join('');
    };
    const plain =
      '{"name":"a:1","lastCheck":"2026-01-01T12:00:00.000Z","lastError":null,"labelSets":[{"cluster":"eu"}],"minTime":5,"maxTime":9';
    assert.equal(await ask({}), `{"store":[${plain}}]}`);
    assert.equal(
      await ask({ details: 'true' }),
      `{"store":[${plain},"lastAnswer":"2026-01-01T12:00:00.000Z","state":"up","isStrict":false,"isDiscovered":true,` +
        '"hasStore":true,"ranges":[{"labels":{"cluster":"eu"},"minTime":6,"maxTime":8}]}],' +
        '"unknown-store-api":[{"name":"b:1","lastCheck":"2026-01-01T12:00:00.000Z","lastError":"connection refused",' +
        '"labelSets":[],"minTime":-9223372036854775808,"maxTime":9223372036854775807,"lastAnswer":null,"state":"down",' +
        '"isStrict":false,"isDiscovered":true,"hasStore":false,"ranges":[]}]}',
    );
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { Fault } from '../errors/fault.ts';
import type { Host } from '../lifecycle/component.ts';
import { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { FakeStore } from '../store/fake-endpoint.ts';
import type { StoreInfo } from '../store/store.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type EndpointSetConfig, endpointSetDefaults } from './config.ts';
import type { EndpointClient, EndpointSpec } from './endpoint-details.ts';
import { EndpointSet } from './endpoint-set.ts';
import { querierInfo } from './info.ts';

const signal = new AbortController().signal;
const NOON = Date.UTC(2026, 0, 1, 12);

class FakeClient extends FakeStore implements EndpointClient {
  readonly #world: Map<string, StoreInfo | 'down' | 'hangs'>;
  readonly #address: string;
  isClosed = false;

  constructor(world: Map<string, StoreInfo | 'down' | 'hangs'>, address: string) {
    super([]);
    this.#world = world;
    this.#address = address;
  }

  async info(): Promise<StoreInfo> {
    const state = this.#world.get(this.#address) ?? 'down';
    if (state === 'down') throw new Fault('unavailable', 'connection refused');
    if (state === 'hangs') return await new Promise(() => {});
    return state;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function infoOf(replica: string, component = 'sidecar'): StoreInfo {
  return {
    component,
    labelSets: [Labels.of({ cluster: 'c', replica })],
    store: { minTime: 5, maxTime: 9, supportsSharding: true, supportsWithoutReplicaLabels: true, tsdbInfos: [] },
    otherApis: [],
  };
}

function setUp(config: Partial<EndpointSetConfig> = {}) {
  const world = new Map<string, StoreInfo | 'down' | 'hangs'>();
  const clients: FakeClient[] = [];
  const clock = new FakeClock(NOON);
  const metrics = new Metrics();
  let specs: EndpointSpec[] = [];
  const set = new EndpointSet(
    {
      specs: () => specs,
      dial: (address) => {
        const client = new FakeClient(world, address);
        clients.push(client);
        return client;
      },
      log: silentLogger,
      metrics,
      clock,
    },
    { ...endpointSetDefaults, infoTimeoutMs: 20, ...config },
  );
  return {
    world,
    clients,
    clock,
    metrics,
    set,
    configure: (...addresses: string[]) => {
      specs = addresses.map((text) => ({
        address: text.replace(/[!+]/g, ''),
        strict: text.includes('!'),
        dynamic: text.includes('+'),
      }));
    },
    /** `a:1` for one that is asked, `a:1?` for one that is missing. */
    round: async () => {
      await set.refresh(signal);
      return set.endpoints().map(({ address, missing }) => (missing === undefined ? address : `${address}?`));
    },
  };
}

describe('joining', () => {
  test('an endpoint joins with its first good Info, not before', async () => {
    const { world, configure, round, set, clients } = setUp();
    configure('a:1');
    assert.deepEqual(await round(), []);
    assert.ok(clients[0].isClosed);
    world.set('a:1', infoOf('A'));
    assert.deepEqual(await round(), ['a:1']);
    const [endpoint] = set.endpoints();
    assert.deepEqual([endpoint.minTime, endpoint.maxTime, endpoint.supportsSharding], [5, 9, true]);
    assert.deepEqual(endpoint.labelSets.map(String), ['{cluster="c", replica="A"}']);
  });

  test('one that announces a time without labels may hold others, and is announced as such', async () => {
    const { world, configure, round, set } = setUp();
    configure('a:1', 'b:1');
    const info = infoOf('A');
    const store = {
      ...info.store,
      tsdbInfos: [{ labels: Labels.empty, minTime: 5, maxTime: 9 }],
    } as StoreInfo['store'];
    world.set('a:1', { ...info, store });
    world.set('b:1', infoOf('B'));
    await round();
    assert.deepEqual(
      set.endpoints().map((endpoint) => endpoint.mayHoldOthers),
      [true, false],
    );
    const announced = querierInfo(set.endpoints(), Labels.empty);
    assert.deepEqual(announced.labelSets.map(String).sort(), [
      '{cluster="c", replica="A"}',
      '{cluster="c", replica="B"}',
    ]);
    assert.equal(announced.store?.tsdbInfos.filter(({ labels }) => labels.size === 0).length, 1);
  });

  test('a strict one is asked from the start, for everything, and trusted with nothing', async () => {
    const { configure, round, set } = setUp();
    configure('a:1!');
    assert.deepEqual(await round(), ['a:1']);
    const [endpoint] = set.endpoints();
    assert.deepEqual([endpoint.minTime, endpoint.maxTime], [MIN_TIME, MAX_TIME]);
    assert.deepEqual([endpoint.supportsSharding, endpoint.supportsWithoutReplicaLabels], [false, false]);
    assert.deepEqual(set.statuses(), []);
  });

  test('a strict one is asked before its first Info has answered or failed', async () => {
    const { world, configure, set } = setUp({ infoTimeoutMs: 60_000 });
    configure('a:1!');
    world.set('a:1', 'hangs');
    const leaving = new AbortController();
    const waiting = set.refresh(leaving.signal);
    assert.deepEqual(
      set.endpoints().map(({ address }) => address),
      ['a:1'],
    );
    leaving.abort();
    await waiting;
    await set.stop();
  });

  test('who comes and who goes is known at once, while another hangs', async () => {
    const { world, configure, round, set } = setUp({ infoTimeoutMs: 60_000 });
    const current = () =>
      set.endpoints().map(({ address, missing }) => (missing === undefined ? address : `${address}?`));
    configure('a:1', 'b:1');
    world.set('a:1', infoOf('A'));
    assert.deepEqual(await round(), ['a:1']);
    configure('a:1', 'b:1', 'c:1');
    world.set('b:1', infoOf('B')).set('a:1', 'down').set('c:1', 'hangs');
    const leaving = new AbortController();
    const waiting = set.refresh(leaving.signal);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(current(), ['a:1?', 'b:1']);
    leaving.abort();
    await waiting;
  });

  test('one that serves no StoreAPI is listed but not asked', async () => {
    const { world, configure, round, set } = setUp();
    configure('a:1');
    world.set('a:1', { component: 'rule', labelSets: [], otherApis: ['rules'] });
    assert.deepEqual(await round(), []);
    assert.deepEqual(
      set.statuses().map(({ component }) => component),
      ['rule'],
    );
  });

  test('an address given twice is one endpoint, the last definition wins, and it is counted', async () => {
    const { configure, round, metrics, clients } = setUp();
    configure('a:1', 'a:1!');
    assert.deepEqual(await round(), ['a:1']);
    assert.equal(clients.length, 1);
    assert.match(await metrics.text(), /^thanos_query_duplicated_endpoint_addresses_total 1$/m);
  });

  test('kinds nobody knows are called unknown-store-api', async () => {
    const { world, configure, round, set } = setUp();
    configure('a:1');
    world.set('a:1', infoOf('A', 'parquet-gateway'));
    await round();
    assert.equal(set.statuses()[0].component, 'unknown-store-api');
  });
});

describe('failing', () => {
  for (const how of ['down', 'hangs'] as const) {
    test(`one that ${how === 'down' ? 'refuses' : 'hangs after accept'} is missing at once and back with the next good Info`, async () => {
      const { world, configure, round, set } = setUp();
      configure('a:1', 'b:1');
      world.set('a:1', infoOf('A')).set('b:1', infoOf('B'));
      await round();
      world.set('a:1', how);
      assert.deepEqual(await round(), ['a:1?', 'b:1']);
      const [missing] = set.endpoints();
      assert.match(
        missing.missing!,
        /^no answer since 2026-01-01T12:00:00\.000Z: (connection refused|Info call timed out)$/,
      );
      const [status] = set.statuses();
      assert.deepEqual([status.name, status.minTime, status.lastCheckMs], ['a:1', 5, NOON]);
      assert.match(status.lastError!, /connection refused|timed out/);
      world.set('a:1', infoOf('A'));
      assert.deepEqual(await round(), ['a:1', 'b:1']);
      assert.equal(set.statuses()[0].lastError, undefined);
    });
  }

  test('it is removed, and missed no longer, when the unhealthy timeout has passed', async () => {
    const { world, configure, round, set, clock } = setUp();
    configure('a:1');
    world.set('a:1', infoOf('A'));
    await round();
    world.set('a:1', 'down');
    await clock.advance(300_000);
    assert.deepEqual(await round(), ['a:1?']);
    await clock.advance(1);
    assert.deepEqual(await round(), []);
    assert.deepEqual(set.statuses(), []);
  });

  test('a strict one is asked on, with what it said last', async () => {
    const { world, configure, round, set, clock } = setUp();
    configure('a:1!');
    world.set('a:1', infoOf('A'));
    await round();
    world.set('a:1', 'down');
    await clock.advance(1_000_000);
    assert.deepEqual(await round(), ['a:1']);
    assert.equal(set.endpoints()[0].maxTime, 9);
  });

  test('with the option off it is left out silently', async () => {
    const { world, configure, round } = setUp({ warnOfMissing: false });
    configure('a:1', 'b:1+');
    world.set('a:1', infoOf('A')).set('b:1', infoOf('B'));
    await round();
    world.set('a:1', 'down');
    configure('a:1');
    assert.deepEqual(await round(), []);
  });
});

describe('leaving', () => {
  test('one taken out of the configuration is gone with the next round, strict or not', async () => {
    const { world, configure, round } = setUp();
    configure('a:1', 'b:1!');
    world.set('a:1', infoOf('A')).set('b:1', infoOf('B'));
    await round();
    configure();
    assert.deepEqual(await round(), []);
  });

  test('one that left DNS is missed until the unhealthy timeout has passed', async () => {
    const { world, configure, round, set, clock } = setUp();
    configure('a:1+');
    world.set('a:1', infoOf('A'));
    await round();
    configure();
    assert.deepEqual(await round(), ['a:1?']);
    assert.match(set.endpoints()[0].missing!, /gone from discovery/);
    assert.deepEqual(set.statuses(), []);
    await clock.advance(300_001);
    assert.deepEqual(await round(), []);
  });

  test('one that moved to another address is not missed', async () => {
    const { world, configure, round } = setUp();
    configure('a:1+');
    world.set('a:1', infoOf('A')).set('b:1', infoOf('A')).set('c:1', infoOf('C'));
    await round();
    configure('c:1+');
    assert.deepEqual(await round(), ['c:1', 'a:1?']);
    configure('b:1+', 'c:1+');
    assert.deepEqual((await round()).sort(), ['b:1', 'c:1']);
  });
});

describe('as a component', () => {
  function hostOf(controller: AbortController): Host & { readonly tasks: Promise<void>[] } {
    const tasks: Promise<void>[] = [];
    return {
      signal: controller.signal,
      spawn: (_, task) => void tasks.push(task(controller.signal)),
      ready() {},
      unready() {},
      tasks,
    };
  }

  test('it starts with a round, repeats it, and closes every connection when it stops', async () => {
    const { world, configure, set, clients, clock } = setUp({ infoTimeoutMs: 5000 });
    const controller = new AbortController();
    const host = hostOf(controller);
    configure('a:1');
    world.set('a:1', infoOf('A'));
    await set.start(host);
    assert.equal(set.endpoints().length, 1);
    configure('a:1', 'b:1');
    world.set('b:1', infoOf('B'));
    await clock.advance(5000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(set.endpoints().length, 2);
    controller.abort();
    await Promise.all(host.tasks);
    await set.stop();
    assert.ok(clients.every((client) => client.isClosed));
    assert.deepEqual(set.endpoints(), []);
  });

  test('an endpoint that hangs delays the start no longer than the limit', async () => {
    const { world, configure, set } = setUp({ infoTimeoutMs: 3_600_000, firstRoundTimeoutMs: 20 });
    const controller = new AbortController();
    const host = hostOf(controller);
    configure('a:1');
    world.set('a:1', 'hangs');
    await set.start(host);
    controller.abort();
    await Promise.all(host.tasks);
    await set.stop();
  });
});

test('endpoints in use are counted by labels and kind', async () => {
  const { world, configure, round, metrics } = setUp();
  configure('a:1', 'b:1');
  world.set('a:1', infoOf('A')).set('b:1', infoOf('A', 'store'));
  await round();
  const text = await metrics.text();
  assert.match(
    text,
    /thanos_store_nodes_grpc_connections\{external_labels="\{cluster=\\"c\\", replica=\\"A\\"\}",store_type="sidecar"\} 1/,
  );
  assert.match(text, /store_type="store"\} 1/);
});

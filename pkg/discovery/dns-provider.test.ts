import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { FakeClock } from '../async/fake-clock.ts';
import { Fault } from '../errors/fault.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { providerConformance } from './conformance.ts';
import type { NameLookup } from './dns.ts';
import { DnsProvider, endpointMetricPrefixes } from './dns-provider.ts';
import { StaticProvider } from './static.ts';

/** Names to IPv4 addresses, or a failure. */
class FakeNames implements NameLookup {
  readonly table = new Map<string, readonly string[] | 'fails' | 'hangs'>();

  async lookupA(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const known = this.table.get(name) ?? [];
    if (known === 'fails') throw new Fault('unavailable', 'SERVFAIL');
    if (known !== 'hangs') return known;
    return await new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      if (signal.aborted) reject(signal.reason);
    });
  }

  async lookupAaaa(): Promise<readonly string[]> {
    return [];
  }

  async lookupSrv(): Promise<readonly []> {
    return [];
  }
}

function setUp(emptyGraceMs = 0) {
  const names = new FakeNames();
  names.table.set('x', ['10.0.0.2', '10.0.0.1']);
  names.table.set('y', ['10.0.0.3', '10.0.0.1']);
  const clock = new FakeClock(1_000_000);
  const metrics = new Metrics();
  let configured = ['dns+x:1', 'dns+y:1'];
  const provider = new DnsProvider(
    { configured: () => configured, dns: names, clock, log: silentLogger, metrics },
    { roundTimeoutMs: 50, emptyGraceMs, metricPrefixes: endpointMetricPrefixes },
  );
  return {
    names,
    clock,
    metrics,
    provider,
    configure: (addresses: string[]) => {
      configured = addresses;
    },
    found: async () => {
      await provider.refresh(new AbortController().signal);
      return provider.addresses().map(({ address }) => address);
    },
  };
}

providerConformance('a fixed list', () => new StaticProvider(['b:1', 'a:1', 'b:1']), ['b:1', 'a:1']);
providerConformance('DNS', () => setUp().provider, ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1']);

describe('a DNS provider', () => {
  test('keeps the last good answer of a name that fails, each name on its own', async () => {
    const { names, found } = setUp();
    await found();
    names.table.set('x', 'fails');
    names.table.set('y', ['10.0.0.9']);
    assert.deepEqual(await found(), ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.9:1']);
  });

  test('keeps the last good answer of a name that takes longer than the round', async () => {
    const { names, found } = setUp();
    await found();
    names.table.set('x', 'hangs');
    names.table.set('y', []);
    assert.deepEqual(await found(), ['10.0.0.1:1', '10.0.0.2:1']);
  });

  test('drops the addresses of a name that is gone at once', async () => {
    const { names, found } = setUp();
    await found();
    names.table.delete('x');
    assert.deepEqual(await found(), ['10.0.0.1:1', '10.0.0.3:1']);
  });

  test('keeps them for the grace period where one is set', async () => {
    const { names, found, clock } = setUp(60_000);
    await found();
    names.table.delete('x');
    await clock.advance(59_000);
    assert.equal((await found()).length, 3);
    await clock.advance(1_000);
    assert.deepEqual(await found(), ['10.0.0.1:1', '10.0.0.3:1']);
  });

  test('forgets an address that is configured no longer with the next clean round', async () => {
    const { names, found, configure } = setUp();
    await found();
    names.table.set('y', 'fails');
    configure(['dns+y:1']);
    assert.equal((await found()).length, 3);
    names.table.set('y', ['10.0.0.3']);
    assert.deepEqual(await found(), ['10.0.0.3:1']);
  });

  test('counts look-ups, failures and results under the current and the older name', async () => {
    const { names, found, metrics, configure } = setUp();
    names.table.set('y', 'fails');
    configure(['dns+x:1', 'dns+y:1', 'dns+missing:1', 'dns+noport']);
    await found();
    const text = await metrics.text();
    for (const prefix of ['thanos_query_endpoints_', 'thanos_query_store_apis_']) {
      assert.match(text, new RegExp(`^${prefix}dns_lookups_total 4$`, 'm'));
      assert.match(text, new RegExp(`^${prefix}dns_failures_total 2$`, 'm'));
      assert.match(text, new RegExp(`^${prefix}dns_provider_results\\{addr="dns\\+x:1"\\} 2$`, 'm'));
      assert.match(text, new RegExp(`^${prefix}dns_provider_results\\{addr="dns\\+missing:1"\\} 0$`, 'm'));
    }
  });
});

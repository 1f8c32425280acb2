// Looked-up addresses as a Provider: one round of look-ups, the last good answers, the metrics of both.

import type { Clock } from '../async/clock.ts';
import { withTimeout } from '../async/deadline.ts';
import { messageOf } from '../errors/fault.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Counter, Gauge, Metrics } from '../telemetry/metrics.ts';
import { type NameLookup, resolveAddress } from './dns.ts';
import { LastGood, type Outcome } from './last-good.ts';
import type { FoundAddress, Provider } from './provider.ts';

export interface DnsProviderDeps {
  /** The configured addresses as they are now, such as `dnssrv+_grpc._tcp.stores`. */
  readonly configured: () => readonly string[];
  readonly dns: NameLookup;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface DnsProviderConfig {
  /** Longest time one round may take: the interval between two of them. */
  readonly roundTimeoutMs: number;
  /** How long an address keeps its results when the name is suddenly gone or empty; 0 drops them at once. */
  readonly emptyGraceMs: number;
  /** Each metric is there once for each, such as `thanos_query_endpoints_`. */
  readonly metricPrefixes: readonly string[];
}

/** The current name, and the one that the dashboards and alerts in use ask for. */
export const endpointMetricPrefixes: readonly string[] = ['thanos_query_endpoints_', 'thanos_query_store_apis_'];

export class DnsProvider implements Provider {
  readonly #deps: DnsProviderDeps;
  readonly #config: DnsProviderConfig;
  readonly #lastGood: LastGood;
  readonly #lookups: readonly Counter[];
  readonly #failures: readonly Counter[];
  readonly #results: readonly Gauge<'addr'>[];
  #addresses: readonly FoundAddress[] = [];

  constructor(deps: DnsProviderDeps, config: DnsProviderConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#lastGood = new LastGood(config.emptyGraceMs);
    const { metrics } = deps;
    const prefixes = config.metricPrefixes;
    this.#lookups = prefixes.map((prefix) => metrics.counter(`${prefix}dns_lookups_total`, 'Addresses looked up.'));
    this.#failures = prefixes.map((prefix) =>
      metrics.counter(`${prefix}dns_failures_total`, 'Look-ups that failed; a name that does not exist is no failure.'),
    );
    this.#results = prefixes.map((prefix) =>
      metrics.gauge(`${prefix}dns_provider_results`, 'Addresses found, by configured address.', ['addr']),
    );
  }

  addresses(): readonly FoundAddress[] {
    return this.#addresses;
  }

  async refresh(signal: AbortSignal): Promise<void> {
    const { configured, clock } = this.#deps;
    const names = [...new Set(configured())];
    const limit = withTimeout(signal, this.#config.roundTimeoutMs, 'round of DNS look-ups timed out');
    let outcomes: readonly Outcome[];
    try {
      outcomes = await Promise.all(names.map((name) => this.#resolve(name, limit.signal)));
    } finally {
      limit.release();
    }
    if (signal.aborted) return;
    this.#lastGood.update(new Map(names.map((name, i) => [name, outcomes[i]])), clock.now());
    this.#publish();
  }

  async #resolve(address: string, signal: AbortSignal): Promise<Outcome> {
    const { dns, log } = this.#deps;
    for (const counter of this.#lookups) counter.inc();
    try {
      const found = await resolveAddress(address, dns, signal);
      if (found.length === 0) log.warn('no addresses behind a configured name', { address });
      return { found };
    } catch (failure) {
      for (const counter of this.#failures) counter.inc();
      log.error('DNS look-up failed; the last good answer stays', { address, error: messageOf(failure) });
      return { failure };
    }
  }

  #publish(): void {
    for (const gauge of this.#results) gauge.reset();
    const unique = new Map<string, FoundAddress>();
    for (const [configured, found] of this.#lastGood.entries()) {
      for (const gauge of this.#results) gauge.set({ addr: configured }, found.length);
      for (const address of found) if (!unique.has(address)) unique.set(address, { address, configured });
    }
    this.#addresses = [...unique.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
  }
}

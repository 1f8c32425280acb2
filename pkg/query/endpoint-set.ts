// Keeps the endpoints of a querier current: one Info call to each every few seconds decides who is asked.

import { type Clock, systemClock } from '../async/clock.ts';
import { deadline, linked, orAbort } from '../async/deadline.ts';
import { DEFAULT_TENANT } from '../async/request.ts';
import { kindOf, messageOf } from '../errors/fault.ts';
import type { Component, Host } from '../lifecycle/component.ts';
import { labelSetsText } from '../model/external-labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import type { Endpoint } from '../store/endpoint.ts';
import type { StoreInfo } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Counter, Gauge, Metrics } from '../telemetry/metrics.ts';
import type { StatusEndpoint } from './api/tsdb-status.ts';
import type { ConnectionMetricLabel, EndpointSetConfig } from './config.ts';
import {
  absentDetails,
  componentOf,
  detailsOf,
  type EndpointClient,
  type EndpointDetails,
  type EndpointSpec,
  type EndpointStatus,
  type Member,
  statusOf,
} from './endpoint-details.ts';
import { EndpointMemory } from './endpoint-memory.ts';

export interface EndpointSetDeps {
  /** The addresses as they are now. The same address twice is one endpoint, the last definition wins. */
  readonly specs: () => readonly EndpointSpec[];
  readonly dial: (address: string) => EndpointClient;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
}

export class EndpointSet implements Component {
  readonly name = 'endpoint-set';
  readonly #deps: EndpointSetDeps;
  readonly #config: EndpointSetConfig;
  readonly #clock: Clock;
  readonly #members = new Map<string, Member>();
  /** Looked-up endpoints that left discovery while they were well, by address. */
  readonly #departed = new Map<string, Member>();
  /** Addresses whose failure has been logged and not mended since. */
  readonly #failing = new Set<string>();
  readonly #memory = new EndpointMemory();
  readonly #closing = new Map<EndpointClient, NodeJS.Timeout>();
  #endpoints: readonly Endpoint[] = [];
  readonly #duplicates: Counter;
  readonly #connections: Gauge<ConnectionMetricLabel>;

  constructor(deps: EndpointSetDeps, config: EndpointSetConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#clock = deps.clock ?? systemClock;
    this.#duplicates = deps.metrics.counter(
      'thanos_query_duplicated_endpoint_addresses_total',
      'Times one address was configured twice; the last definition wins.',
    );
    this.#connections = deps.metrics.gauge(
      'thanos_store_nodes_grpc_connections',
      'Endpoints in use, by their external labels and kind.',
      config.connectionMetricLabels,
    );
  }

  /** Resolves after the first round, or when that takes longer than the configured limit. */
  async start(host: Host): Promise<void> {
    const first = this.refresh(host.signal);
    await deadline(host.signal, this.#config.firstRoundTimeoutMs, '', (signal) => orAbort(first, signal)).catch(
      () => {},
    );
    host.spawn('endpoint-info', async (signal) => {
      await first;
      while (await paused(this.#clock, this.#config.infoTimeoutMs, signal)) await this.refresh(signal);
    });
  }

  async stop(): Promise<void> {
    const clients = [...this.#closing.keys(), ...[...this.#members.values()].map((member) => member.client)];
    for (const timer of this.#closing.values()) clearTimeout(timer);
    this.#closing.clear();
    this.#members.clear();
    this.#departed.clear();
    this.#publish();
    await Promise.all(clients.map((client) => this.#close(client)));
  }

  /** The endpoints a fan-out may choose among now; those with `missing` set only to be warned of. */
  endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Every endpoint that has answered once and is not removed yet, in the order of their addresses. */
  statuses(): readonly EndpointStatus[] {
    const known = [...this.#members.values()].filter((member) => member.info !== undefined);
    known.sort((a, b) => (a.spec.address < b.spec.address ? -1 : 1));
    return known.map(statusOf);
  }

  /** Those that answer and have the Status API. */
  statusEndpoints(): readonly StatusEndpoint[] {
    return [...this.#members.values()].flatMap(({ spec, client, info, isHealthy }) => {
      if (!isHealthy || info?.otherApis.includes('status') !== true || client.tsdbStatistics === undefined) return [];
      const statistics = client.tsdbStatistics.bind(client);
      return [{ address: spec.address, labelSets: info.labelSets, statistics }];
    });
  }

  /** Every endpoint there is, those that do not answer and those that left included, in the order of their addresses. */
  details(): readonly EndpointDetails[] {
    const members = [...this.#members.values()].map((member) => detailsOf(member));
    const absent = this.#memory.list().filter(({ address }) => !this.#members.has(address));
    return [...members, ...absent.map(absentDetails)].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** One round: Info to all in parallel. Never rejects for an endpoint's failure. */
  async refresh(signal: AbortSignal): Promise<void> {
    const specs = this.#uniqueSpecs();
    for (const [address, member] of this.#members) {
      const spec = specs.get(address);
      if (spec === undefined) this.#leave(member);
      else if (spec.strict !== member.spec.strict) this.#members.set(address, { ...member, spec });
    }
    const link = linked(signal);
    try {
      await Promise.all([...specs.values()].map((spec) => this.#check(spec, link.signal)));
    } finally {
      link.release();
    }
    this.#forgetDeparted();
    this.#memory.tidy(this.#clock.now(), (address) => specs.has(address));
    this.#publish();
  }

  #uniqueSpecs(): Map<string, EndpointSpec> {
    const specs = new Map<string, EndpointSpec>();
    for (const spec of this.#deps.specs()) {
      if (specs.has(spec.address)) this.#duplicates.inc();
      specs.set(spec.address, spec);
    }
    return specs;
  }

  async #check(spec: EndpointSpec, signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    const known = this.#members.get(spec.address);
    const member = known ?? this.#newMember(spec);
    if (known === undefined && spec.strict) {
      // Expected from the first moment on: until it answers it may hold anything, so every query asks it.
      this.#members.set(spec.address, member);
      this.#publish();
    }
    try {
      const info = await this.#callInfo(member.client, signal);
      const isNews = member.info === undefined || !member.isHealthy;
      if (isNews) this.#announce(spec.address, info);
      member.info = info;
      member.isHealthy = true;
      member.lastGoodMs = this.#clock.now();
      member.lastTriedMs = member.lastGoodMs;
      member.lastError = undefined;
      this.#memory.answered(spec.address);
      this.#members.set(spec.address, member);
      this.#departed.delete(spec.address);
      this.#failing.delete(spec.address);
      // Who comes or goes is known at once: the round may still wait for one that hangs.
      if (isNews) this.#publish();
    } catch (thrown) {
      if (signal.aborted) {
        if (known === undefined && !spec.strict) await this.#close(member.client);
        return;
      }
      member.lastError = messageOf(thrown);
      member.lastTriedMs = this.#clock.now();
      if (!this.#failing.has(spec.address)) {
        this.#failing.add(spec.address);
        log.warn('endpoint does not answer', { address: spec.address, kind: kindOf(thrown), error: member.lastError });
      }
      const isNews = member.isHealthy;
      member.isHealthy = false;
      if (isNews) this.#publish();
      if (known === undefined) {
        if (spec.strict) return;
        this.#memory.failed(spec.address, triedAt(member));
        await this.#close(member.client);
      } else if (!spec.strict && this.#isForgotten(member)) {
        log.info('endpoint removed: no answer within the unhealthy timeout', { address: spec.address });
        this.#members.delete(spec.address);
        this.#memory.failed(spec.address, triedAt(member), member);
        this.#closeLater(member.client);
      }
    }
  }

  #newMember(spec: EndpointSpec): Member {
    const client = this.#deps.dial(spec.address);
    const now = this.#clock.now();
    return { spec, client, info: undefined, isHealthy: false, lastGoodMs: now, lastTriedMs: now, lastError: undefined };
  }

  async #callInfo(client: EndpointClient, signal: AbortSignal): Promise<StoreInfo> {
    return await deadline(signal, this.#config.infoTimeoutMs, 'Info call timed out', (limited) =>
      orAbort(client.info({ signal: limited, tenant: DEFAULT_TENANT }), limited),
    );
  }

  #announce(address: string, info: StoreInfo): void {
    const { log } = this.#deps;
    const component = componentOf(info);
    log.info('endpoint joined', { address, component, labels: labelSetsText(info.labelSets) });
    if (component !== 'sidecar' && component !== 'rule') return;
    const key = labelSetsText(info.labelSets);
    for (const other of this.#members.values()) {
      if (other.spec.address === address || !other.isHealthy || other.info === undefined) continue;
      if (componentOf(other.info) === component && labelSetsText(other.info.labelSets) === key) {
        log.warn('two endpoints have the same external labels', { address, other: other.spec.address, labels: key });
      }
    }
  }

  /** Gone from configuration or discovery. */
  #leave(member: Member): void {
    const { address, dynamic } = member.spec;
    this.#members.delete(address);
    this.#failing.delete(address);
    this.#deps.log.info('endpoint left', { address });
    if (member.info !== undefined) this.#memory.left(address, this.#clock.now(), { ...member, isDiscovered: dynamic });
    if (dynamic && member.info !== undefined && !this.#isForgotten(member)) this.#departed.set(address, member);
    this.#closeLater(member.client);
  }

  #isForgotten(member: Member): boolean {
    return this.#clock.now() - member.lastGoodMs > this.#config.unhealthyTimeoutMs;
  }

  #forgetDeparted(): void {
    for (const [address, member] of this.#departed) if (this.#isForgotten(member)) this.#departed.delete(address);
  }

  #publish(): void {
    const members = [...this.#members.values()];
    const endpoints: Endpoint[] = [];
    for (const member of members) {
      if (member.isHealthy || member.spec.strict) {
        if (member.info === undefined || member.info.store !== undefined) endpoints.push(endpointOf(member));
      } else if (this.#config.warnOfMissing) {
        if (member.info?.store !== undefined) endpoints.push({ ...endpointOf(member), missing: missingText(member) });
      }
    }
    if (this.#config.warnOfMissing) {
      for (const member of this.#departed.values()) {
        if (member.info?.store === undefined || members.some((other) => takesPlaceOf(other, member))) continue;
        endpoints.push({ ...endpointOf(member), missing: departedText(member) });
      }
    }
    this.#endpoints = endpoints;
    this.#countConnections(members);
  }

  #countConnections(members: readonly Member[]): void {
    this.#connections.reset();
    const names = this.#config.connectionMetricLabels;
    for (const { spec, info, isHealthy } of members) {
      if (!isHealthy || info === undefined) continue;
      const all: Record<ConnectionMetricLabel, string> = {
        external_labels: labelSetsText(info.labelSets),
        store_type: componentOf(info),
        ip_port: spec.address,
      };
      this.#connections.inc(Object.fromEntries(names.map((name) => [name, all[name]])));
    }
  }

  // Queries that chose the endpoint before it left may still be reading from it.
  #closeLater(client: EndpointClient): void {
    const timer = setTimeout(() => {
      this.#closing.delete(client);
      void this.#close(client);
    }, this.#config.closeDelayMs);
    timer.unref();
    this.#closing.set(client, timer);
  }

  async #close(client: EndpointClient): Promise<void> {
    try {
      await client.close();
    } catch (thrown) {
      this.#deps.log.debug('closing a connection failed', { error: messageOf(thrown) });
    }
  }
}

/** A strict endpoint that never answered may hold anything, and is trusted with nothing. */
function endpointOf({ spec, client, info }: Member): Endpoint {
  return {
    address: spec.address,
    store: client,
    labelSets: info?.labelSets ?? [],
    mayHoldOthers: info?.store?.tsdbInfos.some(({ labels }) => labels.size === 0) ?? false,
    minTime: info?.store?.minTime ?? MIN_TIME,
    maxTime: info?.store?.maxTime ?? MAX_TIME,
    supportsSharding: info?.store?.supportsSharding ?? false,
    supportsWithoutReplicaLabels: info?.store?.supportsWithoutReplicaLabels ?? false,
  };
}

/** What the memory keeps of a try that failed. */
function triedAt({ spec, lastTriedMs, lastError = '' }: Member) {
  return { nowMs: lastTriedMs, error: lastError, isDiscovered: spec.dynamic };
}

function missingText({ lastGoodMs, lastError }: Member): string {
  return `no answer since ${new Date(lastGoodMs).toISOString()}: ${lastError ?? 'unknown error'}`;
}

function departedText({ lastGoodMs }: Member): string {
  return `gone from discovery, last seen ${new Date(lastGoodMs).toISOString()}`;
}

/** A pod that moved comes back under another address with the same labels: then nothing is missing. */
function takesPlaceOf(other: Member, departed: Member): boolean {
  if (!other.isHealthy || other.info?.store === undefined || departed.info === undefined) return false;
  if (componentOf(other.info) !== componentOf(departed.info)) return false;
  return labelSetsText(other.info.labelSets) === labelSetsText(departed.info.labelSets);
}

/** Waits; false when the signal ended the wait. */
async function paused(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  await clock.sleep(ms, signal).catch(() => {});
  return !signal.aborted;
}

// What the sidecar knows of its Prometheus: external labels, version, oldest time, label names. Learnt before anything
// is served, learnt again with every heartbeat; readiness follows.

import { setTimeout as pause } from 'node:timers/promises';
import { withTimeout } from '../async/deadline.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { parseYaml } from '../config/yaml.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Component, Host } from '../lifecycle/component.ts';
import { Labels } from '../model/labels.ts';
import { MAX_TIME, MIN_TIME } from '../model/time.ts';
import { configYamlOf, flagsOf, lowestTimeOf, versionOf } from '../promclient/admin-api.ts';
import type { PrometheusClient } from '../promclient/client.ts';
import { labelNamesOf } from '../promclient/query-api.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Gauge, Metrics } from '../telemetry/metrics.ts';
import type { SidecarConfig } from './config.ts';
import { checkBlockDurations } from './prometheus-checks.ts';

export interface PrometheusStateDeps {
  readonly client: PrometheusClient;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly now?: () => number;
}

export class PrometheusState implements Component {
  readonly name = 'prometheus-state';
  readonly #deps: PrometheusStateDeps;
  readonly #config: SidecarConfig;
  readonly #up: Gauge;
  readonly #lastHeartbeat: Gauge;
  #externalLabels = Labels.empty;
  /** Whether a heartbeat has succeeded. */
  #isKnown = false;
  #innerLabelNames: ReadonlySet<string> = new Set();
  #version = '0';
  #lowestTime: number | undefined;
  /** Why nothing may be served now; undefined while all is well. */
  #trouble: string | undefined = 'Prometheus has not answered yet';

  constructor(deps: PrometheusStateDeps, config: SidecarConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#up = deps.metrics.gauge('thanos_sidecar_prometheus_up', 'Whether Prometheus answered the last heartbeat.');
    this.#lastHeartbeat = deps.metrics.gauge(
      'thanos_sidecar_last_heartbeat_success_time_seconds',
      'When Prometheus last answered a heartbeat.',
    );
  }

  /** Throws `unavailable` unless Prometheus answered the last heartbeat. */
  mustBeReady(): void {
    if (this.#trouble !== undefined) throw new Fault('unavailable', `Not ready: ${this.#trouble}`);
  }

  get externalLabels(): Labels {
    return this.#externalLabels;
  }

  /** Names of labels that series of this Prometheus had at the last heartbeat. */
  get innerLabelNames(): ReadonlySet<string> {
    return this.#innerLabelNames;
  }

  get version(): string {
    return this.#version;
  }

  /** The oldest time to serve, ms: what Prometheus holds, and no older than the configured limit. */
  get minTime(): number {
    const limit = this.#config.minTime();
    return Math.max(limit, this.#lowestTime ?? MIN_TIME);
  }

  readonly maxTime = MAX_TIME;

  /** Resolves once Prometheus told everything; gives up after the configured time, or at once on what waiting cannot cure. */
  async start(host: Host): Promise<void> {
    const { logger } = this.#deps;
    const deadline = withTimeout(host.signal, this.#config.readyTimeoutMs, 'wait for Prometheus');
    try {
      for (;;) {
        try {
          await this.#learnOnce(deadline.signal);
          await this.#heartbeat(deadline.signal);
          break;
        } catch (thrown) {
          if (kindOf(thrown) === 'invalid' || host.signal.aborted) throw thrown;
          logger.warn('Prometheus is not ready yet, trying again', { error: messageOf(thrown) });
          const isTime = await paused(Math.min(this.#config.heartbeatIntervalMs, RETRY_MS), deadline.signal);
          if (!isTime && !host.signal.aborted) throw this.#gaveUp(thrown);
        }
      }
    } finally {
      deadline.release();
    }
    logger.info('Prometheus answers', { labels: this.#externalLabels.toString(), version: this.#version });
    host.spawn('prometheus-heartbeat', (signal) => this.#beat(host, signal));
  }

  async stop(): Promise<void> {
    this.#trouble = 'stopping';
  }

  /** Asks again which labels series have: a new one may change how answers are ordered. */
  async refreshLabelNames(signal: AbortSignal): Promise<void> {
    const names = await labelNamesOf(backgroundRequest(signal), this.#deps.client, {
      selectors: [],
      minTime: MIN_TIME,
      maxTime: MAX_TIME,
      limit: 0,
    });
    this.#innerLabelNames = new Set(names);
  }

  #gaveUp(last: unknown): Fault {
    const waited = `${this.#config.readyTimeoutMs / 1000} s`;
    return new Fault(
      'timeout',
      `Prometheus was not ready within ${waited}: ${messageOf(last)}. Check --prometheus.url, or wait longer with ` +
        '--prometheus.ready_timeout',
      { cause: last },
    );
  }

  async #learnOnce(signal: AbortSignal): Promise<void> {
    const request = backgroundRequest(signal);
    if (this.#config.uploads) checkBlockDurations(await flagsOf(request, this.#deps.client), this.#config);
    this.#version = await versionOf(request, this.#deps.client);
  }

  /** A Prometheus that was started again may compact its blocks now. Its recent data is served on, so it is only said. */
  async #checkUploads(request: RequestContext): Promise<void> {
    if (!this.#config.uploads) return;
    try {
      checkBlockDurations(await flagsOf(request, this.#deps.client), this.#config);
    } catch (thrown) {
      if (kindOf(thrown) !== 'invalid') throw thrown;
      this.#deps.logger.error('blocks will be missing from the bucket', { err: messageOf(thrown) });
    }
  }

  async #beat(host: Host, signal: AbortSignal): Promise<void> {
    while (await paused(this.#config.heartbeatIntervalMs, signal)) {
      try {
        await this.#heartbeat(signal);
        host.ready();
      } catch (thrown) {
        if (signal.aborted) return;
        this.#trouble = messageOf(thrown);
        this.#up.set(0);
        // What a Prometheus without labels writes from now on is nobody's: it must not be uploaded as somebody's.
        if (kindOf(thrown) === 'invalid') this.#externalLabels = Labels.empty;
        this.#deps.logger.warn('heartbeat failed, nothing is served until one succeeds', { error: this.#trouble });
        host.unready(this.#trouble);
      }
    }
  }

  async #heartbeat(parent: AbortSignal): Promise<void> {
    const { client, now } = this.#deps;
    const deadline = withTimeout(parent, this.#config.heartbeatTimeoutMs, 'heartbeat');
    try {
      const request = backgroundRequest(deadline.signal);
      const lowest = await lowestTimeOf(request, client);
      const labels = externalLabelsOf(await configYamlOf(request, client));
      await this.refreshLabelNames(deadline.signal);
      await this.#checkUploads(request);
      if (!labels.equals(this.#externalLabels) && this.#isKnown) {
        this.#deps.logger.info('external labels changed', { labels: labels.toString() });
      }
      this.#lowestTime = lowest;
      this.#externalLabels = labels;
      this.#isKnown = true;
      this.#trouble = undefined;
      this.#up.set(1);
      this.#lastHeartbeat.set((now ?? Date.now)() / 1000);
    } finally {
      deadline.release();
    }
  }
}

const RETRY_MS = 2_000;

/** Throws `invalid` when there are none: data without a label of its own cannot be told from others'. */
function externalLabelsOf(yaml: string): Labels {
  const parsed = parseYaml(yaml) as { global?: { external_labels?: Record<string, unknown> } } | null;
  const labels = Labels.from(
    Object.entries(parsed?.global?.external_labels ?? {}).map(([name, value]) => [name, String(value)] as const),
  );
  if (labels.size === 0) {
    throw new Fault(
      'invalid',
      'no external labels configured on Prometheus server, uniquely identifying external labels must be configured: ' +
        'set global.external_labels in its configuration file',
    );
  }
  return labels;
}

/** Waits; false when the signal ended the wait. */
async function paused(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

// The frame of every command that runs until it is stopped: metrics, probes, the HTTP server, and a group of components.

import type { Component } from '../pkg/lifecycle/component.ts';
import { Group, stopReason } from '../pkg/lifecycle/group.ts';
import { Probe } from '../pkg/lifecycle/probe.ts';
import { HttpServer } from '../pkg/net/http/server.ts';
import { defaultTenancy, type TenancyConfig } from '../pkg/net/tenancy.ts';
import type { Logger } from '../pkg/telemetry/logger.ts';
import { Metrics } from '../pkg/telemetry/metrics.ts';
import { watchProcess } from '../pkg/telemetry/process-metrics.ts';
import type { CommandContext } from './command-spec.ts';
import { buildFacts } from './version.ts';

/** What components are built from. */
export interface ServiceDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly probe: Probe;
  /** Not listening yet: `http.mount(routes)` adds API routes. It stands first in the group already. */
  readonly http: HttpServer;
  readonly context: CommandContext;
}

export interface ServiceSpec {
  /** The component's name in `thanos_status` and logs: `store`, `query`, `sidecar`. */
  readonly name: string;
  readonly values: { readonly 'http-address': string; readonly 'http-grace-period': number };
  readonly context: CommandContext;
  readonly http?: {
    readonly routePrefix?: string;
    /** False with `--web.disable-cors`. */
    readonly sendsCors?: boolean;
    readonly tenancy?: TenancyConfig;
    /** True where HTTP metrics carry the `tenant` label: query, query-frontend, receive. */
    readonly hasTenantMetrics?: boolean;
  };
  /** In starting order. What accepts work goes last. */
  components(deps: ServiceDeps): readonly Component[] | Promise<readonly Component[]>;
}

/** A component may take this long to stop when it does not say otherwise. */
const GRACE_MS = 120_000;

/** Runs until stopped or something fails, and gives the exit code. Failures are logged here, once. */
export async function runCommand(spec: ServiceSpec): Promise<number> {
  const { context } = spec;
  const { logger } = context;
  const metrics = new Metrics();
  const probe = new Probe();
  watchProcess(metrics, buildFacts());
  const unwatch = showStatus(spec.name, probe, metrics);
  try {
    const http = new HttpServer(
      { logger, metrics, probe },
      {
        address: spec.values['http-address'],
        addressFlag: '--http-address',
        graceMs: spec.values['http-grace-period'],
        routePrefix: spec.http?.routePrefix ?? '',
        sendsCors: spec.http?.sendsCors ?? true,
        tenancy: spec.http?.tenancy ?? defaultTenancy,
        hasTenantMetrics: spec.http?.hasTenantMetrics ?? false,
      },
    );
    const components = await spec.components({ logger, metrics, probe, http, context });
    const group = new Group({ logger, probe }, { graceMs: GRACE_MS }, [http, ...components, http.door]);
    logger.info(`starting ${spec.name}`, { version: buildFacts().version });
    await group.run(context.stop);
    logger.info('exiting', { reason: stopReason(context.stop) });
    return 0;
  } finally {
    unwatch();
  }
}

/** `thanos_status` follows the probe. */
function showStatus(component: string, probe: Probe, metrics: Metrics): () => void {
  const status = metrics.gauge('thanos_status', 'State of the probes: 1 is good.', ['component', 'check']);
  const show = (): void => {
    const { isHealthy, isReady } = probe.state;
    status.set({ component, check: 'healthy' }, isHealthy ? 1 : 0);
    status.set({ component, check: 'ready' }, isReady ? 1 : 0);
  };
  show();
  return probe.watch(show);
}

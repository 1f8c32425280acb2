// One query of one request: its turn, its deadline, its data, and the engine.

import { withTimeout } from '../async/deadline.ts';
import { Gate } from '../async/gate.ts';
import type { RequestContext } from '../async/request.ts';
import { Engine, type QueryResult } from '../promql/engine.ts';
import type { InstantSpec, RangeSpec } from '../promql/query-spec.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { SelectOptions } from './config.ts';
import type { QuerierConfig } from './querier-config.ts';
import { type FanOutDeps, FanOutQueryable } from './queryable.ts';

export interface QueryEngineDeps extends FanOutDeps {
  readonly metrics: Metrics;
}

export class QueryEngine {
  readonly #deps: QueryEngineDeps;
  readonly #engine: Engine;
  readonly #gate: Gate;
  readonly #inFlight;
  readonly #config: QuerierConfig;

  constructor(deps: QueryEngineDeps, config: QuerierConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#engine = new Engine({
      lookbackMs: config.lookbackMs,
      timeoutMs: config.timeoutMs,
      defaultEvaluationIntervalMs: config.defaultEvaluationIntervalMs,
      experimentalFunctions: config.experimentalFunctions,
    });
    const { metrics } = deps;
    const prefix = 'thanos_query_concurrent_gate_queries';
    const waited = metrics.histogram(
      `${prefix}_duration_seconds`,
      'How long queries waited at the gate.',
      GATE_BUCKETS,
    );
    const total = metrics.counter(`${prefix}_total`, 'Queries that passed the gate.');
    metrics.gauge(`${prefix}_max`, 'Queries let through the gate at once.').set(config.maxConcurrent);
    this.#inFlight = metrics.gauge(`${prefix}_in_flight`, 'Queries inside the gate now.');
    this.#gate = new Gate(config.maxConcurrent, {
      onAdmit: (waitedMs) => {
        waited.observe(waitedMs / 1000);
        total.inc();
      },
    });
  }

  instant(request: RequestContext, options: SelectOptions, spec: InstantSpec): Promise<QueryResult> {
    return this.#run(request, spec.timeoutMs, (context) =>
      this.#engine.instant(context, new FanOutQueryable(this.#deps, options), spec),
    );
  }

  range(request: RequestContext, options: SelectOptions, spec: RangeSpec): Promise<QueryResult> {
    return this.#run(request, spec.timeoutMs, (context) =>
      this.#engine.range(context, new FanOutQueryable(this.#deps, options), spec),
    );
  }

  async #run(
    request: RequestContext,
    timeoutMs: number = this.#config.timeoutMs,
    work: (context: RequestContext) => Promise<QueryResult>,
  ): Promise<QueryResult> {
    // Waiting for a turn counts against the time a query may take.
    const deadline = withTimeout(request.signal, timeoutMs, 'query timed out');
    try {
      return await this.#gate.run(deadline.signal, async () => {
        this.#inFlight.inc();
        try {
          return await work({ ...request, signal: deadline.signal });
        } finally {
          this.#inFlight.dec();
        }
      });
    } finally {
      deadline.release();
    }
  }
}

const GATE_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.6, 1, 2, 3.5, 5, 10];

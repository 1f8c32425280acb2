// One query of one request: its turn, its deadline, its data, and the engine.

import { ByteBudget, budgetScopeOf } from '../async/byte-budget.ts';
import { withTimeout } from '../async/deadline.ts';
import { Gate } from '../async/gate.ts';
import type { RequestContext } from '../async/request.ts';
import { Engine, type QueryResult } from '../promql/engine.ts';
import type { ExplainedNode } from '../promql/explain.ts';
import type { InstantSpec, QueryOptions, RangeSpec } from '../promql/query-spec.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { ActiveQueries, type QueryFacts } from './active-queries.ts';
import type { ActiveQueryFile } from './active-query-file.ts';
import type { SelectOptions } from './config.ts';
import type { QuerierConfig } from './querier-config.ts';
import { type FanOutDeps, FanOutQueryable } from './queryable.ts';

export interface QueryEngineDeps extends FanOutDeps {
  readonly metrics: Metrics;
  /** Where running queries are written down. */
  readonly activeFile?: ActiveQueryFile | undefined;
}

export class QueryEngine {
  readonly #deps: QueryEngineDeps;
  readonly #engine: Engine;
  readonly #gate: Gate;
  readonly #inFlight;
  readonly #overBudget;
  readonly #config: QuerierConfig;
  /** What runs now. */
  readonly active: ActiveQueries;
  /** The bytes of all queries. */
  readonly budget: ByteBudget;

  constructor(deps: QueryEngineDeps, config: QuerierConfig) {
    this.#deps = deps;
    this.active = new ActiveQueries(deps.activeFile);
    this.budget = new ByteBudget({ totalBytes: config.maxTotalBytes, shareBytes: config.maxBytes });
    this.#config = config;
    this.#engine = new Engine({
      lookbackMs: config.lookbackMs,
      timeoutMs: Infinity,
      maxSamples: config.maxSamples,
      defaultEvaluationIntervalMs: config.defaultEvaluationIntervalMs,
      ...config.language,
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
    metrics.collectedGauge(
      'tributary_query_held_bytes',
      'Bytes that running queries hold, as they count them.',
      () => this.budget.usedBytes,
    );
    this.#overBudget = metrics.counter(
      'tributary_query_over_budget_total',
      'Queries that were ended for the bytes they held, by the budget: of one query, or of all.',
      ['scope'],
    );
    this.#gate = new Gate(config.maxConcurrent, {
      onAdmit: (waitedMs) => {
        waited.observe(waitedMs / 1000);
        total.inc();
      },
    });
  }

  instant(request: RequestContext, options: SelectOptions, spec: InstantSpec): Promise<QueryResult> {
    const { timeMs } = spec;
    const facts = { kind: 'instant', startMs: timeMs, endMs: timeMs, stepMs: 0 } as const;
    return this.#run(request, spec, facts, (context, watched) =>
      this.#engine.instant(context, this.#queryable(options), { ...this.#known(spec, options), ...watched }),
    );
  }

  range(request: RequestContext, options: SelectOptions, spec: RangeSpec): Promise<QueryResult> {
    const { startMs, endMs, stepMs } = spec;
    return this.#run(request, spec, { kind: 'range', startMs, endMs, stepMs }, (context, watched) =>
      this.#engine.range(context, this.#queryable(options), { ...this.#known(spec, options), ...watched }),
    );
  }

  /** How a query would be run; nothing is asked of the stores. */
  explainInstant(options: SelectOptions, spec: InstantSpec): ExplainedNode {
    return this.#engine.explainInstant(this.#known(spec, options), this.#queryable(options));
  }

  explainRange(options: SelectOptions, spec: RangeSpec): ExplainedNode {
    return this.#engine.explainRange(this.#known(spec, options), this.#queryable(options));
  }

  #queryable(options: SelectOptions): FanOutQueryable {
    return new FanOutQueryable(this.#deps, options);
  }

  /** The query with what is known of labels here: merged series have none of their replicas'. */
  #known<S extends QueryOptions>(spec: S, { dedup, replicaLabels }: SelectOptions): S {
    return { ...spec, hiddenLabels: [...(dedup ? replicaLabels : []), ...this.#config.hiddenLabels] };
  }

  async #run(
    request: RequestContext,
    { expression, timeoutMs = this.#config.timeoutMs }: QueryOptions & { readonly expression: string },
    facts: Pick<QueryFacts, 'kind' | 'startMs' | 'endMs' | 'stepMs'>,
    work: (context: RequestContext, watched: QueryOptions) => Promise<QueryResult>,
  ): Promise<QueryResult> {
    // The one end of the query: its time, in which waiting for a turn counts, its caller, its budget, or an operator.
    const deadline = withTimeout(request.signal, timeoutMs, 'query timed out');
    const bytes = this.budget.open((why) => deadline.abort(why));
    const { tenant, requestId } = request;
    const ticket = this.active.begin({ ...facts, expression, timeoutMs, tenant, requestId, bytes }, (why) =>
      deadline.abort(why),
    );
    try {
      return await this.#gate.run(deadline.signal, async () => {
        const queuedMs = ticket.admitted();
        this.#inFlight.inc();
        try {
          return await work(
            { ...request, signal: deadline.signal, bytes },
            { timeoutMs: Infinity, queuedMs, onStart: (progress) => ticket.watch(progress) },
          );
        } finally {
          this.#inFlight.dec();
        }
      });
    } catch (thrown) {
      const scope = budgetScopeOf(thrown);
      if (scope !== undefined) this.#overBudget.inc({ scope: scope === 'share' ? 'query' : 'all' });
      throw thrown;
    } finally {
      ticket.end();
      bytes.close();
      deadline.release();
    }
  }
}

const GATE_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.6, 1, 2, 3.5, 5, 10];

// Parse, plan, run, collect: the only door most callers need.

import { sharedSignal } from '../async/deadline.ts';
import type { RequestContext } from '../async/request.ts';
import { Fault, kindOf } from '../errors/fault.ts';
import type { Value } from '../model/value.ts';
import type { Queryable } from '../storage/querier.ts';
import { Annotations } from './annotations.ts';
import { build } from './exec/build.ts';
import { collectInstant, collectMatrix, collectWindows } from './exec/collect.ts';
import type { Evaluation } from './exec/operator.ts';
import type { ValueType } from './parser/ast.ts';
import { typeOf } from './parser/check.ts';
import { parse } from './parser/parse.ts';
import { planOf } from './plan/from-ast.ts';
import type { PlanNode } from './plan/node.ts';
import { optimize } from './plan/optimize.ts';
import type { InstantSpec, QueryOptions, RangeSpec, Steps } from './query-spec.ts';
import { type QueryStats, SampleCounter, Stopwatch } from './query-stats.ts';

export interface EngineConfig {
  /** How far back an instant selector looks. */
  readonly lookbackMs: number;
  readonly timeoutMs: number;
  /** The step of subqueries that give none. */
  readonly defaultEvaluationIntervalMs: number;
  /** Accept experimental functions and aggregations. */
  readonly experimentalFunctions?: boolean;
  /** Keep metric names until the answer is made. */
  readonly delayedNameRemoval?: boolean;
}

export interface QueryResult {
  readonly value: Value;
  /** From the storage and from the evaluation, without repeats. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStats;
}

/** Other work in the process gets its turn after this much time in columns. */
const TURN_MS = 25;

export class Engine {
  readonly #config: EngineConfig;

  constructor(config: EngineConfig) {
    this.#config = config;
  }

  /**
   * The value at one time. Throws `invalid` for text that is no expression, `execution` for one that cannot be
   * evaluated, `unsupported` for what we do not have, `timeout` and `canceled` when time is up or the caller leaves, and
   * whatever the storage throws.
   */
  instant(request: RequestContext, queryable: Queryable, spec: InstantSpec): Promise<QueryResult> {
    const steps = { startMs: spec.timeMs, stepMs: 1, count: 1 };
    return this.#query(
      request,
      queryable,
      spec,
      steps,
      { endMs: spec.timeMs, stepMs: 0 },
      async (plan, type, evaluation) => {
        if (plan.kind === 'string') return { kind: 'string', timeMs: spec.timeMs, value: plan.value };
        if (plan.kind === 'matrix') return collectWindows(plan.source, steps, evaluation);
        return collectInstant(build(plan, steps, evaluation), type, spec.timeMs, evaluation);
      },
    );
  }

  /** The values at every step, as a matrix sorted by labels. Throws like `instant`, and `invalid` for other types. */
  range(request: RequestContext, queryable: Queryable, spec: RangeSpec): Promise<QueryResult> {
    const { startMs, endMs, stepMs } = spec;
    if (!(stepMs > 0) || endMs < startMs) throw new Fault('invalid', 'a range query needs a step above 0 and an end');
    const steps = { startMs, stepMs, count: Math.floor((endMs - startMs) / stepMs) + 1 };
    return this.#query(request, queryable, spec, steps, { endMs, stepMs }, async (plan, type, evaluation) => {
      if (type !== 'scalar' && type !== 'vector') {
        const got = typeNames[type];
        const text = `invalid expression type "${got}" for range query, must be Scalar or instant Vector`;
        throw new Fault('invalid', text);
      }
      return collectMatrix(build(plan, steps, evaluation), steps, evaluation);
    });
  }

  async #query(
    request: RequestContext,
    queryable: Queryable,
    spec: QueryOptions & { readonly expression: string },
    steps: Steps,
    asked: { readonly endMs: number; readonly stepMs: number },
    evaluate: (plan: PlanNode, type: ValueType, evaluation: Evaluation) => Promise<Value>,
  ): Promise<QueryResult> {
    const watch = new Stopwatch();
    const tree = parse(spec.expression, { experimental: this.#config.experimentalFunctions ?? false });
    const lookbackMs = spec.lookbackMs ?? this.#config.lookbackMs;
    const plan = optimize(
      planOf(tree, {
        startMs: steps.startMs,
        ...asked,
        lookbackMs,
        defaultSubqueryStepMs: this.#config.defaultEvaluationIntervalMs,
      }),
      { stepCount: steps.count },
    );
    watch.prepared();
    const samples = new SampleCounter();
    const annotations = new Annotations(spec.expression);
    const warnings = new Set<string>();
    const limit = new TimeLimit(request.signal, Math.min(spec.timeoutMs ?? Infinity, this.#config.timeoutMs));
    try {
      const value = await evaluate(plan, typeOf(tree), {
        request: { ...request, signal: limit.signal },
        queryable,
        lookbackMs,
        samples,
        annotations,
        warnings,
        delayedNameRemoval: this.#config.delayedNameRemoval ?? false,
        pace: () => limit.pace(),
      });
      limit.check();
      return {
        value,
        warnings: [...warnings, ...annotations.warnings],
        infos: annotations.infos,
        stats: {
          timings: watch.timings(),
          samples: { totalQueryableSamples: samples.total, peakSamples: samples.peak },
        },
      };
    } catch (thrown) {
      // Whatever broke because time was up, or because the caller left, is told as that.
      limit.check();
      throw thrown;
    } finally {
      limit.close();
    }
  }
}

const typeNames: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

/** The end of a query: its own deadline, or that of the caller. */
class TimeLimit {
  readonly #caller: AbortSignal;
  readonly #controller = new AbortController();
  readonly #deadline: number;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly signal: AbortSignal;
  #turnEnds = performance.now() + TURN_MS;

  constructor(caller: AbortSignal, timeoutMs: number) {
    this.#caller = caller;
    this.#deadline = performance.now() + timeoutMs;
    // Longer waits than a timer can count are left to the checks between batches.
    if (timeoutMs < 2 ** 31) this.#timer = setTimeout(() => this.#controller.abort(timedOut()), Math.max(0, timeoutMs));
    this.signal = sharedSignal(AbortSignal.any([caller, this.#controller.signal]));
  }

  check(): void {
    if (this.#caller.aborted) {
      const kind = kindOf(this.#caller.reason);
      if (kind === 'timeout') throw timedOut();
      throw new Fault('canceled', 'query was canceled in expression evaluation', { cause: this.#caller.reason });
    }
    if (performance.now() >= this.#deadline) {
      this.#controller.abort(timedOut());
      throw timedOut();
    }
  }

  pace(): Promise<void> | undefined {
    this.check();
    if (performance.now() < this.#turnEnds) return undefined;
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#turnEnds = performance.now() + TURN_MS;
      this.check();
    });
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

function timedOut(): Fault {
  return new Fault('timeout', 'query timed out in expression evaluation');
}

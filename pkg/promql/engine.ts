// Parse, plan, run, collect: the only door most callers need.

import { CountedBytes } from '../async/byte-budget.ts';
import type { RequestContext } from '../async/request.ts';
import { Fault } from '../errors/fault.ts';
import { resolutionText } from '../model/resolution.ts';
import type { Value } from '../model/value.ts';
import type { Queryable } from '../storage/querier.ts';
import { Annotations } from './annotations.ts';
import { build } from './exec/build.ts';
import { collectInstant, collectMatrix, collectWindows } from './exec/collect.ts';
import { evaluationOf } from './exec/measured.ts';
import type { Evaluation } from './exec/operator.ts';
import { SharedSelects } from './exec/shared-select.ts';
import { type AnalyzedNode, analyze, type ExplainedNode, explain } from './explain.ts';
import { overBudget } from './over-budget.ts';
import type { ValueType } from './parser/ast.ts';
import { typeOf } from './parser/check.ts';
import { parse } from './parser/parse.ts';
import { resolveDurations } from './parser/resolve-durations.ts';
import { planOf } from './plan/from-ast.ts';
import { sharingSelects } from './plan/merge-selects.ts';
import type { PlanNode } from './plan/node.ts';
import { optimize } from './plan/optimize.ts';
import { Profile } from './profile.ts';
import type { InstantSpec, QueryOptions, RangeSpec, Steps } from './query-spec.ts';
import { type QueryStats, SampleCounter, type SelectMeter, Stopwatch } from './query-stats.ts';
import { TimeLimit } from './time-limit.ts';

export interface EngineConfig {
  /** How far back an instant selector looks. */
  readonly lookbackMs: number;
  /** The longest a query may take; `Infinity` leaves it to the signal of the request. */
  readonly timeoutMs: number;
  /** False runs plans as they are written, for comparison: the answers are the same. */
  readonly optimizes?: boolean;
  /** The most samples a query may hold in memory; 0 or absent sets no limit. */
  readonly maxSamples?: number;
  /** The step of subqueries that give none. */
  readonly defaultEvaluationIntervalMs: number;
  /** Accept experimental functions and aggregations. */
  readonly experimentalFunctions?: boolean;
  /** Accept `anchored` and `smoothed`. */
  readonly extendedRangeSelectors?: boolean;
  /** Accept `fill`, `fill_left` and `fill_right`. */
  readonly fillModifiers?: boolean;
  /** Tell counter resets by the start timestamps of samples, where the storage has them. */
  readonly startTimestamps?: boolean;
  /** Keep metric names until the answer is made. */
  readonly delayedNameRemoval?: boolean;
}

export interface QueryResult {
  readonly value: Value;
  /** From the storage and from the evaluation, without repeats. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStats;
  /** What every operator did, when the query asked for it. */
  readonly analysis?: AnalyzedNode;
}

export class Engine {
  readonly #config: EngineConfig;

  constructor(config: EngineConfig) {
    this.#config = config;
  }

  /**
   * The value at one time. Throws `invalid` for text that is no expression, `execution` for one that cannot be
   * evaluated, `timeout` and `canceled` when time is up or the caller leaves, and whatever the storage throws.
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
        if (plan.kind === 'matrix') return collectWindows(plan.source, steps, evaluationOf(plan, evaluation));
        return collectInstant(build(plan, steps, evaluation), type, spec.timeMs, evaluation);
      },
    );
  }

  /** The values at every step, as a matrix sorted by labels. Throws like `instant`, and `invalid` for other types. */
  range(request: RequestContext, queryable: Queryable, spec: RangeSpec): Promise<QueryResult> {
    const steps = stepsOf(spec);
    return this.#query(request, queryable, spec, steps, spec, async (plan, type, evaluation) => {
      checkRangeType(type);
      return collectMatrix(build(plan, steps, evaluation), steps, evaluation);
    });
  }

  /** How a query would be run over a queryable. Nothing is read. Throws as `instant` does for text that is no such query. */
  explainInstant(spec: InstantSpec, queryable?: Queryable): ExplainedNode {
    const steps = { startMs: spec.timeMs, stepMs: 1, count: 1 };
    return explain(this.#plan(spec, steps, { endMs: spec.timeMs, stepMs: 0 }, queryable?.keepsSeries === true).plan);
  }

  /** The same for a range query. */
  explainRange(spec: RangeSpec, queryable?: Queryable): ExplainedNode {
    const steps = stepsOf(spec);
    const { plan, type } = this.#plan(spec, steps, spec, queryable?.keepsSeries === true);
    checkRangeType(type);
    return explain(plan);
  }

  #plan(
    spec: QueryOptions & { readonly expression: string },
    steps: Steps,
    asked: Asked,
    sharesSelects: boolean,
  ): Planned {
    const parsed = parse(spec.expression, {
      experimental: this.#config.experimentalFunctions ?? false,
      extendedRangeSelectors: this.#config.extendedRangeSelectors ?? false,
      fillModifiers: this.#config.fillModifiers ?? false,
    });
    const rangeMs = asked.endMs - steps.startMs;
    const tree = resolveDurations(parsed, { stepMs: asked.stepMs, rangeMs });
    const lookbackMs = spec.lookbackMs ?? this.#config.lookbackMs;
    const plan = planOf(tree, {
      startMs: steps.startMs,
      endMs: asked.endMs,
      stepMs: asked.stepMs,
      lookbackMs,
      defaultSubqueryStepMs: this.#config.defaultEvaluationIntervalMs,
    });
    const type = typeOf(tree);
    if (this.#config.optimizes === false) return { plan, type, lookbackMs };
    const { hiddenLabels } = spec;
    return { plan: optimize(plan, { stepCount: steps.count, hiddenLabels, sharesSelects }), type, lookbackMs };
  }

  async #query(
    request: RequestContext,
    queryable: Queryable,
    spec: QueryOptions & { readonly expression: string },
    steps: Steps,
    asked: Asked,
    evaluate: (plan: PlanNode, type: ValueType, evaluation: Evaluation) => Promise<Value>,
  ): Promise<QueryResult> {
    const watch = new Stopwatch();
    const { plan, type, lookbackMs } = this.#plan(spec, steps, asked, queryable.keepsSeries === true);
    watch.prepared();
    const samples = new SampleCounter(undefined, this.#config.maxSamples || Infinity);
    const bytes = new CountedBytes(request.bytes);
    const selects: SelectMeter[] = [];
    const annotations = new Annotations(spec.expression);
    const warnings = new Set<string>();
    const infos = new Set<() => readonly string[]>();
    const profile = spec.analyzes === true ? new Profile() : undefined;
    const shared = new SharedSelects(sharingSelects(plan));
    spec.onStart?.({ samples, selects });
    const limit = new TimeLimit(request.signal, Math.min(spec.timeoutMs ?? Infinity, this.#config.timeoutMs));
    try {
      const value = await evaluate(plan, type, {
        request: { ...request, signal: limit.signal },
        queryable,
        lookbackMs,
        samples,
        bytes,
        shared,
        selects,
        profile,
        meter: undefined,
        annotations,
        warnings,
        infos,
        delayedNameRemoval: this.#config.delayedNameRemoval ?? false,
        startTimestamps: this.#config.startTimestamps ?? false,
        pace: () => limit.pace(),
      });
      limit.check();
      return {
        value,
        warnings: [...warnings, ...annotations.warnings],
        infos: [...new Set([...infos].flatMap((told) => told())), ...annotations.infos],
        stats: {
          timings: watch.timings(spec.queuedMs ?? 0),
          samples: { totalQueryableSamples: samples.total, peakSamples: samples.peak },
          ...resolutionsRead(selects),
        },
        ...(profile === undefined ? {} : { analysis: analyze(plan, profile) }),
      };
    } catch (thrown) {
      // Whatever broke because time was up, or because the caller left, is told as that.
      throw overBudget(limit.reason() ?? thrown, { samples, selects });
    } finally {
      await shared.close();
      limit.close();
    }
  }
}

/** Which resolutions were read, when not all was raw. */
function resolutionsRead(selects: readonly SelectMeter[]): Pick<QueryStats, 'resolutions'> {
  const all = [...new Set(selects.flatMap(({ resolutionsMs }) => [...resolutionsMs]))].sort((a, b) => a - b);
  return all.some((resolutionMs) => resolutionMs > 0) ? { resolutions: all.map(resolutionText) } : {};
}

/** What was asked for, which may end after the last step. `stepMs` is 0 for an instant query. */
interface Asked {
  readonly endMs: number;
  readonly stepMs: number;
}

interface Planned {
  readonly plan: PlanNode;
  readonly type: ValueType;
  readonly lookbackMs: number;
}

function stepsOf({ startMs, endMs, stepMs }: RangeSpec): Steps {
  if (!(stepMs > 0) || endMs < startMs) throw new Fault('invalid', 'a range query needs a step above 0 and an end');
  return { startMs, stepMs, count: Math.floor((endMs - startMs) / stepMs) + 1, endMs };
}

function checkRangeType(type: ValueType): void {
  if (type === 'scalar' || type === 'vector') return;
  const got = typeNames[type];
  throw new Fault('invalid', `invalid expression type "${got}" for range query, must be Scalar or instant Vector`);
}

const typeNames: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

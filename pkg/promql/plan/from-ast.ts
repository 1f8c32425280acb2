// Tree to plan. Types and arity were checked by the parser; here every function gets its way of evaluation.

import { must, unreachable } from '../../errors/assert.ts';
import { Fault } from '../../errors/fault.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import type { FoldOp } from '../functions/aggregations.ts';
import { type ArithmeticOp, type ComparisonOp, isTrim } from '../functions/binary-ops.ts';
import { edgeProblem } from '../functions/range-edges.ts';
import { kernelOf } from '../functions/table.ts';
import type { Aggregation, AtModifier, Binary, Call, Expression, VectorSelector } from '../parser/ast.ts';
import { typeOf } from '../parser/check.ts';
import { atRoot, hintsOf, type PlanTimes, type Surroundings } from './hints.ts';
import { infoSelector } from './info-selector.ts';
import type { PlanNode, Select, WindowSource } from './node.ts';

/** Throws `execution` for what only shows when it is run: functions with edges they cannot have, scalars cut off. */
export function planOf(expression: Expression, times: PlanTimes): PlanNode {
  return new Planner(times).plan(expression, atRoot);
}

class Planner {
  readonly #times: PlanTimes;

  constructor(times: PlanTimes) {
    this.#times = times;
  }

  plan(node: Expression, around: Surroundings): PlanNode {
    switch (node.kind) {
      case 'number':
      case 'string':
        return { kind: node.kind, value: node.value } as PlanNode;
      case 'paren':
        return this.plan(node.expression, around);
      case 'vector-selector':
        return { kind: 'select', select: this.#select(node, 0, around), value: 'sample' };
      case 'matrix-selector':
      case 'subquery':
        return { kind: 'matrix', source: this.#source(node, around) };
      case 'unary': {
        const operand = this.plan(node.operand, below(around, around.func));
        if (node.op === '+') return operand;
        return { kind: 'negate', operand, isScalar: typeOf(node.operand) === 'scalar' };
      }
      case 'binary':
        return this.#binary(node, { ...below(around, ''), wanted: isTrim(node.op) ? 'buckets' : around.wanted });
      case 'aggregation':
        return this.#aggregation(node, around);
      case 'call':
        return this.#call(node, { ...below(around, node.func), wanted: wantedBelow(node.func, around) });
      default:
        return unreachable(node);
    }
  }

  #select(node: VectorSelector, rangeMs: number, around: Surroundings): Select {
    const atMs = this.#at(node.at);
    const hints = this.#hintsOf(node, atMs, rangeMs, around);
    const numbersOnly = around.wanted === 'numbers';
    const { matchers, offsetMs, edge, span } = node;
    return { matchers, hints, offsetMs, atMs, numbersOnly, edge, position: span.start };
  }

  /** Edges are made of samples as far as the lookback goes beyond the window. */
  #hintsOf(node: VectorSelector, atMs: number | undefined, rangeMs: number, around: Surroundings): Select['hints'] {
    const hints = hintsOf(node, atMs, rangeMs, around, this.#times);
    if (node.edge === undefined) return hints;
    const { lookbackMs } = this.#times;
    return {
      ...hints,
      minTime: hints.minTime - (rangeMs === 0 ? 0 : lookbackMs),
      maxTime: hints.maxTime + (node.edge === 'smoothed' ? lookbackMs : 0),
    };
  }

  #at(at: AtModifier | undefined): number | undefined {
    if (at === undefined) return undefined;
    if (at.kind === 'time') return at.timeMs;
    return at.kind === 'start' ? this.#times.startMs : this.#times.endMs;
  }

  #source(node: Expression, around: Surroundings): WindowSource {
    const position = node.span.start;
    if (node.kind === 'paren') return this.#source(node.expression, around);
    if (node.kind === 'matrix-selector') {
      const select = this.#select(node.selector, node.rangeMs, around);
      return { kind: 'selector', select, rangeMs: node.rangeMs, position };
    }
    if (node.kind !== 'subquery') throw new Fault('invalid', `${node.kind} is no range vector`);
    const { rangeMs, offsetMs } = node;
    const atMs = this.#at(node.at);
    const inside: Surroundings = {
      ...below(around, around.func),
      subqueryRangeMs: (atMs === undefined ? around.subqueryRangeMs : 0) + rangeMs,
      subqueryOffsetMs: (atMs === undefined ? around.subqueryOffsetMs : 0) + offsetMs,
      subqueryAtMs: atMs ?? around.subqueryAtMs,
      wanted: 'buckets',
    };
    const operand = this.plan(node.expression, inside);
    const stepMs = node.stepMs === 0 ? this.#times.defaultSubqueryStepMs : node.stepMs;
    return { kind: 'subquery', operand, rangeMs, stepMs, offsetMs, atMs, position };
  }

  #binary(node: Binary, around: Surroundings): PlanNode {
    const left = this.plan(node.left, around);
    const right = this.plan(node.right, around);
    const { op, bool } = node;
    if (op === 'and' || op === 'or' || op === 'unless') {
      return { kind: 'set', op, matching: must(node.matching, 'matching of a set operator'), left, right };
    }
    const leftIsScalar = typeOf(node.left) === 'scalar';
    const rightIsScalar = typeOf(node.right) === 'scalar';
    if (leftIsScalar && rightIsScalar) {
      if (isTrim(op)) throw new Fault('execution', `operator "${op}" not allowed for Scalar operations`);
      const arithmeticOrComparison: ArithmeticOp | ComparisonOp = op;
      return { kind: 'scalar-scalar', op: arithmeticOrComparison, left, right };
    }
    const position = node.span.start;
    if (leftIsScalar) {
      return { kind: 'vector-scalar', op, bool, vector: right, scalar: left, scalarSide: 'left', position };
    }
    if (rightIsScalar) {
      return { kind: 'vector-scalar', op, bool, vector: left, scalar: right, scalarSide: 'right', position };
    }
    return { kind: 'vector-vector', op, bool, matching: must(node.matching, 'vector matching'), left, right, position };
  }

  #aggregation(node: Aggregation, around: Surroundings): PlanNode {
    const inside = { ...around, func: node.op, grouping: node.grouping, by: !node.without };
    const operand = this.plan(node.expression, inside);
    const grouping = { labels: node.grouping, without: node.without };
    const parameter = node.parameter === undefined ? undefined : this.plan(node.parameter, inside);
    switch (node.op) {
      case 'topk':
      case 'bottomk':
      case 'limitk':
        return {
          kind: 'rank',
          op: node.op,
          grouping,
          operand,
          parameter: must(parameter, 'parameter'),
          position: node.span.start,
        };
      case 'limit_ratio': {
        const position = startOf(node.parameter ?? node.expression);
        return { kind: 'limit-ratio', operand, parameter: must(parameter, 'parameter'), position };
      }
      case 'count_values':
        return { kind: 'count-values', label: stringOf(node.parameter), grouping, operand };
      default: {
        const op: FoldOp = node.op;
        const position = startOf(node.parameter ?? node.expression);
        const operandPosition = startOf(node.expression);
        return { kind: 'fold', op, grouping, operand, parameter, position, operandPosition };
      }
    }
  }

  #call(node: Call, around: Surroundings): PlanNode {
    const { func, args } = node;
    const position = args.length > 0 ? startOf(args[0]) : node.span.start;
    const kernel = kernelOf(func);
    if (kernel?.kind === 'range') {
      const at = args.findIndex((arg) => typeOf(arg) === 'matrix');
      checkEdge(func, args[at]);
      const source = this.#source(args[at], around);
      const scalars = args.filter((_, i) => i !== at).map((arg) => this.plan(arg, around));
      // The reference loses the place where a subquery stands.
      return { kind: 'window', func, source, scalars, position: source.kind === 'subquery' && at === 0 ? 0 : position };
    }
    if (kernel?.kind === 'pointwise') {
      const at = args.findIndex((arg) => typeOf(arg) === 'vector');
      // The calendar functions without argument are about the time of each step.
      const operand: PlanNode = at < 0 ? { kind: 'to-vector', operand: { kind: 'time' } } : this.plan(args[at], around);
      const scalars = args.filter((_, i) => i !== at).map((arg) => this.plan(arg, around));
      return { kind: 'pointwise', func, operand, scalars, position };
    }
    return this.#special(node, around);
  }

  #info(node: Call, around: Surroundings): PlanNode {
    const { selector, labels } = infoSelector(node);
    const info = this.#select(selector, 0, { ...below(around, ''), wanted: 'unknown' });
    return { kind: 'info', operand: this.plan(node.args[0], around), info, labels };
  }

  #special(node: Call, around: Surroundings): PlanNode {
    const { func, args } = node;
    const operand = () => this.plan(args[0], around);
    switch (func) {
      case 'time':
        return { kind: 'time' };
      case 'pi':
        return { kind: 'number', value: Math.PI };
      case 'start':
        return { kind: 'number', value: this.#times.startMs / 1000 };
      case 'end':
        return { kind: 'number', value: this.#times.endMs / 1000 };
      case 'step':
        // A range of one step has none, as an instant has none.
        return { kind: 'number', value: this.#times.startMs === this.#times.endMs ? 0 : this.#times.stepMs / 1000 };
      case 'range':
        return { kind: 'number', value: (this.#times.endMs - this.#times.startMs) / 1000 };
      case 'min_of':
      case 'max_of':
        return { kind: 'scalar-scalar', op: func, left: this.plan(args[0], around), right: this.plan(args[1], around) };
      case 'scalar':
        return { kind: 'to-scalar', operand: operand() };
      case 'vector':
        return { kind: 'to-vector', operand: operand() };
      case 'timestamp': {
        const inner = unwrap(args[0]);
        if (inner.kind !== 'vector-selector') return { kind: 'step-time', operand: operand() };
        const select = this.#select({ ...inner, edge: undefined }, 0, around);
        return { kind: 'select', select, value: 'timestamp' };
      }
      case 'start_timestamp': {
        const inner = unwrap(args[0]);
        if (inner.kind !== 'vector-selector') return { kind: 'nothing', operand: operand() };
        const select = this.#select({ ...inner, edge: undefined }, 0, around);
        return { kind: 'select', select, value: 'start-timestamp' };
      }
      case 'absent':
        return { kind: 'absent', operand: operand(), labels: labelsOfAbsent(args[0]) };
      case 'absent_over_time':
        checkEdge(func, args[0]);
        return { kind: 'absent-over-time', source: this.#source(args[0], around), labels: labelsOfAbsent(args[0]) };
      case 'info':
        return this.#info(node, around);
      case 'sort':
      case 'sort_desc':
        return { kind: 'sort', operand: operand(), descending: func === 'sort_desc', position: node.span.start };
      case 'sort_by_label':
      case 'sort_by_label_desc': {
        const labels = args.slice(1).map(stringOf);
        const descending = func === 'sort_by_label_desc';
        return { kind: 'sort-by-label', operand: operand(), labels, descending, position: node.span.start };
      }
      case 'label_replace': {
        const [target, template, source, pattern] = args.slice(1).map(stringOf);
        return { kind: 'label-replace', operand: operand(), target, template, source, pattern };
      }
      case 'label_join': {
        const [target, separator, ...sources] = args.slice(1).map(stringOf);
        return { kind: 'label-join', operand: operand(), target, separator, sources };
      }
      case 'histogram_quantile':
        return {
          kind: 'histogram-quantile',
          quantile: this.plan(args[0], around),
          operand: this.plan(args[1], around),
          quantilePosition: startOf(args[0]),
          operandPosition: startOf(args[1]),
        };
      case 'histogram_quantiles':
        return {
          kind: 'histogram-quantiles',
          operand: operand(),
          label: stringOf(args[1]),
          quantiles: args.slice(2).map((arg) => ({ quantile: this.plan(arg, around), position: startOf(arg) })),
          operandPosition: startOf(args[0]),
        };
      case 'histogram_fraction':
        return {
          kind: 'histogram-fraction',
          lower: this.plan(args[0], around),
          upper: this.plan(args[1], around),
          operand: this.plan(args[2], around),
          operandPosition: startOf(args[2]),
        };
      case 'histogram_avg':
      case 'histogram_count':
      case 'histogram_sum':
      case 'histogram_stddev':
      case 'histogram_stdvar':
        return { kind: 'histogram-statistic', statistic: statistics[func], operand: operand() };
      default:
        throw new Fault('internal', `broken invariant: nothing evaluates ${func}()`);
    }
  }
}

const statistics = {
  histogram_avg: 'avg',
  histogram_count: 'count',
  histogram_sum: 'sum',
  histogram_stddev: 'stddev',
  histogram_stdvar: 'stdvar',
} as const;

/** What a function's arguments are wanted for. */
function wantedBelow(func: string, { wanted }: Surroundings): Surroundings['wanted'] {
  if (func === 'histogram_quantile' || func === 'histogram_quantiles' || func === 'histogram_fraction')
    return 'buckets';
  const isOfNumbers = func === 'histogram_count' || func === 'histogram_sum' || func === 'histogram_avg';
  return isOfNumbers && wanted !== 'buckets' ? 'numbers' : wanted;
}

/** The surroundings of a node that is not the direct child of an aggregation. */
function below(around: Surroundings, func: string): Surroundings {
  return { ...around, func, grouping: [], by: false };
}

function checkEdge(func: string, arg: Expression): void {
  const inner = unwrap(arg);
  const edge = inner.kind === 'matrix-selector' ? inner.selector.edge : undefined;
  const problem = edge && edgeProblem(func, edge);
  if (problem !== undefined) throw new Fault('execution', problem);
}

function unwrap(node: Expression): Expression {
  return node.kind === 'paren' ? unwrap(node.expression) : node;
}

/** Where an argument begins, for annotations: parentheses around it do not count. */
function startOf(node: Expression): number {
  return unwrap(node).span.start;
}

function stringOf(node: Expression | undefined): string {
  const inner = unwrap(must(node, 'string argument'));
  if (inner.kind !== 'string') throw new Fault('invalid', `expected a string, got ${inner.kind}`);
  return inner.value;
}

/** What can be said about a series that is not there: labels that exactly one matcher, an equality, speaks of. */
function labelsOfAbsent(node: Expression): (readonly [string, string])[] {
  const inner = unwrap(node);
  const selector = inner.kind === 'matrix-selector' ? inner.selector : inner;
  if (selector.kind !== 'vector-selector') return [];
  const counts = new Map<string, number>();
  for (const { name } of selector.matchers) counts.set(name, (counts.get(name) ?? 0) + 1);
  return selector.matchers
    .filter(({ op, name }) => op === '=' && name !== METRIC_NAME && counts.get(name) === 1)
    .map(({ name, value }) => [name, value] as const);
}

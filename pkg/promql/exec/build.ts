// Plan node to operator: one switch, which only constructs.

import { must, unreachable } from '../../errors/assert.ts';
import { Fault } from '../../errors/fault.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { kernelOf } from '../functions/table.ts';
import type { PlanNode } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { AbsentOperator, AbsentOverTimeOperator } from './absent.ts';
import { AggregateOperator } from './aggregate.ts';
import { ScalarScalarOperator, VectorScalarOperator } from './binary-scalar.ts';
import { BinaryVectorOperator } from './binary-vector.ts';
import {
  OnceOperator,
  PointwiseOperator,
  StatisticOperator,
  StepTimeOperator,
  ToScalarOperator,
  ToVectorOperator,
} from './call.ts';
import { CountValuesOperator } from './count-values.ts';
import { HistogramOperator } from './histogram-call.ts';
import { joining, RelabelOperator, replacing } from './label-call.ts';
import { NumberOperator, TimeOperator } from './literal.ts';
import { WindowOperator } from './matrix-selector.ts';
import { type Collisions, unique } from './names.ts';
import type { Evaluation, Operator } from './operator.ts';
import { RankOperator } from './rank.ts';
import { SetOperator } from './set-operator.ts';
import { SortOperator } from './sort.ts';
import { NegateOperator } from './unary.ts';
import { VectorSelectorOperator } from './vector-selector.ts';

/** The operator that computes `node` at `steps`. */
export function build(node: PlanNode, steps: Steps, evaluation: Evaluation): Operator {
  const of = (child: PlanNode) => build(child, steps, evaluation);
  const stepCount = steps.count;
  const checked = (operator: Operator, operand: PlanNode, collisions: Collisions): Operator => {
    // With delayed removal names are still there to tell series apart; the end of the query checks.
    if (evaluation.delayedNameRemoval || !mayDifferByNameOnly(operand)) return operator;
    return { run: () => unique(operator.run(), collisions, stepCount) };
  };
  switch (node.kind) {
    case 'number':
      return new NumberOperator(node.value, stepCount);
    case 'time':
      return new TimeOperator(steps);
    case 'select': {
      const operator = new VectorSelectorOperator({ select: node.select, value: node.value, steps }, evaluation);
      return node.value === 'timestamp' ? checked(operator, { ...node, value: 'sample' }, 'merge') : operator;
    }
    case 'window': {
      const operator = new WindowOperator(node, steps, evaluation, build);
      if (kernelOf(node.func)?.keepsName === true) return operator;
      return checked(operator, sourceNode(node), 'refuse');
    }
    case 'negate':
      return checked(new NegateOperator(of(node.operand), evaluation), node.operand, 'merge');
    case 'scalar-scalar':
      return new ScalarScalarOperator(node.op, of(node.left), of(node.right));
    case 'vector-scalar': {
      const operator = new VectorScalarOperator(of(node.vector), of(node.scalar), node, evaluation);
      return node.bool || isArithmetic(node.op) ? checked(operator, node.vector, 'merge') : operator;
    }
    case 'vector-vector':
      return new BinaryVectorOperator(of(node.left), of(node.right), { ...node, stepCount }, evaluation);
    case 'set':
      return new SetOperator(of(node.left), of(node.right), { ...node, stepCount });
    case 'fold': {
      const parameter = node.parameter === undefined ? undefined : of(node.parameter);
      return new AggregateOperator(of(node.operand), parameter, { ...node, stepCount }, evaluation);
    }
    case 'rank':
      return new RankOperator(of(node.operand), of(node.parameter), { ...node, stepCount }, evaluation);
    case 'count-values':
      return new CountValuesOperator(of(node.operand), { ...node, stepCount });
    case 'pointwise': {
      const operator = new PointwiseOperator(of(node.operand), node.scalars.map(of), node, evaluation);
      if (kernelOf(node.func)?.keepsName === true) return operator;
      return checked(operator, node.operand, 'merge');
    }
    case 'step-time':
      return checked(new StepTimeOperator(of(node.operand), steps, evaluation), node.operand, 'merge');
    case 'to-scalar':
      return new ToScalarOperator(of(node.operand), stepCount);
    case 'to-vector':
      return new ToVectorOperator(of(node.operand));
    case 'absent':
      return new AbsentOperator(of(node.operand), node.labels, stepCount);
    case 'absent-over-time':
      return new AbsentOverTimeOperator({ ...node, steps }, evaluation, build);
    case 'sort':
      return new SortOperator(of(node.operand), node.descending);
    case 'label-replace': {
      const operator = new RelabelOperator(of(node.operand), node.target, replacing(node));
      return { run: () => unique(operator.run(), 'merge', stepCount) };
    }
    case 'label-join': {
      const operator = new RelabelOperator(of(node.operand), node.target, joining(node));
      return { run: () => unique(operator.run(), 'merge', stepCount) };
    }
    case 'histogram-quantile': {
      const question = { kind: 'quantile', quantile: of(node.quantile), position: node.quantilePosition } as const;
      const operator = new HistogramOperator(question, of(node.operand), { ...node, stepCount }, evaluation);
      return checked(operator, node.operand, 'merge');
    }
    case 'histogram-fraction': {
      const question = { kind: 'fraction', lower: of(node.lower), upper: of(node.upper) } as const;
      const operator = new HistogramOperator(question, of(node.operand), { ...node, stepCount }, evaluation);
      return checked(operator, node.operand, 'merge');
    }
    case 'histogram-statistic':
      return checked(new StatisticOperator(of(node.operand), node.statistic, evaluation), node.operand, 'merge');
    case 'once':
      return new OnceOperator(build(node.operand, { ...steps, count: 1 }, evaluation), stepCount);
    case 'string':
    case 'matrix':
      throw new Fault('internal', `broken invariant: a ${node.kind} is not evaluated step by step`);
    default:
      return unreachable(node);
  }
}

function isArithmetic(op: string): boolean {
  return '+-*/%^atan2'.includes(op);
}

/** What a window's series are named like. */
function sourceNode(node: PlanNode & { kind: 'window' }): PlanNode {
  const { source } = node;
  return source.kind === 'subquery' ? source.operand : { kind: 'select', select: source.select, value: 'sample' };
}

/** Whether two series of the result may be equal but for their names. A wrong `true` costs memory, a wrong `false` a check. */
function mayDifferByNameOnly(node: PlanNode): boolean {
  switch (node.kind) {
    case 'select': {
      if (node.value === 'timestamp') return false;
      return !node.select.matchers.some(({ op, name, value }) => op === '=' && name === METRIC_NAME && value !== '');
    }
    case 'window':
      return kernelOf(node.func)?.keepsName === true && mayDifferByNameOnly(sourceNode(node));
    case 'pointwise':
      return kernelOf(node.func)?.keepsName === true && mayDifferByNameOnly(node.operand);
    case 'vector-scalar':
      return !node.bool && !isArithmetic(node.op) && mayDifferByNameOnly(node.vector);
    case 'vector-vector':
      return !node.bool && !isArithmetic(node.op);
    case 'set':
      return node.op === 'or' || mayDifferByNameOnly(node.left);
    case 'fold':
      return !node.grouping.without && node.grouping.labels.includes(METRIC_NAME);
    case 'count-values':
      return node.label === METRIC_NAME || (!node.grouping.without && node.grouping.labels.includes(METRIC_NAME));
    case 'label-replace':
    case 'label-join':
      return true;
    case 'rank':
    case 'sort':
    case 'once':
      return mayDifferByNameOnly(must(node.operand, 'operand'));
    default:
      return false;
  }
}

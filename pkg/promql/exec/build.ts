// Plan node to operator: one switch, which only constructs.

import { must, unreachable } from '../../errors/assert.ts';
import { Fault } from '../../errors/fault.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { kernelOf } from '../functions/table.ts';
import type { PlanNode } from '../plan/node.ts';
import { isInvariant } from '../plan/step-invariant.ts';
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
import { InfoOperator } from './info.ts';
import { Keeper } from './kept.ts';
import { joining, RelabelOperator, replacing } from './label-call.ts';
import { LimitRatioOperator } from './limit-ratio.ts';
import { NothingOperator, NumberOperator, TimeOperator } from './literal.ts';
import { WindowOperator } from './matrix-selector.ts';
import { evaluationOf, measured } from './measured.ts';
import { type Collisions, unique } from './names.ts';
import type { Evaluation, Operator } from './operator.ts';
import { RankOperator } from './rank.ts';
import { SetOperator } from './set-operator.ts';
import { SortOperator } from './sort.ts';
import { SortByLabelOperator } from './sort-by-label.ts';
import { NegateOperator } from './unary.ts';
import { VectorSelectorOperator } from './vector-selector.ts';

/** The operator that computes `node` at `steps`. */
export function build(node: PlanNode, steps: Steps, evaluation: Evaluation): Operator {
  return measured(construct(node, steps, evaluationOf(node, evaluation)), node, evaluation);
}

function construct(node: PlanNode, steps: Steps, evaluation: Evaluation): Operator {
  const of = (child: PlanNode) => build(child, steps, evaluation);
  const stepCount = steps.count;
  const checked = (operator: Operator, operand: PlanNode, collisions: Collisions): Operator => {
    // With delayed removal names are still there to tell series apart; the end of the query checks.
    if (evaluation.delayedNameRemoval || !mayDifferByNameOnly(operand)) return operator;
    return distinct(operator, collisions);
  };
  // What an operator keeps of its operands until it ends counts against the budget.
  const keeper = new Keeper(evaluation.bytes);
  const kept = (child: PlanNode) => keeper.of(of(child));
  const distinct = (operator: Operator, collisions: Collisions): Operator => {
    const isMerging = collisions === 'merge' && stepCount > 1;
    const input = isMerging ? keeper.of(operator) : operator;
    // Only what is merged is kept there.
    const output: Operator = {
      run: (use) => unique(input.run(isMerging ? 'kept' : use), collisions, stepCount),
    };
    return isMerging ? keeper.until(output) : output;
  };
  switch (node.kind) {
    case 'number':
      return new NumberOperator(node.value, stepCount);
    case 'time':
      return new TimeOperator(steps);
    case 'select': {
      const operator = new VectorSelectorOperator({ select: node.select, value: node.value, steps }, evaluation);
      // Without the switch of start timestamps the reference finds none, where with it those that are not known are 0.
      if (node.value === 'start-timestamp' && !evaluation.startTimestamps) return new NothingOperator(operator);
      return node.value !== 'sample' ? checked(operator, { ...node, value: 'sample' }, 'merge') : operator;
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
    case 'vector-vector': {
      const streams = joinStreams(node, evaluation);
      // The many side of a join that streams only passes by.
      const left = streams && node.matching.card === 'many-to-one' ? of(node.left) : kept(node.left);
      const right = streams && node.matching.card === 'one-to-many' ? of(node.right) : kept(node.right);
      return keeper.until(new BinaryVectorOperator(left, right, { ...node, stepCount, streams }, evaluation));
    }
    case 'set': {
      const isKept = node.op === 'or' && stepCount > 1;
      const left = isKept ? kept(node.left) : of(node.left);
      const right = isKept ? kept(node.right) : keeper.of(of(node.right), 'presence');
      return keeper.until(new SetOperator(left, right, { ...node, stepCount }));
    }
    case 'fold': {
      const parameter = node.parameter === undefined ? undefined : of(node.parameter);
      // Quantiles need all their members, everything else forgets them.
      const operand = node.op === 'quantile' ? kept(node.operand) : of(node.operand);
      return keeper.until(new AggregateOperator(operand, parameter, { ...node, stepCount }, evaluation));
    }
    case 'rank':
      return new RankOperator(of(node.operand), of(node.parameter), { ...node, stepCount }, evaluation);
    case 'count-values':
      return new CountValuesOperator(of(node.operand), { ...node, stepCount }, evaluation);
    case 'pointwise': {
      const operator = new PointwiseOperator(of(node.operand), node.scalars.map(of), node, evaluation);
      if (kernelOf(node.func)?.keepsName === true) return operator;
      return checked(operator, node.operand, 'merge');
    }
    case 'step-time':
      return checked(new StepTimeOperator(of(node.operand), steps, evaluation), node.operand, 'merge');
    case 'nothing':
      return new NothingOperator(of(node.operand));
    case 'to-scalar':
      return new ToScalarOperator(of(node.operand), stepCount);
    case 'to-vector':
      return new ToVectorOperator(of(node.operand));
    case 'absent':
      return new AbsentOperator(of(node.operand), node.labels, stepCount);
    case 'absent-over-time':
      return new AbsentOverTimeOperator({ ...node, steps }, evaluation, build);
    case 'sort':
      if (!isInvariant(node.operand)) warnOfSort(node.position, steps, evaluation);
      return keeper.until(new SortOperator(kept(node.operand), node.descending, evaluation));
    case 'info':
      return keeper.until(new InfoOperator(kept(node.operand), { ...node, steps }, evaluation));
    case 'sort-by-label':
      if (!isInvariant(node.operand)) warnOfSort(node.position, steps, evaluation);
      return keeper.until(new SortByLabelOperator(kept(node.operand), node.labels, node.descending, evaluation));
    case 'limit-ratio':
      return new LimitRatioOperator(of(node.operand), of(node.parameter), node.position, evaluation);
    case 'label-replace': {
      const operator = new RelabelOperator(of(node.operand), node.target, replacing(node));
      return distinct(operator, 'merge');
    }
    case 'label-join': {
      const operator = new RelabelOperator(of(node.operand), node.target, joining(node));
      return distinct(operator, 'merge');
    }
    case 'histogram-quantile': {
      const question = { kind: 'quantile', quantile: of(node.quantile), position: node.quantilePosition } as const;
      const operator = new HistogramOperator(question, kept(node.operand), { ...node, stepCount, steps }, evaluation);
      return checked(keeper.until(operator), node.operand, 'merge');
    }
    case 'histogram-quantiles': {
      const quantiles = node.quantiles.map(({ quantile, position }) => ({ quantile: of(quantile), position }));
      const question = { kind: 'quantiles', label: node.label, quantiles } as const;
      return keeper.until(
        new HistogramOperator(question, kept(node.operand), { ...node, stepCount, steps }, evaluation),
      );
    }
    case 'histogram-fraction': {
      const question = { kind: 'fraction', lower: of(node.lower), upper: of(node.upper) } as const;
      const operator = new HistogramOperator(question, kept(node.operand), { ...node, stepCount, steps }, evaluation);
      return checked(keeper.until(operator), node.operand, 'merge');
    }
    case 'histogram-statistic':
      return checked(new StatisticOperator(of(node.operand), node.statistic, evaluation), node.operand, 'merge');
    case 'once':
      return new OnceOperator(build(node.operand, { ...steps, count: 1, endMs: steps.startMs }, evaluation), stepCount);
    case 'string':
    case 'matrix':
      throw new Fault('internal', `broken invariant: a ${node.kind} is not evaluated step by step`);
    default:
      return unreachable(node);
  }
}

/** Whether every series of the many side has results of labels that no other has. */
function joinStreams(node: PlanNode & { kind: 'vector-vector' }, { delayedNameRemoval }: Evaluation): boolean {
  const { card, include, fill } = node.matching;
  // With delayed removal series may differ by names that the result does not have.
  if (card === 'one-to-one' || include.length > 0 || fill !== undefined || delayedNameRemoval) return false;
  return !mayDifferByNameOnly(card === 'many-to-one' ? node.left : node.right);
}

function warnOfSort(position: number, { startMs, endMs = startMs }: Steps, { annotations }: Evaluation): void {
  if (startMs === endMs) return;
  annotations.warn('sort is ineffective for range queries since results are always ordered by labels', position);
}

function isArithmetic(op: string): boolean {
  return op !== '</' && op !== '>/' && '+-*/%^atan2'.includes(op);
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
      if (node.value !== 'sample') return false;
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
    case 'limit-ratio':
    case 'sort':
    case 'sort-by-label':
    case 'info':
    case 'once':
      return mayDifferByNameOnly(must(node.operand, 'operand'));
    default:
      return false;
  }
}

// Logical plan: what is to be computed for a query, with every default filled in, `start()` and `end()` resolved and each
// function sorted by the way it is evaluated. Positions are byte offsets into the expression, for annotations.

import type { Matcher } from '../../model/matcher.ts';
import type { SelectHints } from '../../storage/hints.ts';
import type { FoldOp } from '../functions/aggregations.ts';
import type { ArithmeticOp, ComparisonOp } from '../functions/binary-ops.ts';
import type { HistogramStatistic } from '../functions/native-statistics.ts';
import type { VectorMatching } from '../parser/ast.ts';

/** Series to fetch, and how their times are moved. */
export interface Select {
  readonly matchers: readonly Matcher[];
  readonly hints: SelectHints;
  /** Step t looks at `t - offsetMs`, or at `atMs - offsetMs` when that is given. */
  readonly offsetMs: number;
  readonly atMs: number | undefined;
  /**
   * Of histograms only counts and sums are wanted. As in the reference, buckets are then left out, and counter resets the
   * storage knows nothing about are looked for, which shows in warnings of conflicts.
   */
  readonly numbersOnly: boolean;
}

/** Where windows of samples come from. */
export type WindowSource =
  | { readonly kind: 'selector'; readonly select: Select; readonly rangeMs: number; readonly position: number }
  | {
      readonly kind: 'subquery';
      readonly operand: PlanNode;
      readonly rangeMs: number;
      readonly stepMs: number;
      readonly offsetMs: number;
      readonly atMs: number | undefined;
      readonly position: number;
    };

export interface Grouping {
  readonly labels: readonly string[];
  readonly without: boolean;
}

export type RankOp = 'topk' | 'bottomk' | 'limitk';

export type PlanNode =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'time' }
  | { readonly kind: 'select'; readonly select: Select; readonly value: 'sample' | 'timestamp' }
  /** The windows themselves; only at the root of an instant query. */
  | { readonly kind: 'matrix'; readonly source: WindowSource }
  | {
      readonly kind: 'window';
      readonly func: string;
      readonly source: WindowSource;
      readonly scalars: readonly PlanNode[];
      readonly position: number;
    }
  | { readonly kind: 'negate'; readonly operand: PlanNode; readonly isScalar: boolean }
  | {
      readonly kind: 'scalar-scalar';
      readonly op: ArithmeticOp | ComparisonOp;
      readonly left: PlanNode;
      readonly right: PlanNode;
    }
  | {
      readonly kind: 'vector-scalar';
      readonly op: ArithmeticOp | ComparisonOp;
      readonly bool: boolean;
      readonly vector: PlanNode;
      readonly scalar: PlanNode;
      readonly scalarSide: 'left' | 'right';
      readonly position: number;
    }
  | {
      readonly kind: 'vector-vector';
      readonly op: ArithmeticOp | ComparisonOp;
      readonly bool: boolean;
      readonly matching: VectorMatching;
      readonly left: PlanNode;
      readonly right: PlanNode;
      readonly position: number;
    }
  | {
      readonly kind: 'set';
      readonly op: 'and' | 'or' | 'unless';
      readonly matching: VectorMatching;
      readonly left: PlanNode;
      readonly right: PlanNode;
    }
  | {
      readonly kind: 'fold';
      readonly op: FoldOp;
      readonly grouping: Grouping;
      readonly operand: PlanNode;
      readonly parameter: PlanNode | undefined;
      readonly position: number;
      readonly operandPosition: number;
    }
  | {
      readonly kind: 'rank';
      readonly op: RankOp;
      readonly grouping: Grouping;
      readonly operand: PlanNode;
      readonly parameter: PlanNode;
      readonly position: number;
    }
  | { readonly kind: 'count-values'; readonly label: string; readonly grouping: Grouping; readonly operand: PlanNode }
  | {
      readonly kind: 'pointwise';
      readonly func: string;
      readonly operand: PlanNode;
      readonly scalars: readonly PlanNode[];
      readonly position: number;
    }
  /** `timestamp` of something that is not a selector: the time of each step. */
  | { readonly kind: 'step-time'; readonly operand: PlanNode }
  | { readonly kind: 'to-scalar'; readonly operand: PlanNode }
  | { readonly kind: 'to-vector'; readonly operand: PlanNode }
  /** Labels are name and value in turn. */
  | { readonly kind: 'absent'; readonly operand: PlanNode; readonly labels: readonly (readonly [string, string])[] }
  | {
      readonly kind: 'absent-over-time';
      readonly source: WindowSource;
      readonly labels: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'sort'; readonly operand: PlanNode; readonly descending: boolean }
  | {
      readonly kind: 'label-replace';
      readonly operand: PlanNode;
      readonly target: string;
      readonly template: string;
      readonly source: string;
      readonly pattern: string;
    }
  | {
      readonly kind: 'label-join';
      readonly operand: PlanNode;
      readonly target: string;
      readonly separator: string;
      readonly sources: readonly string[];
    }
  | {
      readonly kind: 'histogram-quantile';
      readonly quantile: PlanNode;
      readonly operand: PlanNode;
      readonly quantilePosition: number;
      readonly operandPosition: number;
    }
  | {
      readonly kind: 'histogram-fraction';
      readonly lower: PlanNode;
      readonly upper: PlanNode;
      readonly operand: PlanNode;
      readonly operandPosition: number;
    }
  /** A number out of each native histogram: floats have no part in it. */
  | { readonly kind: 'histogram-statistic'; readonly statistic: HistogramStatistic; readonly operand: PlanNode }
  /** Computed at the first step and repeated for every other. */
  | { readonly kind: 'once'; readonly operand: PlanNode };

/** The same node over other children: passes rewrite trees with it. Children inside window sources are included. */
export function mapChildren(node: PlanNode, change: (child: PlanNode) => PlanNode): PlanNode {
  switch (node.kind) {
    case 'number':
    case 'string':
    case 'time':
    case 'select':
      return node;
    case 'matrix':
    case 'absent-over-time':
      return { ...node, source: mapSource(node.source, change) };
    case 'window':
      return { ...node, source: mapSource(node.source, change), scalars: node.scalars.map(change) };
    case 'scalar-scalar':
    case 'vector-vector':
    case 'set':
      return { ...node, left: change(node.left), right: change(node.right) };
    case 'vector-scalar':
      return { ...node, vector: change(node.vector), scalar: change(node.scalar) };
    case 'fold':
      return {
        ...node,
        operand: change(node.operand),
        parameter: node.parameter === undefined ? undefined : change(node.parameter),
      };
    case 'rank':
      return { ...node, operand: change(node.operand), parameter: change(node.parameter) };
    case 'pointwise':
      return { ...node, operand: change(node.operand), scalars: node.scalars.map(change) };
    case 'histogram-quantile':
      return { ...node, operand: change(node.operand), quantile: change(node.quantile) };
    case 'histogram-fraction':
      return { ...node, operand: change(node.operand), lower: change(node.lower), upper: change(node.upper) };
    default:
      return { ...node, operand: change(node.operand) };
  }
}

function mapSource(source: WindowSource, change: (child: PlanNode) => PlanNode): WindowSource {
  return source.kind === 'subquery' ? { ...source, operand: change(source.operand) } : source;
}

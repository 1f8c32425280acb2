// Logical plan: what is to be computed for a query, with every default filled in, `start()` and `end()` resolved and each
// function sorted by the way it is evaluated. Positions are byte offsets into the expression, for annotations.

import type { Matcher } from '../../model/matcher.ts';
import type { SelectHints } from '../../storage/hints.ts';
import type { FoldOp } from '../functions/aggregations.ts';
import type { ArithmeticOp, ComparisonOp, TrimOp } from '../functions/binary-ops.ts';
import type { HistogramStatistic } from '../functions/native-statistics.ts';
import type { RangeEdge, VectorMatching } from '../parser/ast.ts';

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
  /** How the edges of the window are made of samples beyond them. */
  readonly edge?: RangeEdge | undefined;
  /** Where annotations about the selector itself point to. */
  readonly position: number;
  /** Selects of one query with the same number are fetched once, by these matchers. */
  readonly shared?: { readonly number: number; readonly matchers: readonly Matcher[] };
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

/** What an instant selector gives: the sample, or a time of it in seconds. */
export type SelectedValue = 'sample' | 'timestamp' | 'start-timestamp';

/** A quantile that histogram_quantiles asks for. */
export interface AskedQuantile {
  readonly quantile: PlanNode;
  readonly position: number;
}

export type PlanNode =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'time' }
  | { readonly kind: 'select'; readonly select: Select; readonly value: SelectedValue }
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
      readonly op: ArithmeticOp | ComparisonOp | 'min_of' | 'max_of';
      readonly left: PlanNode;
      readonly right: PlanNode;
    }
  | {
      readonly kind: 'vector-scalar';
      readonly op: ArithmeticOp | ComparisonOp | TrimOp;
      readonly bool: boolean;
      readonly vector: PlanNode;
      readonly scalar: PlanNode;
      readonly scalarSide: 'left' | 'right';
      readonly position: number;
    }
  | {
      readonly kind: 'vector-vector';
      readonly op: ArithmeticOp | ComparisonOp | TrimOp;
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
  /** No series, whatever the operand has: `start_timestamp` of what is no selector. */
  | { readonly kind: 'nothing'; readonly operand: PlanNode }
  | { readonly kind: 'to-scalar'; readonly operand: PlanNode }
  | { readonly kind: 'to-vector'; readonly operand: PlanNode }
  /** Labels are name and value in turn. */
  | { readonly kind: 'absent'; readonly operand: PlanNode; readonly labels: readonly (readonly [string, string])[] }
  | {
      readonly kind: 'absent-over-time';
      readonly source: WindowSource;
      readonly labels: readonly (readonly [string, string])[];
    }
  | {
      readonly kind: 'sort';
      readonly operand: PlanNode;
      readonly descending: boolean;
      /** Where annotations point to. */
      readonly position: number;
    }
  | {
      readonly kind: 'sort-by-label';
      readonly operand: PlanNode;
      readonly labels: readonly string[];
      readonly descending: boolean;
      readonly position: number;
    }
  | {
      readonly kind: 'limit-ratio';
      readonly operand: PlanNode;
      readonly parameter: PlanNode;
      readonly position: number;
    }
  | {
      readonly kind: 'histogram-quantiles';
      readonly operand: PlanNode;
      readonly label: string;
      readonly quantiles: readonly AskedQuantile[];
      readonly operandPosition: number;
    }
  | {
      /** The operand's series with labels of info series, which are the other selects. */
      readonly kind: 'info';
      readonly operand: PlanNode;
      readonly info: Select;
      readonly labels: readonly Matcher[];
    }
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
    case 'limit-ratio':
      return { ...node, operand: change(node.operand), parameter: change(node.parameter) };
    case 'histogram-quantiles':
      return {
        ...node,
        operand: change(node.operand),
        quantiles: node.quantiles.map((asked) => ({ ...asked, quantile: change(asked.quantile) })),
      };
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

/** The nodes right below, left before right, those inside window sources included. */
export function childrenOf(node: PlanNode): readonly PlanNode[] {
  const children: PlanNode[] = [];
  mapChildren(node, (child) => {
    children.push(child);
    return child;
  });
  return children;
}

function mapSource(source: WindowSource, change: (child: PlanNode) => PlanNode): WindowSource {
  return source.kind === 'subquery' ? { ...source, operand: change(source.operand) } : source;
}

// The syntax tree, as one discriminated union. Positions are UTF-8 byte offsets into the expression text, `end`
// exclusive, as Prometheus counts them. Durations and times are milliseconds.

import type { Matcher } from '../../model/matcher.ts';

export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Node {
  readonly span: Span;
}

export interface NumberLiteral extends Node {
  readonly kind: 'number';
  readonly value: number;
  /** Written as a duration (`1h30m` for 5400): only printing cares. */
  readonly duration?: boolean;
}

export interface StringLiteral extends Node {
  readonly kind: 'string';
  readonly value: string;
}

/**
 * A duration that is computed, in seconds: it is known once the step and the range of the query are. `wrapped` says that
 * it stood in parentheses, which only printing cares about.
 */
export type DurationExpression =
  | { readonly kind: 'number'; readonly value: number; readonly duration: boolean; readonly span: Span }
  | {
      readonly kind: 'query';
      /** The step or the range (end less start) of the query; both are 0 for an instant query. */
      readonly what: 'step' | 'range';
      readonly wrapped: boolean;
      readonly span: Span;
    }
  | {
      /** A sign; `+` is kept only where the reference keeps it. */
      readonly kind: 'sign';
      readonly op: '+' | '-';
      readonly operand: DurationExpression;
      readonly wrapped: boolean;
      readonly span: Span;
    }
  | {
      readonly kind: 'binary';
      readonly op: '+' | '-' | '*' | '/' | '%' | '^' | 'min_of' | 'max_of';
      readonly left: DurationExpression;
      readonly right: DurationExpression;
      readonly wrapped: boolean;
      readonly span: Span;
    };

/** How a selector looks at what lies beyond the edges of its window. */
export type RangeEdge = 'anchored' | 'smoothed';

/** `@ 123` in ms, `@ start()`, `@ end()`. */
export type AtModifier =
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

export interface VectorSelector extends Node {
  readonly kind: 'vector-selector';
  /** '' when the metric name stands in a matcher or is missing. */
  readonly name: string;
  /** Includes the equality matcher on `__name__` that `name` stands for. */
  readonly matchers: readonly Matcher[];
  /** Positive looks into the past. */
  readonly offsetMs: number;
  /** Where the offset is computed; `offsetMs` is 0 until `resolveDurations` has run. */
  readonly offsetExpression?: DurationExpression | undefined;
  readonly at: AtModifier | undefined;
  readonly edge?: RangeEdge | undefined;
}

export interface MatrixSelector extends Node {
  readonly kind: 'matrix-selector';
  readonly selector: VectorSelector;
  readonly rangeMs: number;
  readonly rangeExpression?: DurationExpression | undefined;
}

export interface Subquery extends Node {
  readonly kind: 'subquery';
  readonly expression: Expression;
  readonly rangeMs: number;
  /** 0 means the default evaluation interval. */
  readonly stepMs: number;
  readonly offsetMs: number;
  readonly rangeExpression?: DurationExpression | undefined;
  readonly stepExpression?: DurationExpression | undefined;
  readonly offsetExpression?: DurationExpression | undefined;
  readonly at: AtModifier | undefined;
}

export interface Unary extends Node {
  readonly kind: 'unary';
  readonly op: '+' | '-';
  readonly operand: Expression;
}

export interface Paren extends Node {
  readonly kind: 'paren';
  readonly expression: Expression;
}

export type BinaryOp =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | 'atan2'
  | '=='
  | '!='
  | '>'
  | '<'
  | '>='
  | '<='
  | '</'
  | '>/'
  | 'and'
  | 'or'
  | 'unless';

export interface VectorMatching {
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** True for `on`, false for `ignoring` or nothing. */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels of group_left or group_right. */
  readonly include: readonly string[];
  /** What stands for a sample that one side lacks. */
  readonly fill?: { readonly left: number | undefined; readonly right: number | undefined } | undefined;
}

export interface Binary extends Node {
  readonly kind: 'binary';
  readonly op: BinaryOp;
  readonly left: Expression;
  readonly right: Expression;
  readonly bool: boolean;
  /** Present when both sides are vectors. */
  readonly matching: VectorMatching | undefined;
}

export type AggregateOp =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'count_values'
  | 'quantile'
  | 'limitk'
  | 'limit_ratio';

export interface Aggregation extends Node {
  readonly kind: 'aggregation';
  readonly op: AggregateOp;
  readonly expression: Expression;
  /** k, q, ratio, or the label of count_values. */
  readonly parameter: Expression | undefined;
  readonly grouping: readonly string[];
  readonly without: boolean;
}

export interface Call extends Node {
  readonly kind: 'call';
  readonly func: string;
  readonly args: readonly Expression[];
}

export type Expression =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Unary
  | Paren
  | Binary
  | Aggregation
  | Call;

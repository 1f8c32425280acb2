// Computes the durations that depend on the query: `[step() * 2]`, `offset (range() / 4)`.

import { Fault } from '../../errors/fault.ts';
import type { DurationExpression, Expression, Span, VectorSelector } from './ast.ts';

/** Of an instant query both are 0. */
export interface QueryTimes {
  readonly stepMs: number;
  readonly rangeMs: number;
}

/**
 * The tree with every range, offset and step in milliseconds. Throws `invalid` with the text of the reference, which gives
 * the place as first and last byte: `2:9: duration must be greater than 0`.
 */
export function resolveDurations(node: Expression, times: QueryTimes): Expression {
  const of = (child: Expression): Expression => resolveDurations(child, times);
  switch (node.kind) {
    case 'number':
    case 'string':
      return node;
    case 'vector-selector':
      return resolvedSelector(node, times);
    case 'matrix-selector': {
      const selector = resolvedSelector(node.selector, times);
      const { rangeExpression } = node;
      if (selector === node.selector && rangeExpression === undefined) return node;
      return { ...node, selector, rangeMs: positive(rangeExpression, node.rangeMs, times) };
    }
    case 'subquery':
      return {
        ...node,
        expression: of(node.expression),
        rangeMs: positive(node.rangeExpression, node.rangeMs, times),
        stepMs: positive(node.stepExpression, node.stepMs, times),
        offsetMs: node.offsetExpression === undefined ? node.offsetMs : millisecondsOf(node.offsetExpression, times),
      };
    case 'unary':
      return { ...node, operand: of(node.operand) };
    case 'paren':
      return { ...node, expression: of(node.expression) };
    case 'binary':
      return { ...node, left: of(node.left), right: of(node.right) };
    case 'aggregation':
      return {
        ...node,
        expression: of(node.expression),
        parameter: node.parameter === undefined ? undefined : of(node.parameter),
      };
    case 'call':
      return { ...node, args: node.args.map(of) };
  }
}

function resolvedSelector(node: VectorSelector, times: QueryTimes): VectorSelector {
  if (node.offsetExpression === undefined) return node;
  return { ...node, offsetMs: millisecondsOf(node.offsetExpression, times) };
}

function positive(expression: DurationExpression | undefined, literalMs: number, times: QueryTimes): number {
  if (expression === undefined) return literalMs;
  const seconds = secondsOf(expression, times);
  // NaN is let through by the reference's comparison too, and is then out of range.
  if (seconds <= 0) throw mistake(expression.span, 'duration must be greater than 0');
  return toMilliseconds(seconds, expression.span);
}

function millisecondsOf(expression: DurationExpression, times: QueryTimes): number {
  return toMilliseconds(secondsOf(expression, times), expression.span);
}

/** As far as int64 nanoseconds go. */
function toMilliseconds(seconds: number, span: Span): number {
  if (!(Math.abs(seconds) * 1e9 < 2 ** 63)) throw mistake(span, 'duration is out of range');
  return Math.trunc(seconds * 1000);
}

function secondsOf(node: DurationExpression, times: QueryTimes): number {
  switch (node.kind) {
    case 'number':
      return node.value;
    case 'query':
      return (node.what === 'step' ? times.stepMs : times.rangeMs) / 1000;
    case 'sign': {
      const operand = secondsOf(node.operand, times);
      return node.op === '-' ? -operand : operand;
    }
    case 'binary': {
      const left = secondsOf(node.left, times);
      const right = secondsOf(node.right, times);
      if (right === 0 && node.op === '/') throw mistake(node.span, 'division by zero');
      if (right === 0 && node.op === '%') throw mistake(node.span, 'modulo by zero');
      return operations[node.op](left, right);
    }
  }
}

const operations: Readonly<
  Record<Extract<DurationExpression, { kind: 'binary' }>['op'], (a: number, b: number) => number>
> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
  min_of: Math.min,
  max_of: Math.max,
};

function mistake({ start, end }: Span, what: string): Fault {
  return new Fault('invalid', `${start}:${end}: ${what}`);
}

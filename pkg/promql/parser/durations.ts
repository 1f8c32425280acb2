// Durations behind `offset` and in brackets: literals, and expressions of them (`5m * 2`, `step() + 1s`), which are read
// here and computed by resolve-durations.ts.

import type { DurationExpression, Span } from './ast.ts';
import { durationOf, numberOf } from './numbers.ts';
import type { ErrorContext, TokenReader } from './token-reader.ts';
import { DURATION, NUMBER, precedence, UNARY_PRECEDENCE } from './tokens.ts';

/** What was read: milliseconds, or 0 and the expression that says how many. */
export interface ReadDuration {
  readonly ms: number;
  readonly expression: DurationExpression | undefined;
}

const hope = 'number, duration, step(), or range()';
const offsetContext = { where: 'offset', expected: hope };
export const rangeContext: ErrorContext = { where: 'subquery or range selector', expected: hope };
export const stepContext: ErrorContext = {
  where: 'subquery selector',
  expected: 'number, duration, step(), range(), or "]"',
};

/** Deeper nesting than this is refused: the recursion must not exhaust the stack. */
const DEEPEST = 500;

/**
 * The offset; positive looks into the past. Operators need parentheses: without, they work on the selector. Behind
 * parentheses, as in the reference, they go on with the offset: `x offset (5m) + 1` is `x offset ((5m) + 1)`.
 */
export function readOffset(reader: TokenReader): ReadDuration {
  const durations = new Durations(reader);
  const continues = reader.peek().kind === '(';
  return finished(reader.within(offsetContext, () => (continues ? durations.expression(0) : durations.operand(true))));
}

/** What stands behind `[` or `:`; a literal must be greater than zero. */
export function readPositive(reader: TokenReader, context: ErrorContext): ReadDuration {
  const at = reader.peek().start;
  const read = finished(reader.within(context, () => new Durations(reader).expression(0)));
  if (read.expression === undefined && read.ms <= 0) throw reader.mistake(at, 'duration must be greater than 0');
  return read;
}

/** A literal is worth its milliseconds exactly, whatever its seconds are as a double. */
interface Read {
  readonly node: DurationExpression;
  readonly literalMs: number | undefined;
}

function finished({ node, literalMs }: Read): ReadDuration {
  return literalMs === undefined ? { ms: 0, expression: node } : { ms: literalMs, expression: undefined };
}

class Durations {
  readonly #reader: TokenReader;
  #depth = 0;
  #operators = 0;

  constructor(reader: TokenReader) {
    this.#reader = reader;
  }

  expression(least: number): Read {
    const reader = this.#reader;
    if (++this.#depth > DEEPEST) throw reader.mistake(reader.peek().start, 'expression is nested too deeply');
    let left = this.operand(false);
    for (;;) {
      const { kind, start: at } = reader.peek();
      const binding = '+-*/%^'.includes(kind) ? precedence.get(kind)! : 0;
      if (binding === 0 || binding < least) break;
      reader.take();
      // A sum is a tree as high as it is long.
      if (++this.#operators > DEEPEST) throw reader.mistake(at, 'expression is nested too deeply');
      const right = this.expression(kind === '^' ? binding : binding + 1);
      if (right.node.kind === 'number' && right.node.value === 0) {
        if (kind === '/') throw reader.mistake(at, 'division by zero');
        if (kind === '%') throw reader.mistake(at, 'modulo by zero');
      }
      const span = { start: left.node.span.start, end: right.node.span.end };
      const op = kind as '+' | '-' | '*' | '/' | '%' | '^';
      left = computed({ kind: 'binary', op, left: left.node, right: right.node, wrapped: false, span });
    }
    this.#depth--;
    return left;
  }

  /** `single`: a sign belongs to one operand and not to a power. */
  operand(single: boolean): Read {
    const reader = this.#reader;
    const { kind, start } = reader.peek();
    const span = (): Span => ({ start, end: reader.lastEnd });
    if (kind === NUMBER || kind === DURATION) {
      const token = reader.take();
      const literalMs = durationOf(token, reader);
      // More than milliseconds matter inside an expression.
      const value = numberOf(token, reader);
      return { node: { kind: 'number', value, duration: kind === DURATION, span: span() }, literalMs };
    }
    if (kind === '+' || kind === '-') {
      reader.take();
      if (++this.#depth > DEEPEST) throw reader.mistake(start, 'expression is nested too deeply');
      const inner = single ? this.operand(true) : this.expression(UNARY_PRECEDENCE + 1);
      this.#depth--;
      return signed(kind, inner, span(), single);
    }
    if (kind === '(') {
      reader.take();
      const inner = this.expression(0);
      reader.expect(')');
      return computed(wrapped(inner.node, span()));
    }
    if (kind === 'step' || kind === 'range') {
      reader.take();
      reader.expect('(');
      reader.expect(')');
      return computed({ kind: 'query', what: kind, wrapped: false, span: span() });
    }
    if (kind === 'min_of' || kind === 'max_of') {
      reader.take();
      reader.expect('(');
      const left = this.expression(0).node;
      reader.expect(',');
      const right = this.expression(0).node;
      reader.expect(')');
      return computed({ kind: 'binary', op: kind, left, right, wrapped: false, span: span() });
    }
    throw reader.unexpected();
  }
}

function computed(node: DurationExpression): Read {
  return { node, literalMs: undefined };
}

/** A sign changes a literal and leaves, when it is `+`, all but calls behind `offset` as they are. */
function signed(op: '+' | '-', { node, literalMs }: Read, span: Span, single: boolean): Read {
  if (node.kind === 'number' && literalMs !== undefined) {
    const sign = op === '-' ? -1 : 1;
    return { node: { ...node, value: sign * node.value, span }, literalMs: sign * literalMs };
  }
  const isCall = node.kind === 'binary' && (node.op === 'min_of' || node.op === 'max_of');
  if (op === '+' && !(single && isCall && !node.wrapped)) return computed(node);
  return computed({ kind: 'sign', op, operand: node, wrapped: false, span });
}

/** In parentheses a literal becomes an expression; more parentheses change nothing. */
function wrapped(node: DurationExpression, span: Span): DurationExpression {
  if (node.kind === 'number') return { kind: 'sign', op: '+', operand: node, wrapped: true, span };
  return { ...node, wrapped: true };
}

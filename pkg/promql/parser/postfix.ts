// What may follow an operand: `offset`, `@`, a range, a subquery.

import type { AtModifier, Expression, MatrixSelector, RangeEdge, Span, Subquery, VectorSelector } from './ast.ts';
import { type ReadDuration, rangeContext, readOffset, readPositive, stepContext } from './durations.ts';
import { numberOf } from './numbers.ts';
import type { TokenReader } from './token-reader.ts';
import { DURATION, NUMBER } from './tokens.ts';

const SUBJECTS = 'an instant vector selector or range vector selector or a subquery';

/**
 * The expression together with the modifier or bracket behind it; undefined when none is there. `edges`: `anchored` and
 * `smoothed` are enabled.
 */
export function readPostfix(reader: TokenReader, subject: Expression, edges: boolean): Expression | undefined {
  switch (reader.peek().kind) {
    case 'offset':
      reader.take();
      return withOffset(reader, subject, readOffset(reader));
    case '@':
      reader.take();
      return withAt(reader, subject, readAt(reader));
    case '[':
      return readBracket(reader, subject);
    case 'anchored':
    case 'smoothed': {
      const edge = reader.take().kind as RangeEdge;
      if (!edges) throw reader.mistake(subject.span.start, `${edge} modifier is experimental and not enabled`);
      return withEdge(reader, subject, edge);
    }
    default:
      return undefined;
  }
}

function readBracket(reader: TokenReader, subject: Expression): Expression {
  const bracket = reader.take();
  const range = readPositive(reader, rangeContext);
  if (reader.accept(']')) return matrixOf(reader, subject, range, bracket.start);
  reader.expect(':', 'subquery or range', '":" or "]"');
  const step = reader.peek().kind === ']' ? undefined : readPositive(reader, stepContext);
  reader.expect(']', 'subquery selector', '"]"');
  return {
    kind: 'subquery',
    expression: subject,
    rangeMs: range.ms,
    stepMs: step?.ms ?? 0,
    offsetMs: 0,
    rangeExpression: range.expression,
    stepExpression: step?.expression,
    at: undefined,
    span: { start: subject.span.start, end: reader.lastEnd },
  };
}

function matrixOf(reader: TokenReader, subject: Expression, range: ReadDuration, at: number): MatrixSelector {
  if (subject.kind !== 'vector-selector') throw reader.mistake(at, 'ranges only allowed for vector selectors');
  if (subject.offsetMs !== 0) throw reader.mistake(at, 'no offset modifiers allowed before range');
  // The reference lets start() and end() pass here.
  if (subject.at?.kind === 'time') throw reader.mistake(at, 'no @ modifiers allowed before range');
  const span = { start: subject.span.start, end: reader.lastEnd };
  return { kind: 'matrix-selector', selector: subject, rangeMs: range.ms, rangeExpression: range.expression, span };
}

/** What offset and `@` change: a selector, the selector inside a range, or a subquery. */
function change(
  subject: Expression,
  end: number,
  apply: <T extends VectorSelector | Subquery>(node: T, span: Span) => T,
): Expression | undefined {
  const span = { start: subject.span.start, end };
  if (subject.kind === 'vector-selector' || subject.kind === 'subquery') return apply(subject, span);
  if (subject.kind === 'matrix-selector')
    return { ...subject, selector: apply(subject.selector, subject.selector.span), span };
  return undefined;
}

function withOffset(reader: TokenReader, subject: Expression, offset: ReadDuration): Expression {
  const changed = change(subject, reader.lastEnd, (node, span) => {
    if (node.offsetMs !== 0 || node.offsetExpression !== undefined)
      throw reader.mistake(subject.span.start, 'offset may not be set multiple times');
    return { ...node, offsetMs: offset.ms, offsetExpression: offset.expression, span };
  });
  if (changed !== undefined) return changed;
  throw reader.mistake(subject.span.start, `offset modifier must be preceded by ${SUBJECTS}`);
}

function withEdge(reader: TokenReader, subject: Expression, edge: RangeEdge): Expression {
  const { start } = subject.span;
  if (subject.kind === 'subquery') throw reader.mistake(start, `${edge} modifier is not supported for subqueries`);
  const span = { start, end: reader.lastEnd };
  if (subject.kind === 'vector-selector') return { ...subject, edge: oneEdge(reader, subject, edge), span };
  if (subject.kind !== 'matrix-selector') throw reader.mistake(start, `${edge} modifier not implemented`);
  return { ...subject, selector: { ...subject.selector, edge: oneEdge(reader, subject.selector, edge) }, span };
}

function oneEdge(reader: TokenReader, selector: VectorSelector, edge: RangeEdge): RangeEdge {
  if (selector.edge === undefined || selector.edge === edge) return edge;
  throw reader.mistake(selector.span.start, 'anchored and smoothed modifiers cannot be used together');
}

function withAt(reader: TokenReader, subject: Expression, at: AtModifier | number): Expression {
  const { start } = subject.span;
  const modifier = typeof at === 'number' ? atTime(reader, at, start) : at;
  const changed = change(subject, reader.lastEnd, (node, span) => {
    if (node.at !== undefined) throw reader.mistake(start, '@ <timestamp> may not be set multiple times');
    return { ...node, at: modifier, span };
  });
  if (changed !== undefined) return changed;
  throw reader.mistake(start, `@ modifier must be preceded by ${SUBJECTS}`);
}

function atTime(reader: TokenReader, seconds: number, start: number): AtModifier {
  if (!(seconds < 2 ** 63 && seconds > -(2 ** 63))) {
    throw reader.mistake(start, `timestamp out of bounds for @ modifier: ${printF(seconds)}`);
  }
  return { kind: 'time', timeMs: roundHalfAway(seconds * 1000) };
}

/** As Go's %f. */
function printF(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

/** Go's rounding; times past int64 wrap to its least value there. */
function roundHalfAway(ms: number): number {
  const rounded = Math.sign(ms) * Math.round(Math.abs(ms));
  return Math.abs(rounded) >= 2 ** 63 ? -(2 ** 63) : rounded + 0;
}

/** Behind `@`: seconds, or one of start() and end(). */
function readAt(reader: TokenReader): AtModifier | number {
  return reader.within({ where: '@', expected: 'timestamp' }, () => {
    const { kind } = reader.peek();
    if (kind === 'start' || kind === 'end') {
      reader.take();
      reader.expect('(');
      reader.expect(')');
      return { kind };
    }
    const sign = kind === '+' || kind === '-' ? reader.take().kind : '+';
    const token = reader.peek();
    if (token.kind !== NUMBER && token.kind !== DURATION) throw reader.unexpected();
    const value = numberOf(reader.take(), reader);
    return sign === '-' ? -value : value;
  });
}

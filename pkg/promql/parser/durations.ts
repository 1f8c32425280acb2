// Durations behind `offset` and in brackets. Whole duration expressions (`5m * 2`, `step()`) are read, so that mistakes
// in them are reported where they are, and then refused: the reference hides them behind a feature flag.

import type { Fault } from '../../errors/fault.ts';
import { durationOf } from './numbers.ts';
import type { ErrorContext, TokenReader } from './token-reader.ts';
import { DURATION, NUMBER, precedence, UNARY_PRECEDENCE } from './tokens.ts';

/** The offset in ms; positive looks into the past. */
export function readOffset(reader: TokenReader): number {
  return reader.within({ where: 'offset', expected: 'number, duration, or step()' }, () => readOperand(reader, true));
}

/** What stands behind `[` or `:`, in ms, greater than zero. */
export function readPositive(reader: TokenReader, context: ErrorContext): number {
  const at = reader.peek().start;
  const durationMs = reader.within(context, () => readExpression(reader, 0));
  if (durationMs <= 0) throw reader.mistake(at, 'duration must be greater than 0');
  return durationMs;
}

function readExpression(reader: TokenReader, least: number): number {
  const at = reader.peek().start;
  const left = readOperand(reader, false);
  for (;;) {
    const { kind } = reader.peek();
    const binding = '+-*/%^'.includes(kind) ? precedence.get(kind)! : 0;
    if (binding === 0 || binding < least) return left;
    reader.take();
    readExpression(reader, kind === '^' ? binding : binding + 1);
    throw refusal(reader, at);
  }
}

function readOperand(reader: TokenReader, single: boolean): number {
  const { kind, start } = reader.peek();
  if (kind === NUMBER || kind === DURATION) return durationOf(reader.take(), reader);
  if (kind === '+' || kind === '-') {
    reader.take();
    const operand = single ? readOperand(reader, true) : readExpression(reader, UNARY_PRECEDENCE + 1);
    return kind === '-' ? -operand : operand;
  }
  if (kind === '(') {
    reader.take();
    const at = reader.peek().start;
    readExpression(reader, 0);
    reader.expect(')');
    throw refusal(reader, at);
  }
  if (kind === 'step') {
    reader.take();
    reader.expect('(');
    reader.expect(')');
    throw refusal(reader, start);
  }
  if (kind === 'min' || kind === 'max') {
    reader.take();
    reader.expect('(');
    readExpression(reader, 0);
    reader.expect(',');
    readExpression(reader, 0);
    reader.expect(')');
    throw refusal(reader, start);
  }
  throw reader.unexpected();
}

function refusal(reader: TokenReader, at: number): Fault {
  return reader.mistake(at, 'experimental duration expression is not enabled');
}

// Text to tree: the doors of the parser. See grammar.ts for the expressions, matchers.ts for what stands in braces.

import { Fault } from '../../errors/fault.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { Expression } from './ast.ts';
import { check, checkName } from './check.ts';
import { Grammar } from './grammar.ts';
import { checkHeight } from './height.ts';
import { TokenReader } from './token-reader.ts';

export interface ParseOptions {
  /** Accepts the functions and aggregations behind `promql-experimental-functions`. */
  readonly experimental?: boolean;
  /** Accepts `anchored` and `smoothed`, which are behind `promql-extended-range-selectors`. */
  readonly extendedRangeSelectors?: boolean;
  /** Accepts `fill`, `fill_left` and `fill_right`, which are behind `promql-binop-fill-modifiers`. */
  readonly fillModifiers?: boolean;
}

/**
 * The typed tree of an expression. Throws `invalid` with `1:6: parse error: ...`, position and text being those of
 * Prometheus. Durations that are computed are left as expressions: see `resolveDurations`.
 */
export function parse(text: string, options: ParseOptions = {}): Expression {
  const reader = new TokenReader(text);
  const expression = new Grammar(reader, {
    experimental: options.experimental === true,
    extendedRangeSelectors: options.extendedRangeSelectors === true,
    fillModifiers: options.fillModifiers === true,
  }).whole();
  checkHeight(expression, reader);
  return check(expression, reader);
}

/**
 * The matchers of a selector, as match[] takes it. A matcher list that matches everything (`{}`) is accepted: callers
 * decide. Modifiers behind the selector are accepted and mean nothing. Throws `invalid` for anything else.
 */
export function parseSelector(text: string): Matcher[] {
  const reader = new TokenReader(text);
  const all = { experimental: true, extendedRangeSelectors: true, fillModifiers: true };
  const expression = new Grammar(reader, all).whole();
  if (expression.kind !== 'vector-selector')
    throw new Fault('invalid', `expected an instant vector selector, got ${kindNames[expression.kind]}`);
  checkName(expression, reader);
  return [...expression.matchers];
}

const kindNames: Readonly<Record<Expression['kind'], string>> = {
  number: 'a number',
  string: 'a string',
  'vector-selector': 'an instant vector selector',
  'matrix-selector': 'a range vector selector',
  subquery: 'a subquery',
  unary: 'a unary expression',
  paren: 'an expression in parentheses',
  binary: 'a binary expression',
  aggregation: 'an aggregation',
  call: 'a function call',
};

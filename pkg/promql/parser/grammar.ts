// The grammar of expressions, by recursive descent: operators by precedence, then what may follow an operand.

import { METRIC_NAME } from '../../model/labels.ts';
import { Matcher } from '../../model/matcher.ts';
import type { AggregateOp, Binary, BinaryOp, Expression, Span, VectorMatching, VectorSelector } from './ast.ts';
import { signatureOf } from './functions.ts';
import { readMatchers } from './matchers.ts';
import { numberOf } from './numbers.ts';
import { readPostfix } from './postfix.ts';
import { quote, unquote } from './quote.ts';
import { fromByteString } from './source.ts';
import type { TokenReader } from './token-reader.ts';
import {
  aggregateOps,
  DURATION,
  END,
  experimentalAggregateOps,
  functionWords,
  IDENTIFIER,
  isWord,
  NUMBER,
  notNames,
  parameterOps,
  precedence,
  STRING,
  setOps,
  type Token,
  UNARY_PRECEDENCE,
} from './tokens.ts';

/** Deeper nesting than this is refused: the recursion must not exhaust the stack. */
const DEEPEST = 1000;

const aggregationContext = { where: 'aggregation', expected: '' };
const GROUPING = 'grouping opts';

/** What is part of the language only when its switch is on. */
export interface Switches {
  readonly experimental: boolean;
  readonly extendedRangeSelectors: boolean;
  readonly fillModifiers: boolean;
}

export class Grammar {
  readonly #reader: TokenReader;
  readonly #switches: Switches;
  #depth = 0;

  constructor(reader: TokenReader, switches: Switches) {
    this.#reader = reader;
    this.#switches = switches;
  }

  /** One expression and nothing behind it. */
  whole(): Expression {
    const reader = this.#reader;
    if (reader.peek().kind === END) throw reader.mistake(0, 'no expression found in input');
    const expression = this.#binary(0);
    if (reader.peek().kind !== END) throw reader.unexpected();
    return expression;
  }

  #binary(least: number): Expression {
    if (++this.#depth > DEEPEST)
      throw this.#reader.mistake(this.#reader.peek().start, 'expression is nested too deeply');
    const reader = this.#reader;
    let left = this.#unary();
    for (;;) {
      const op = reader.peek().kind as BinaryOp;
      const binding = precedence.get(op);
      if (binding === undefined || binding < least) break;
      reader.take();
      left = this.#rightSide(left, op, op === '^' ? binding : binding + 1);
    }
    this.#depth--;
    return left;
  }

  #rightSide(left: Expression, op: BinaryOp, least: number): Binary {
    const reader = this.#reader;
    const bool = reader.accept('bool') !== undefined;
    let matching: VectorMatching = { card: 'one-to-one', on: false, labels: [], include: [] };
    const keyword = reader.peek().kind;
    if (keyword === 'on' || keyword === 'ignoring') {
      reader.take();
      matching = { ...matching, on: keyword === 'on', labels: this.#grouping() };
      const side = reader.peek().kind;
      if (side === 'group_left' || side === 'group_right') {
        reader.take();
        // Labels may be left out, but only where an operand follows.
        const next = reader.peek().kind;
        const include = next === '(' || !startsExpression(next) ? this.#grouping() : [];
        matching = { ...matching, card: side === 'group_left' ? 'many-to-one' : 'one-to-many', include };
      }
    }
    const fill = this.#fill();
    if (fill !== undefined) matching = { ...matching, fill };
    const right = this.#binary(least);
    if (fill !== undefined && !this.#switches.fillModifiers)
      throw reader.mistake(left.span.start, 'binop fill modifiers are experimental and not enabled');
    if (setOps.has(op) && matching.card === 'one-to-one') matching = { ...matching, card: 'many-to-many' };
    return { kind: 'binary', op, left, right, bool, matching, span: { start: left.span.start, end: right.span.end } };
  }

  /** `fill (1)`, or one or both of `fill_left (1)` and `fill_right (1)`. */
  #fill(): VectorMatching['fill'] {
    const reader = this.#reader;
    if (reader.accept('fill') !== undefined) {
      const value = this.#fillValue();
      return { left: value, right: value };
    }
    let left: number | undefined;
    let right: number | undefined;
    for (;;) {
      if (left === undefined && reader.accept('fill_left') !== undefined) left = this.#fillValue();
      else if (right === undefined && reader.accept('fill_right') !== undefined) right = this.#fillValue();
      else return left === undefined && right === undefined ? undefined : { left, right };
    }
  }

  #fillValue(): number {
    const reader = this.#reader;
    reader.expect('(');
    const sign = reader.accept('-') !== undefined ? -1 : 1;
    if (sign === 1) reader.accept('+');
    const { kind } = reader.peek();
    if (kind !== NUMBER && kind !== DURATION) throw reader.unexpected();
    const value = sign * numberOf(reader.take(), reader);
    reader.expect(')');
    return value;
  }

  #unary(): Expression {
    const reader = this.#reader;
    const token = reader.peek();
    const op = token.kind;
    if (op !== '+' && op !== '-') return this.#operand();
    reader.take();
    const operand = this.#binary(UNARY_PRECEDENCE + 1);
    const span = { start: token.start, end: operand.span.end };
    if (operand.kind === 'number') return { ...operand, value: op === '-' ? -operand.value : operand.value, span };
    return { kind: 'unary', op, operand, span };
  }

  #operand(): Expression {
    const reader = this.#reader;
    let expression = this.#primary();
    for (;;) {
      const followed = readPostfix(reader, expression, this.#switches.extendedRangeSelectors);
      if (followed === undefined) return expression;
      expression = followed;
    }
  }

  #primary(): Expression {
    const reader = this.#reader;
    const token = reader.peek();
    const { kind } = token;
    if (kind === NUMBER || kind === DURATION) {
      reader.take();
      const value = numberOf(token, reader);
      const span = this.#span(token);
      return kind === DURATION ? { kind: 'number', value, duration: true, span } : { kind: 'number', value, span };
    }
    if (kind === STRING) {
      reader.take();
      return { kind: 'string', value: unquote(token.text), span: this.#span(token) };
    }
    if (kind === '(') {
      reader.take();
      const expression = this.#binary(0);
      reader.expect(')');
      return { kind: 'paren', expression, span: this.#span(token) };
    }
    if (kind === '{') return this.#selector(undefined);
    if (!isName(kind)) throw reader.unexpected();
    reader.take();
    const next = reader.peek().kind;
    if (aggregateOps.has(kind) && (next === '(' || next === 'by' || next === 'without'))
      return this.#aggregation(token);
    if ((kind === IDENTIFIER || functionWords.has(kind)) && next === '(') return this.#call(token);
    return this.#selector(token);
  }

  #span(first: Token): Span {
    return { start: first.start, end: this.#reader.lastEnd };
  }

  /** A selector whose name, if any, has been taken. */
  #selector(name: Token | undefined): VectorSelector {
    const reader = this.#reader;
    const first = name ?? reader.peek();
    const matchers = reader.peek().kind === '{' ? readMatchers(reader) : [];
    const named = name?.text ?? '';
    if (name !== undefined) matchers.push(new Matcher('=', METRIC_NAME, named));
    return { kind: 'vector-selector', name: named, matchers, offsetMs: 0, at: undefined, span: this.#span(first) };
  }

  #call(name: Token): Expression {
    const reader = this.#reader;
    const func = name.text;
    const args = this.#arguments();
    const signature = signatureOf(func);
    if (signature === undefined) throw reader.mistake(name.start, `unknown function with name ${quote(func)}`);
    if (signature.experimental && !this.#switches.experimental)
      throw reader.mistake(name.start, `function ${quote(func)} is not enabled`);
    return { kind: 'call', func, args, span: this.#span(name) };
  }

  #arguments(): Expression[] {
    const reader = this.#reader;
    reader.expect('(');
    const args: Expression[] = [];
    if (reader.accept(')')) return args;
    for (;;) {
      args.push(this.#binary(0));
      const comma = reader.accept(',');
      if (comma === undefined) break;
      if (!startsExpression(reader.peek().kind))
        throw reader.mistake(comma.start, 'trailing commas not allowed in function call args');
    }
    reader.expect(')');
    return args;
  }

  #aggregation(first: Token): Expression {
    const reader = this.#reader;
    const op = first.kind as AggregateOp;
    let modifier = reader.within(aggregationContext, () => this.#aggregateModifier());
    const args = reader.within(aggregationContext, () => this.#arguments());
    modifier ??= this.#aggregateModifier();
    const span = this.#span(first);
    if (args.length === 0) throw reader.mistake(span.start, 'no arguments for aggregate expression provided');
    if (experimentalAggregateOps.has(op) && !this.#switches.experimental) {
      const flag = '--enable-feature=promql-experimental-functions';
      throw reader.mistake(span.start, `${op}() is experimental and must be enabled with ${flag}`);
    }
    const wanted = parameterOps.has(op) ? 2 : 1;
    if (args.length !== wanted) {
      const what = 'wrong number of arguments for aggregate expression provided';
      throw reader.mistake(span.start, `${what}, expected ${wanted}, got ${args.length}`);
    }
    const expression = args[wanted - 1];
    const parameter = wanted === 2 ? args[0] : undefined;
    const { grouping, without } = modifier ?? { grouping: [], without: false };
    return { kind: 'aggregation', op, expression, parameter, grouping, without, span };
  }

  #aggregateModifier(): { grouping: readonly string[]; without: boolean } | undefined {
    const { kind } = this.#reader.peek();
    if (kind !== 'by' && kind !== 'without') return undefined;
    this.#reader.take();
    return { grouping: this.#grouping(), without: kind === 'without' };
  }

  /** Label names in parentheses. */
  #grouping(): string[] {
    const reader = this.#reader;
    reader.expect('(', GROUPING, '"("');
    const labels: string[] = [];
    if (reader.accept(')')) return labels;
    for (;;) {
      labels.push(this.#groupingLabel());
      if (reader.accept(')')) return labels;
      reader.expect(',', GROUPING, '"," or ")"');
      if (reader.accept(')')) return labels;
    }
  }

  #groupingLabel(): string {
    const reader = this.#reader;
    const token = reader.peek();
    if (token.kind === STRING) {
      reader.take();
      const name = unquote(token.text);
      if (name === '' || /[\ud800-\udfff]/u.test(name))
        throw reader.mistake(token.start, `invalid label name for grouping: ${quote(name)}`);
      return name;
    }
    // The reference forgot `without` among the words that may be labels here.
    if (!isWord(token.kind) || token.kind === 'without') throw reader.unexpectedIn(GROUPING, 'label');
    return fromByteString(reader.take().text);
  }
}

/** Whether a token can be a metric name. */
function isName(kind: string): boolean {
  return isWord(kind) && !notNames.has(kind);
}

function startsExpression(kind: string): boolean {
  return kind === NUMBER || kind === DURATION || kind === STRING || '({+-'.includes(kind) || isName(kind);
}

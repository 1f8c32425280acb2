// Types and arity. What the grammar lets through and makes no sense is refused here, with the reference's texts.

import { must } from '../../errors/assert.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import type { Binary, Call, Expression, ValueType, VectorSelector } from './ast.ts';
import { signatureOf } from './functions.ts';
import { quote } from './quote.ts';
import type { TokenReader } from './token-reader.ts';
import { comparisonOps, setOps } from './tokens.ts';

/** What an expression evaluates to. */
export function typeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vector-selector':
    case 'aggregation':
      return 'vector';
    case 'matrix-selector':
    case 'subquery':
      return 'matrix';
    case 'unary':
      return typeOf(expression.operand);
    case 'paren':
      return typeOf(expression.expression);
    case 'call':
      return must(signatureOf(expression.func), `function ${expression.func}`).returns;
    case 'binary':
      return typeOf(expression.left) === 'scalar' && typeOf(expression.right) === 'scalar' ? 'scalar' : 'vector';
  }
}

/** What messages call a type. */
export function typeText(type: ValueType): string {
  return type === 'vector' ? 'instant vector' : type === 'matrix' ? 'range vector' : type;
}

/** The same tree, with vector matching only where both sides are vectors. Throws `invalid` at the first mistake. */
export function check(expression: Expression, reader: TokenReader): Expression {
  return new Checker(reader).check(expression).expression;
}

/** Refuses a metric name both before the braces and in them. */
export function checkName({ name, matchers, span }: VectorSelector, reader: TokenReader): void {
  if (name === '') return;
  // The last matcher is the one the name stands for.
  const second = matchers.slice(0, -1).find((matcher) => matcher.name === METRIC_NAME);
  if (second === undefined) return;
  throw reader.mistake(span.start, `metric name must not be set twice: ${quote(name)} or ${quote(second.value)}`);
}

interface Checked {
  readonly expression: Expression;
  readonly type: ValueType;
}

class Checker {
  readonly #reader: TokenReader;

  constructor(reader: TokenReader) {
    this.#reader = reader;
  }

  check(node: Expression): Checked {
    switch (node.kind) {
      case 'number':
        return { expression: node, type: 'scalar' };
      case 'string':
        return { expression: node, type: 'string' };
      case 'vector-selector':
        this.#selector(node);
        return { expression: node, type: 'vector' };
      case 'matrix-selector':
        this.#selector(node.selector);
        return { expression: node, type: 'matrix' };
      case 'paren': {
        const inner = this.check(node.expression);
        return { expression: { ...node, expression: inner.expression }, type: inner.type };
      }
      case 'unary': {
        const operand = this.check(node.operand);
        if (operand.type !== 'scalar' && operand.type !== 'vector') {
          const what = 'unary expression only allowed on expressions of type scalar or instant vector';
          this.#fail(node, `${what}, got ${quote(typeText(operand.type))}`);
        }
        return { expression: { ...node, operand: operand.expression }, type: operand.type };
      }
      case 'subquery': {
        const inner = this.check(node.expression);
        if (inner.type !== 'vector')
          this.#fail(node, `subquery is only allowed on instant vector, got ${inner.type} instead`);
        return { expression: { ...node, expression: inner.expression }, type: 'matrix' };
      }
      case 'aggregation': {
        const expression = this.#expect(node.expression, 'vector', 'aggregation expression');
        const wanted = node.op === 'count_values' ? 'string' : 'scalar';
        const parameter = node.parameter && this.#expect(node.parameter, wanted, 'aggregation parameter');
        return { expression: { ...node, expression, parameter }, type: 'vector' };
      }
      case 'binary':
        return this.#binary(node);
      case 'call':
        return this.#call(node);
    }
  }

  #fail(node: Expression, message: string): never {
    throw this.#reader.mistake(node.span.start, message);
  }

  #expect(node: Expression, wanted: ValueType, context: string): Expression {
    const { expression, type } = this.check(node);
    if (type !== wanted) this.#fail(node, `expected type ${typeText(wanted)} in ${context}, got ${typeText(type)}`);
    return expression;
  }

  #selector(node: VectorSelector): void {
    checkName(node, this.#reader);
    if (node.name === '' && node.matchers.every((matcher) => matcher.matchesEmpty))
      this.#fail(node, 'vector selector must contain at least one non-empty matcher');
  }

  #call(node: Call): Checked {
    const signature = must(signatureOf(node.func), `function ${node.func}`);
    const { args: types, variadic } = signature;
    const count = node.args.length;
    const inCall = `argument(s) in call to ${quote(node.func)}, got ${count}`;
    if (variadic === 0) {
      if (count !== types.length) this.#fail(node, `expected ${types.length} ${inCall}`);
    } else {
      const least = types.length - 1;
      if (count < least) this.#fail(node, `expected at least ${least} ${inCall}`);
      if (variadic > 0 && count > least + variadic) this.#fail(node, `expected at most ${least + variadic} ${inCall}`);
    }
    if (node.func === 'info' && count === 2) return this.#info(node);
    const context = `call to function ${quote(node.func)}`;
    const args = node.args.map((arg, i) => this.#expect(arg, types[Math.min(i, types.length - 1)], context));
    return { expression: { ...node, args }, type: signature.returns };
  }

  /** The second argument stands for labels of info series: it has no name of its own and may match everything. */
  #info(node: Call): Checked {
    const context = 'call to function "info"';
    const first = this.#expect(node.args[0], 'vector', context);
    const second = node.args[1];
    const type = typeOf(second);
    if (type !== 'vector') this.#fail(node, `expected type instant vector in ${context}, got ${typeText(type)}`);
    if (second.kind !== 'vector-selector') this.#fail(second, 'expected label selectors only');
    if (second.name !== '') this.#fail(second, 'expected label selectors only, got vector selector instead');
    return { expression: { ...node, args: [first, second] }, type: 'vector' };
  }

  #binary(node: Binary): Checked {
    const left = this.check(node.left);
    const right = this.check(node.right);
    this.#operator(node, left.type, right.type);
    if (left.type !== 'scalar' && left.type !== 'vector')
      this.#fail(node.left, 'binary expression must contain only scalar and instant vector types');
    if (right.type !== 'scalar' && right.type !== 'vector')
      this.#fail(node.right, 'binary expression must contain only scalar and instant vector types');
    const vectors = left.type === 'vector' && right.type === 'vector';
    const matching = must(node.matching, 'matching before the check');
    if (!vectors && matching.labels.length > 0)
      this.#fail(node, 'vector matching only allowed between instant vectors');
    if (matching.fill !== undefined && !vectors)
      this.#fail(node, 'filling in missing series only allowed between instant vectors');
    if (matching.fill !== undefined && setOps.has(node.op))
      this.#fail(node, 'filling in missing series not allowed for set operators');
    if (vectors && setOps.has(node.op) && matching.card !== 'many-to-many')
      this.#fail(node, `no grouping allowed for ${quote(node.op)} operation`);
    if (!vectors && setOps.has(node.op))
      this.#fail(node, `set operator ${quote(node.op)} not allowed in binary scalar expression`);
    const checked = { ...node, left: left.expression, right: right.expression };
    return {
      expression: { ...checked, matching: vectors ? matching : undefined },
      type: vectors || left.type === 'vector' || right.type === 'vector' ? 'vector' : 'scalar',
    };
  }

  /** Mistakes that are reported at the operator. */
  #operator(node: Binary, left: ValueType, right: ValueType): void {
    const { source } = this.#reader;
    let at = node.left.span.end;
    while (at < source.length && ' \t\n\r'.includes(source[at])) at++;
    const isComparison = comparisonOps.has(node.op);
    if (node.bool && !isComparison)
      throw this.#reader.mistake(at, 'bool modifier can only be used on comparison operators');
    if (isComparison && !node.bool && left === 'scalar' && right === 'scalar')
      throw this.#reader.mistake(at, 'comparisons between scalars must use BOOL modifier');
    const matching = must(node.matching, 'matching before the check');
    if (!matching.on) return;
    const both = matching.labels.find((label) => matching.include.includes(label));
    if (both !== undefined)
      throw this.#reader.mistake(at, `label ${quote(both)} must not occur in ON and GROUP clause at once`);
  }
}

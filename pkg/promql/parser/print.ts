// Tree to text, as the reference prints it on one line.

import { compareUtf8 } from '../../bytes/compare.ts';
import { printDuration } from '../../model/duration.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { Aggregation, Binary, DurationExpression, Expression, Subquery, VectorSelector } from './ast.ts';
import { quote } from './quote.ts';

/** The canonical text: what parses to the same tree and prints as itself. */
export function print(node: Expression): string {
  switch (node.kind) {
    case 'number':
      return node.duration === true ? printDuration(Math.round(node.value * 1000)) : printNumber(node.value);
    case 'string':
      return quote(node.value);
    case 'vector-selector':
      return printSelector(node) + printAt(node) + printEdge(node) + printOffset(node);
    case 'matrix-selector': {
      const { selector } = node;
      const range = `[${printTime(node.rangeMs, node.rangeExpression)}]`;
      return printSelector(selector) + range + printEdge(selector) + printAt(selector) + printOffset(selector);
    }
    case 'subquery':
      return print(node.expression) + printWindow(node);
    case 'unary':
      return node.op + print(node.operand);
    case 'paren':
      return `(${print(node.expression)})`;
    case 'call':
      return `${node.func}(${node.args.map(print).join(', ')})`;
    case 'aggregation': {
      const args = node.parameter === undefined ? [node.expression] : [node.parameter, node.expression];
      return `${printAggregation(node)}(${args.map(print).join(', ')})`;
    }
    case 'binary':
      return `${print(node.left)} ${printOperator(node)} ${print(node.right)}`;
  }
}

/** The brackets of a subquery and what is behind them. */
export function printWindow(node: Subquery): string {
  const range = printTime(node.rangeMs, node.rangeExpression);
  const step =
    node.stepMs === 0 && node.stepExpression === undefined ? '' : printTime(node.stepMs, node.stepExpression);
  return `[${range}:${step}]${printAt(node)}${printOffset(node)}`;
}

/** An aggregation up to its parenthesis. */
export function printAggregation({ op, grouping, without }: Aggregation): string {
  if (without) return `${op} without ${printLabels(grouping)} `;
  return grouping.length === 0 ? op : `${op} by ${printLabels(grouping)} `;
}

/** The operator of a binary expression with all that stands between the sides. */
export function printOperator(node: Binary): string {
  return node.op + (node.bool ? ' bool' : '') + printMatching(node);
}

function printTime(ms: number, expression: DurationExpression | undefined): string {
  return expression === undefined ? printDuration(ms) : printDurationExpression(expression);
}

function printDurationExpression(node: DurationExpression): string {
  const text = printBare(node);
  return node.kind !== 'number' && node.wrapped ? `(${text})` : text;
}

function printBare(node: DurationExpression): string {
  switch (node.kind) {
    case 'number':
      return node.duration ? printDuration(Math.round(node.value * 1000)) : printNumber(node.value);
    case 'query':
      return `${node.what}()`;
    case 'sign':
      return (node.op === '-' ? '-' : '') + printDurationExpression(node.operand);
    case 'binary': {
      const left = printDurationExpression(node.left);
      const right = printDurationExpression(node.right);
      return node.op === 'min_of' || node.op === 'max_of'
        ? `${node.op}(${left}, ${right})`
        : `${left} ${node.op} ${right}`;
    }
  }
}

/** A number as Go's 'f' format prints it: no exponent, `+Inf`, `-Inf`, `NaN`. */
export function printNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const parts = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (parts === null) return text;
  const [, sign, whole, fraction = '', exponent] = parts;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

function printMatching({ matching }: Binary): string {
  if (matching === undefined) return '';
  const grouped = matching.card === 'many-to-one' || matching.card === 'one-to-many';
  let out = '';
  if (matching.labels.length > 0 || matching.on || grouped)
    out = ` ${matching.on ? 'on' : 'ignoring'} ${printLabels(matching.labels)}`;
  if (matching.card === 'many-to-one') out += ` group_left ${printLabels(matching.include)}`;
  if (matching.card === 'one-to-many') out += ` group_right ${printLabels(matching.include)}`;
  const { left, right } = matching.fill ?? {};
  if (left !== undefined && left === right) return `${out} fill (${printNumber(left)})`;
  if (left !== undefined) out += ` fill_left (${printNumber(left)})`;
  if (right !== undefined) out += ` fill_right (${printNumber(right)})`;
  return out;
}

/** In parentheses; names that are no plain identifiers are quoted. */
function printLabels(names: readonly string[]): string {
  return `(${names.map(printName).join(', ')})`;
}

function printName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
}

function printSelector({ name, matchers }: VectorSelector): string {
  // The last matcher is the one the name stands for.
  const shown = name === '' ? matchers : matchers.filter((matcher) => matcher.name !== METRIC_NAME);
  const inside = shown.map(printMatcher).sort(compareUtf8).join(',');
  return inside === '' && name !== '' ? name : `${name}{${inside}}`;
}

/** `job=~"a|b"`, as the reference prints it. */
export function printMatcher({ name, op, value }: Matcher): string {
  return printName(name) + op + quote(value);
}

function printEdge({ edge }: VectorSelector): string {
  return edge === undefined ? '' : ` ${edge}`;
}

function printAt({ at }: VectorSelector | Subquery): string {
  if (at === undefined) return '';
  return at.kind === 'time' ? ` @ ${(at.timeMs / 1000).toFixed(3)}` : ` @ ${at.kind}()`;
}

function printOffset({ offsetMs, offsetExpression }: VectorSelector | Subquery): string {
  if (offsetExpression !== undefined) return ` offset ${printDurationExpression(offsetExpression)}`;
  return offsetMs === 0 ? '' : ` offset ${printDuration(offsetMs)}`;
}

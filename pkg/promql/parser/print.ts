// Tree to text, as the reference prints it on one line.

import { compareUtf8 } from '../../bytes/compare.ts';
import { printDuration } from '../../model/duration.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { AtModifier, Binary, Expression, VectorSelector } from './ast.ts';
import { quote } from './quote.ts';

/** The canonical text: what parses to the same tree and prints as itself. */
export function print(node: Expression): string {
  switch (node.kind) {
    case 'number':
      return node.duration === true ? printDuration(Math.round(node.value * 1000)) : printNumber(node.value);
    case 'string':
      return quote(node.value);
    case 'vector-selector':
      return printSelector(node) + printModifiers(node.at, node.offsetMs);
    case 'matrix-selector': {
      const { selector } = node;
      const range = `[${printDuration(node.rangeMs)}]`;
      return printSelector(selector) + range + printModifiers(selector.at, selector.offsetMs);
    }
    case 'subquery': {
      const step = node.stepMs === 0 ? '' : printDuration(node.stepMs);
      const range = `[${printDuration(node.rangeMs)}:${step}]`;
      return print(node.expression) + range + printModifiers(node.at, node.offsetMs);
    }
    case 'unary':
      return node.op + print(node.operand);
    case 'paren':
      return `(${print(node.expression)})`;
    case 'call':
      return `${node.func}(${node.args.map(print).join(', ')})`;
    case 'aggregation': {
      const args = node.parameter === undefined ? [node.expression] : [node.parameter, node.expression];
      const list = `(${args.map(print).join(', ')})`;
      if (node.without) return `${node.op} without ${printLabels(node.grouping)} ${list}`;
      return node.grouping.length === 0 ? node.op + list : `${node.op} by ${printLabels(node.grouping)} ${list}`;
    }
    case 'binary':
      return printBinary(node);
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

function printBinary(node: Binary): string {
  const bool = node.bool ? ' bool' : '';
  return `${print(node.left)} ${node.op}${bool}${printMatching(node)} ${print(node.right)}`;
}

function printMatching({ matching }: Binary): string {
  if (matching === undefined) return '';
  const grouped = matching.card === 'many-to-one' || matching.card === 'one-to-many';
  if (matching.labels.length === 0 && !matching.on && !grouped) return '';
  let out = ` ${matching.on ? 'on' : 'ignoring'} ${printLabels(matching.labels)}`;
  if (matching.card === 'many-to-one') out += ` group_left ${printLabels(matching.include)}`;
  if (matching.card === 'one-to-many') out += ` group_right ${printLabels(matching.include)}`;
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

function printModifiers(at: AtModifier | undefined, offsetMs: number): string {
  let out = '';
  if (at?.kind === 'time') out += ` @ ${(at.timeMs / 1000).toFixed(3)}`;
  else if (at !== undefined) out += ` @ ${at.kind}()`;
  if (offsetMs !== 0) out += ` offset ${printDuration(offsetMs)}`;
  return out;
}

// Tree to text over several lines, as the reference's `format_query` lays it out: what fits into a line stays on one.

import type { Expression } from './ast.ts';
import { print, printAggregation, printOperator, printWindow } from './print.ts';

const WIDTH = 100;
const INDENT = '  ';

/** What parses to the same tree, broken where one takes more than 100 bytes, indentation not counted. */
export function prettify(node: Expression): string {
  return pretty(node, 0);
}

function pretty(node: Expression, level: number): string {
  const indent = INDENT.repeat(level);
  const line = print(node);
  const fits = new TextEncoder().encode(line).length <= WIDTH;
  // The reference forgets to indent a subquery that fits.
  if (fits) return node.kind === 'subquery' ? line : indent + line;
  switch (node.kind) {
    case 'number':
    case 'string':
    case 'vector-selector':
    case 'matrix-selector':
      return indent + line;
    case 'paren':
      return `${indent}(\n${pretty(node.expression, level + 1)}\n${indent})`;
    case 'unary':
      return indent + node.op + pretty(node.operand, level).trim();
    case 'subquery':
      return pretty(node.expression, level) + printWindow(node);
    case 'call': {
      const args = node.args.map((arg) => pretty(arg, level + 1)).join(',\n');
      return `${indent}${node.func}(\n${args}\n${indent})`;
    }
    case 'aggregation': {
      const args = node.parameter === undefined ? [node.expression] : [node.parameter, node.expression];
      const list = args.map((arg) => pretty(arg, level + 1)).join(',\n');
      return `${indent}${printAggregation(node)}(\n${list}\n${indent})`;
    }
    case 'binary': {
      const left = pretty(node.left, level + 1);
      const right = pretty(node.right, level + 1);
      return `${left}\n${indent}${printOperator(node)}\n${right}`;
    }
  }
}

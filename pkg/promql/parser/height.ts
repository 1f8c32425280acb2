// How high a tree may be. Everything after the parser walks trees by recursion, and the operators of a plan call each
// other, so that a tree too high for the stack is refused before anything looks at it. It is walked without recursion:
// `a + b + c` is a tree as high as it is long.

import type { Expression } from './ast.ts';
import type { TokenReader } from './token-reader.ts';

/**
 * 800 sums one upon the other, 400 functions. Operators of vectors overflow the 984 KiB that a stack of Node's has at about
 * 1.25 times as many.
 */
const HIGHEST = 800;

/** Throws `invalid` for a tree that is too high. */
export function checkHeight(root: Expression, reader: TokenReader): void {
  const nodes: Expression[] = [root];
  const heights: number[] = [0];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    const height = heights.pop()! + weightOf(node);
    if (height > HIGHEST) throw reader.mistake(node.span.start, 'expression is nested too deeply');
    for (const child of childrenOf(node)) {
      nodes.push(child);
      heights.push(height);
    }
  }
}

/** Set operators, functions and subqueries take more of the stack: there is a stage around each. */
function weightOf(node: Expression): number {
  switch (node.kind) {
    case 'binary':
      return node.op === 'and' || node.op === 'or' || node.op === 'unless' ? 2 : 1;
    case 'call':
    case 'subquery':
    case 'aggregation':
      return 2;
    default:
      return 1;
  }
}

function childrenOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'binary':
      return [node.left, node.right];
    case 'call':
      return node.args;
    case 'aggregation':
      return node.parameter === undefined ? [node.expression] : [node.parameter, node.expression];
    case 'unary':
      return [node.operand];
    case 'paren':
    case 'subquery':
      return [node.expression];
    default:
      return [];
  }
}

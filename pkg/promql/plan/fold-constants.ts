// Pass: arithmetic of literal numbers is done once, here.

import { type ArithmeticOp, arithmetic, type ComparisonOp, comparison } from '../functions/binary-ops.ts';
import { mapChildren, type PlanNode } from './node.ts';

/** The plan with arithmetic between numbers done; it answers the same. */
export function foldConstants(node: PlanNode): PlanNode {
  const folded = mapChildren(node, foldConstants);
  if (folded.kind === 'negate' && folded.operand.kind === 'number') {
    return { kind: 'number', value: -folded.operand.value };
  }
  if (folded.kind === 'scalar-scalar' && folded.left.kind === 'number' && folded.right.kind === 'number') {
    return { kind: 'number', value: scalarFunction(folded.op)(folded.left.value, folded.right.value) };
  }
  return folded;
}

/** An operator or function of two scalars; comparisons are 0 or 1. */
export function scalarFunction(
  op: ArithmeticOp | ComparisonOp | 'min_of' | 'max_of',
): (a: number, b: number) => number {
  if (op === 'min_of') return (a, b) => (a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b));
  if (op === 'max_of') return (a, b) => (a === Infinity || b === Infinity ? Infinity : Math.max(a, b));
  if (!isComparison(op)) return arithmetic(op);
  const holds = comparison(op);
  return (a, b) => (holds(a, b) ? 1 : 0);
}

/** Tells comparisons from arithmetic. */
export function isComparison(op: string): op is ComparisonOp {
  return op === '==' || op === '!=' || op === '>' || op === '<' || op === '>=' || op === '<=';
}

// Pass: what no step changes is computed once. That is everything whose selectors all carry `@`. Literal numbers do not
// change either, but cost nothing, so they are left alone.

import { mapChildren, type PlanNode, type WindowSource } from './node.ts';

const ofDates: ReadonlySet<string> = new Set([
  'days_in_month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'hour',
  'minute',
  'month',
  'year',
]);

/** Wraps the largest parts of a plan that do not depend on the step into `once`. */
export function markStepInvariant(node: PlanNode): PlanNode {
  // A range vector is the root of an instant query: there is one step and nothing to repeat.
  if (node.kind === 'number' || node.kind === 'string' || node.kind === 'matrix') return node;
  if (isInvariant(node)) return { kind: 'once', operand: node };
  return mapChildren(node, markStepInvariant);
}

/** Whether a node has the same value at every step. */
export function isInvariant(node: PlanNode): boolean {
  switch (node.kind) {
    case 'time':
    case 'step-time':
      return false;
    case 'pointwise':
      // To the reference these stand for the time of the step, whatever they are given; it shows in remarks about sorting.
      if (ofDates.has(node.func)) return false;
      return isInvariant(node.operand) && node.scalars.every(isInvariant);
    case 'select':
      return node.select.atMs !== undefined;
    case 'info':
      return node.info.atMs !== undefined && isInvariant(node.operand);
    case 'matrix':
    case 'absent-over-time':
      return isInvariantSource(node.source);
    case 'window':
      // predict_linear counts from the time of the step, wherever its samples come from.
      return node.func !== 'predict_linear' && isInvariantSource(node.source) && node.scalars.every(isInvariant);
    default: {
      let invariant = true;
      mapChildren(node, (child) => {
        if (!isInvariant(child)) invariant = false;
        return child;
      });
      return invariant;
    }
  }
}

function isInvariantSource(source: WindowSource): boolean {
  return (source.kind === 'selector' ? source.select.atMs : source.atMs) !== undefined;
}

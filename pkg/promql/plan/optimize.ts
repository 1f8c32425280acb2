// Runs the passes in their declared order.

import { foldConstants } from './fold-constants.ts';
import type { PlanNode } from './node.ts';
import { markStepInvariant } from './step-invariant.ts';

export interface OptimizeOptions {
  /** With one step there is nothing to repeat. */
  readonly stepCount: number;
}

/** A plan that gives the same answer with less work. */
export function optimize(plan: PlanNode, options: OptimizeOptions): PlanNode {
  const folded = foldConstants(plan);
  return options.stepCount > 1 ? markStepInvariant(folded) : folded;
}

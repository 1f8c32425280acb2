// Runs the passes in their declared order.

import { foldConstants } from './fold-constants.ts';
import { mergeSelects } from './merge-selects.ts';
import type { PlanNode } from './node.ts';
import { propagateMatchers } from './propagate-matchers.ts';
import { markStepInvariant } from './step-invariant.ts';

export interface OptimizeOptions {
  /** With one step there is nothing to repeat. */
  readonly stepCount: number;
  /** Labels that selectors may speak of and that series do not have, such as those of replicas. */
  readonly hiddenLabels?: readonly string[] | undefined;
  /** Whether the storage's series may be read after those that follow: only then can two share them. */
  readonly sharesSelects?: boolean;
}

/** A plan that gives the same answer with less work. */
export function optimize(plan: PlanNode, options: OptimizeOptions): PlanNode {
  const hidden = new Set(options.hiddenLabels);
  const narrow = propagateMatchers(foldConstants(plan), hidden);
  const merged = options.sharesSelects === true ? mergeSelects(narrow, hidden) : narrow;
  return options.stepCount > 1 ? markStepInvariant(merged) : merged;
}

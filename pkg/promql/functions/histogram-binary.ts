// Binary operators where at least one side is a native histogram.

import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  scaleHistogram,
  subtractHistograms,
} from '../../model/histogram-math.ts';
import { type HistogramValue, sameHistogram } from '../../model/histogram-value.ts';
import { type ArithmeticOp, type ComparisonOp, isTrim, type TrimOp } from './binary-ops.ts';
import { conflictingResets, incompatibleSamples, reconciledBounds } from './histogram-notes.ts';
import { trimHistogram } from './histogram-trim.ts';
import type { Notes } from './windows.ts';

/**
 * The result of arithmetic; for `==` and `!=` whether it holds; undefined, with a note, where the operator is not for these
 * sides. One side is a histogram.
 */
export function combineHistograms(
  op: ArithmeticOp | ComparisonOp | TrimOp,
  left: number | HistogramValue,
  right: number | HistogramValue,
  notes: Notes,
): HistogramValue | boolean | undefined {
  if (typeof left === 'number' && typeof right !== 'number' && op === '*') {
    return compactHistogram(scaleHistogram(right, left));
  }
  if (typeof left !== 'number' && typeof right === 'number') {
    if (op === '*') return compactHistogram(scaleHistogram(left, right));
    if (op === '/') return compactHistogram(divideHistogram(left, right));
    if (isTrim(op)) return trimHistogram(op, left, right);
  }
  if (typeof left !== 'number' && typeof right !== 'number') {
    switch (op) {
      case '+':
      case '-':
        return sumOrDifference(op, left, right, notes);
      case '==':
        return sameHistogram(left, right);
      case '!=':
        return !sameHistogram(left, right);
      default:
    }
  }
  const kind = (side: number | HistogramValue): string => (typeof side === 'number' ? 'float' : 'histogram');
  notes.info(incompatibleSamples(op, kind(left), kind(right)));
  return undefined;
}

function sumOrDifference(
  op: '+' | '-',
  left: HistogramValue,
  right: HistogramValue,
  notes: Notes,
): HistogramValue | undefined {
  const combined = op === '+' ? addHistograms(left, right) : subtractHistograms(left, right);
  if (combined === undefined) {
    notes.warn(`incompatible bucket layout encountered for binary operator ${op}`);
    return undefined;
  }
  const during = op === '+' ? 'addition' : 'subtraction';
  if (combined.hasCollision) notes.warn(conflictingResets(during));
  if (combined.isReconciled) notes.info(reconciledBounds(during));
  return compactHistogram(combined.value);
}

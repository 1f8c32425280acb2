// What aggregations make of native histograms: sum and avg of one group over all steps. The others count them or pass
// them over.

import { HistogramSum } from '../../model/histogram-sum.ts';
import type { FoldOp } from './aggregations.ts';
import { HistogramMean } from './histogram-mean.ts';
import { conflictingResets, mixedSchemas, reconciledBounds } from './histogram-notes.ts';
import { floatsOf, histogramAt, type StepColumn, setHistogram } from './step-column.ts';
import type { Notes } from './windows.ts';

/** The hints seen at a step, as bits. */
const SAW_RESET = 1;
const SAW_NO_RESET = 2;

export class HistogramAccumulator {
  readonly #op: FoldOp;
  readonly #notes: Notes;
  readonly #folds: (HistogramSum | HistogramMean | undefined)[] = [];
  readonly #hints: Uint8Array;
  /** Steps that have both kinds of buckets, which cannot be added. */
  readonly #broken: Uint8Array;

  constructor(op: FoldOp, stepCount: number, notes: Notes) {
    this.#op = op;
    this.#notes = notes;
    this.#hints = new Uint8Array(stepCount);
    this.#broken = new Uint8Array(stepCount);
  }

  /** Folds the histograms of a member in. Gives what the accumulator of floats is to see of it. */
  add(column: StepColumn, name: string): StepColumn {
    const op = this.#op;
    if (op === 'count' || op === 'group') return column;
    for (let k = 0; k < column.present.length; k++) {
      const histogram = histogramAt(column, k);
      if (histogram === undefined) continue;
      if (op !== 'sum' && op !== 'avg') {
        this.#notes.info(`ignored histogram in ${op} aggregation`);
        continue;
      }
      if (this.#broken[k] === 1) continue;
      const { hint } = histogram;
      this.#hints[k] |= hint === 'reset' ? SAW_RESET : hint === 'not-reset' ? SAW_NO_RESET : 0;
      const fold = this.#folds[k];
      if (fold === undefined) {
        this.#folds[k] = op === 'sum' ? new HistogramSum(histogram) : new HistogramMean(histogram);
        continue;
      }
      const added = fold.add(histogram);
      if (added === undefined) {
        this.#broken[k] = 1;
        this.#notes.warn(mixedSchemas(name));
      } else if (added.isReconciled) this.#notes.info(reconciledBounds('aggregation'));
    }
    return floatsOf(column);
  }

  /** Puts the histograms into a column that holds the result of the floats. Steps with both have no result. */
  finish(out: StepColumn): void {
    for (let k = 0; k < this.#hints.length; k++) {
      const fold = this.#folds[k];
      if (fold === undefined) continue;
      if (this.#hints[k] === (SAW_RESET | SAW_NO_RESET)) this.#notes.warn(conflictingResets('aggregation'));
      if (this.#broken[k] === 1) out.present[k] = 0;
      else if (out.present[k] === 1) {
        this.#notes.warn('encountered a mix of histograms and floats for aggregation');
        out.present[k] = 0;
      } else setHistogram(out, k, fold.value());
    }
  }
}

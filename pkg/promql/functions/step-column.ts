// One series over all steps of a query.

import type { HistogramValue } from '../../model/histogram-value.ts';

/** At some steps a histogram instead of a number. */
export type StepHistograms = (HistogramValue | undefined)[];

/** `present[k]` is 1 when step k has a value; `values[k]` means nothing otherwise. */
export interface StepColumn {
  readonly values: Float64Array;
  readonly present: Uint8Array;
  /**
   * Undefined as long as all values are floats. Else step k, if present, has a histogram where `histograms[k]` is one, and
   * `values[k]` means nothing. Entries of steps that are not present mean nothing either.
   */
  histograms: StepHistograms | undefined;
}

/** An empty column of `stepCount` steps. */
export function newStepColumn(stepCount: number): StepColumn {
  return { values: new Float64Array(stepCount), present: new Uint8Array(stepCount), histograms: undefined };
}

/** The histogram of step k, if it has one. */
export function histogramAt({ present, histograms }: StepColumn, k: number): HistogramValue | undefined {
  return histograms !== undefined && present[k] === 1 ? histograms[k] : undefined;
}

/** Makes step k that histogram. */
export function setHistogram(column: StepColumn, k: number, histogram: HistogramValue): void {
  column.histograms ??= new Array(column.present.length).fill(undefined);
  column.histograms[k] = histogram;
  column.present[k] = 1;
}

/** Takes all histograms out: those steps are not present any more. Says whether there were any. */
export function dropHistograms(column: StepColumn): boolean {
  const { histograms, present } = column;
  if (histograms === undefined) return false;
  let hadAny = false;
  for (let k = 0; k < present.length; k++) {
    if (histograms[k] === undefined || present[k] === 0) continue;
    present[k] = 0;
    hadAny = true;
  }
  column.histograms = undefined;
  return hadAny;
}

/** The floats alone, values shared; the column itself when it has nothing else. */
export function floatsOf(column: StepColumn): StepColumn {
  const { values, present, histograms } = column;
  if (histograms === undefined) return column;
  const floats = new Uint8Array(present.length);
  for (let k = 0; k < present.length; k++) if (histograms[k] === undefined) floats[k] = present[k];
  return { values, present: floats, histograms: undefined };
}

/** Whether any step has a float. The column is not empty. */
export function hasFloat(column: StepColumn): boolean {
  return column.histograms === undefined || floatsOf(column).present.includes(1);
}

// What selectors compute from the samples of each series, as plain data: the same work can be done where the query runs or
// on another thread, with the same bits.

import { must } from '../errors/assert.ts';
import { SampleBuffer } from '../storage/sample-columns.ts';
import { runOf, runWidened } from './exec/coarse-windows.ts';
import { type Lookback, lookBack } from './exec/look-back.ts';
import { dropStale, locate } from './exec/windows-of.ts';
import type { StepColumn } from './functions/step-column.ts';
import { kernelOf } from './functions/table.ts';
import type { Notes, RangeArgs, Windows } from './functions/windows.ts';

/** Of floats alone, without `anchored` and `smoothed`, which are not done elsewhere. */
export type ColumnTask =
  | ({ readonly kind: 'look-back'; readonly stepCount: number } & Lookback)
  | {
      readonly kind: 'window';
      readonly func: string;
      readonly windows: Pick<Windows, 'stepCount' | 'firstEndMs' | 'stepMs' | 'rangeMs'>;
      readonly args: Omit<RangeArgs, 'notes'>;
    };

/** The columns of some series one after the other; entry i of the lists of numbers is about series i. */
export interface ComputedColumns {
  readonly values: Float64Array;
  readonly present: Uint8Array;
  /** Samples that were read. */
  readonly sampleCounts: Float64Array;
  /** Samples that steps looked at, each as often as it was looked at; for a look-back, steps with a value. */
  readonly touchedCounts: Float64Array;
  readonly notes: readonly ColumnNote[];
}

/** What a kernel remarked on. */
export interface ColumnNote {
  readonly series: number;
  readonly kind: 'warn' | 'info';
  readonly text: string;
}

/** What was computed for one series. */
export interface ComputedColumn {
  readonly column: StepColumn;
  readonly sampleCount: number;
  readonly touchedCount: number;
  readonly notes: readonly ColumnNote[];
}

/** Those of series `at`. */
export function columnOf(columns: ComputedColumns, at: number): ComputedColumn {
  const stepCount = columns.values.length / columns.sampleCounts.length;
  const [from, to] = [at * stepCount, (at + 1) * stepCount];
  const { values, present, notes } = columns;
  return {
    column: { values: values.subarray(from, to), present: present.subarray(from, to), histograms: undefined },
    sampleCount: columns.sampleCounts[at],
    touchedCount: columns.touchedCounts[at],
    notes: notes.length === 0 ? notes : notes.filter(({ series }) => series === at),
  };
}

/** What a task needs of a series. */
export interface ReadableSeries {
  /** Appends samples, as a Series does. None of them is a histogram. */
  readInto(into: SampleBuffer): void;
}

/** Used within one call only, which waits for nothing. */
const samples = new SampleBuffer();

/** Makes the remarks of a series, in the order they came. */
export function repeatNotes({ notes }: ComputedColumn, into: Notes): void {
  for (const { kind, text } of notes) into[kind](text);
}

/** Does a task, for series in order. Throws what reading them throws. */
export function computeColumns(task: ColumnTask, series: readonly ReadableSeries[]): ComputedColumns {
  const stepCount = task.kind === 'window' ? task.windows.stepCount : task.stepCount;
  const values = new Float64Array(series.length * stepCount);
  const present = new Uint8Array(series.length * stepCount);
  const sampleCounts = new Float64Array(series.length);
  const touchedCounts = new Float64Array(series.length);
  const notes: ColumnNote[] = [];
  let at = 0;
  const fill = fillerOf(task, {
    warn: (text) => notes.push({ series: at, kind: 'warn', text }),
    info: (text) => notes.push({ series: at, kind: 'info', text }),
  });
  for (; at < series.length; at++) {
    samples.clear();
    series[at].readInto(samples);
    sampleCounts[at] = samples.length;
    const [from, to] = [at * stepCount, (at + 1) * stepCount];
    const column = { values: values.subarray(from, to), present: present.subarray(from, to), histograms: undefined };
    touchedCounts[at] = fill(samples, column);
  }
  return { values, present, sampleCounts, touchedCounts, notes };
}

/** Fills a column from samples, and gives how many were looked at. */
function fillerOf(task: ColumnTask, notes: Notes): (samples: SampleBuffer, column: StepColumn) => number {
  if (task.kind === 'look-back') return (samples, column) => lookBack(samples, task, column);
  const { func, windows: asked } = task;
  const kernel = must(kernelOf(func), `kernel of ${func}`);
  if (kernel.kind !== 'range') throw new TypeError(`${func} is no function of a range`);
  const { stepCount } = asked;
  const windows: Windows = { ...asked, from: new Int32Array(stepCount), to: new Int32Array(stepCount) };
  const args: RangeArgs = { ...task.args, notes };
  return (samples, column) => {
    dropStale(samples);
    const touched = locate(samples, windows);
    if (touched === 0 && samples.coarse === undefined) return 0;
    const run = runOf(func, kernel.run, samples);
    run(samples, windows, column, args);
    runWidened(func, run, samples, windows, column, args);
    return touched;
  };
}

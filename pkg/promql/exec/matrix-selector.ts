// A range function over its windows: the function is pushed into the selector, so that a series is decoded, reduced to
// one value a step, and forgotten.

import { must } from '../../errors/assert.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import type { SampleColumns } from '../../storage/sample-columns.ts';
import { repeatNotes } from '../column-task.ts';
import { withHistograms } from '../functions/histogram-windows.ts';
import { withEdge } from '../functions/range-edges.ts';
import { hasOverlap, startedOf } from '../functions/start-times.ts';
import { hasFloat, histogramAt, type StepColumn, setHistogram } from '../functions/step-column.ts';
import { kernelOf } from '../functions/table.ts';
import type { Notes, RangeArgs, RangeFunction, Windows } from '../functions/windows.ts';
import type { PlanNode } from '../plan/node.ts';
import type { Steps } from '../query-spec.ts';
import { hasValue, readScalars } from './batches.ts';
import { runOf, runWidened } from './coarse-windows.ts';
import { valuesOf } from './kept.ts';
import { Columns } from './lent-columns.ts';
import { withoutName } from './names.ts';
import type { Batches, Build, ColumnUse, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { Turns } from './turns.ts';
import { openWindows } from './window-source.ts';
import { locate } from './windows-of.ts';

export type WindowNode = PlanNode & { readonly kind: 'window' };

export class WindowOperator implements Operator {
  readonly #node: WindowNode;
  readonly #steps: Steps;
  readonly #evaluation: Evaluation;
  readonly #build: Build;

  constructor(node: WindowNode, steps: Steps, evaluation: Evaluation, build: Build) {
    this.#node = node;
    this.#steps = steps;
    this.#evaluation = evaluation;
    this.#build = build;
  }

  async *run(use: ColumnUse = 'kept'): Batches {
    const { func, source, position } = this.#node;
    const steps = this.#steps;
    const { annotations, samples: counter, delayedNameRemoval } = this.#evaluation;
    const kernel = must(kernelOf(func), `kernel of ${func}`);
    if (kernel.kind !== 'range') return;
    const scalars = await readScalars(this.#node.scalars.map((node) => this.#build(node, steps, this.#evaluation)));
    const notes = notesAt(this.#evaluation, position);
    const where = { scalars, evalStartMs: steps.startMs, evalStepMs: steps.stepMs };
    const args = { ...where, notes };
    const edge = source.kind === 'selector' ? source.select.edge : undefined;
    const wantsCounter = func === 'rate' || func === 'increase';
    const work = { func, args: where };
    const { windows, batches } = openWindows(source, steps, this.#evaluation, this.#build, work);
    const turns = new Turns(this.#evaluation);
    const columns = new Columns(steps.count, use);
    for await (const batch of batches) {
      let out: SeriesColumn[] = [];
      let valueCount = 0;
      for (const series of batch) {
        let column: StepColumn;
        const { computed } = series;
        if (computed !== undefined) {
          const pause = turns.after(steps.count);
          if (pause !== undefined) await pause;
          if (computed.touchedCount === 0 && !hasValue(computed.column)) continue;
          counter.touch(computed.touchedCount);
          counter.hold(computed.sampleCount);
          counter.hold(-computed.sampleCount);
          repeatNotes(computed, notes);
          ({ column } = computed);
        } else {
          const samples = series.read();
          const touched = locate(samples, windows);
          // A batch may be minutes of work when windows overlap much.
          const pause = turns.after(touched + samples.length + steps.count);
          if (pause !== undefined) await pause;
          if (touched === 0 && samples.coarse === undefined && (edge !== 'smoothed' || samples.length === 0)) continue;
          counter.touch(touched);
          counter.hold(samples.length);
          column = columns.take();
          const name = series.labels.get(METRIC_NAME);
          const own = runOf(func, kernel.run, samples);
          const plain = samples.histograms === undefined ? own : withHistograms(func, own, name);
          const run = edge === undefined ? plain : withEdge(func, plain, edge, this.#evaluation.lookbackMs, name);
          if (wantsCounter && samples.starts !== undefined) noteOverlap(samples, windows, name, notes);
          // Nearly always it is little: a promise for each series would be a good part of an instant query.
          if (touched <= SAMPLES_A_TURN) run(samples, windows, column, args);
          else await runPaced(run, samples, windows, column, args, this.#evaluation);
          runWidened(func, run, samples, windows, column, args);
          counter.hold(-samples.length);
        }
        if (!hasValue(column)) {
          if (computed === undefined) columns.putBack();
          continue;
        }
        if (wantsCounter && hasFloat(column)) {
          const name = series.labels.get(METRIC_NAME);
          if (name !== '' && !looksLikeCounter(name)) annotations.info(notCounter(name), position);
        }
        const dropName = !kernel.keepsName || series.dropName;
        const labels = kernel.keepsName || delayedNameRemoval ? series.labels : withoutName(series.labels);
        out.push({ labels, column, dropName });
        valueCount += valuesOf(column);
        if (!columns.isFull(valueCount)) continue;
        yield out;
        columns.reuse();
        out = [];
        valueCount = 0;
      }
      if (out.length > 0) yield out;
      columns.reuse();
    }
  }
}

function noteOverlap(samples: SampleColumns, windows: Windows, name: string, notes: Notes): void {
  const started = startedOf(samples);
  if (started === undefined || !hasOverlap(started, windows)) return;
  notes.warn(`sample has start time that overlaps with previous sample timestamp for metric ${JSON.stringify(name)}`);
}

/** Samples a kernel may look at before others get a turn: some tens of milliseconds of work. */
const SAMPLES_A_TURN = 1_000_000;

/**
 * Runs a kernel over all windows of one series, which overlap so much that this takes long: in stretches of steps with a
 * pause between, so that a deadline or a caller who left ends it.
 */
async function runPaced(
  run: RangeFunction,
  samples: SampleColumns,
  windows: Windows,
  column: StepColumn,
  args: RangeArgs,
  evaluation: Evaluation,
): Promise<void> {
  const { stepCount, from, to } = windows;
  for (let start = 0; start < stepCount; ) {
    let end = start;
    for (let size = 0; end < stepCount && size < SAMPLES_A_TURN; end++) size += to[end] - from[end];
    const stretch = {
      ...windows,
      stepCount: end - start,
      from: from.subarray(start, end),
      to: to.subarray(start, end),
      firstEndMs: windows.firstEndMs + start * windows.stepMs,
    };
    const out: StepColumn = {
      values: column.values.subarray(start, end),
      present: column.present.subarray(start, end),
      histograms: undefined,
    };
    const scalars = args.scalars.map((values) => values.subarray(start, end));
    const evalStartMs = args.evalStartMs + start * args.evalStepMs;
    run(samples, stretch, out, { ...args, scalars, evalStartMs });
    for (let k = start; k < end && out.histograms !== undefined; k++) {
      const histogram = histogramAt(out, k - start);
      if (histogram !== undefined) setHistogram(column, k, histogram);
    }
    start = end;
    await evaluation.pace();
  }
}

/** Notes of a kernel, put at a place of the expression. */
export function notesAt({ annotations }: Evaluation, position: number): Notes {
  return {
    warn: (text) => annotations.warn(text, position),
    info: (text) => annotations.info(text, position),
  };
}

function looksLikeCounter(name: string): boolean {
  return name.endsWith('_total') || name.endsWith('_sum') || name.endsWith('_count') || name.endsWith('_bucket');
}

function notCounter(name: string): string {
  return `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(name)}`;
}

// histogram_quantile and histogram_fraction: of native histograms one by one, and of classic ones, whose buckets are series
// that differ in `le` only.

import type { HistogramValue } from '../../model/histogram-value.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import { printG, printTwoDigits } from '../functions/go-format.ts';
import { classicFraction } from '../functions/histogram-fraction.ts';
import { ofMetric } from '../functions/histogram-notes.ts';
import {
  type ClassicBuckets,
  classicQuantile,
  type QuantileAnswer,
  type RaisedCounts,
} from '../functions/histogram-quantile.ts';
import { hasNanObservations, nativeFraction, nativeQuantile } from '../functions/native-quantile.ts';
import { floatsOf, histogramAt, newStepColumn, type StepColumn } from '../functions/step-column.ts';
import type { Notes } from '../functions/windows.ts';
import { printSample } from '../number-text.ts';
import type { Steps } from '../query-spec.ts';
import { hasValue, inBatches, inTurns, readScalar } from './batches.ts';
import { GroupKey } from './group-key.ts';
import { notesAt } from './matrix-selector.ts';
import { UniqueColumns, withoutName } from './names.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { Turns } from './turns.ts';

const BUCKET_LABEL = 'le';
/** Steps of work to find the histogram that a series is a bucket of. */
const WORK_PER_BUCKET = 50;

/** What is asked of every histogram; each scalar expression has one value a step. */
export type HistogramQuestion =
  | { readonly kind: 'quantile'; readonly quantile: Operator; readonly position: number }
  /** Several quantiles, each under a label with its number. */
  | {
      readonly kind: 'quantiles';
      readonly label: string;
      readonly quantiles: readonly { readonly quantile: Operator; readonly position: number }[];
    }
  | { readonly kind: 'fraction'; readonly lower: Operator; readonly upper: Operator };

export interface HistogramConfig {
  readonly stepCount: number;
  /** For the times of remarks. */
  readonly steps: Steps;
  /** Where annotations about buckets point to. */
  readonly operandPosition: number;
}

/** The answers at step k. The classic buckets are scratch. */
interface Solver {
  classic(k: number, buckets: ClassicBuckets): QuantileAnswer;
  /** `name` is for notes. */
  native(k: number, histogram: HistogramValue, name: string): number;
  /** What the labels of the answer are at step k; those of the histogram when absent. */
  readonly labelled?: { readonly label: string; at(k: number): string };
}

interface ClassicHistogram {
  readonly labels: Labels;
  readonly name: string;
  readonly buckets: { readonly bound: number; readonly column: StepColumn }[];
  /** Steps whose counts have been raised for a quantile, which is remarked on once, whatever other quantiles there are. */
  raisedAt: Uint8Array | undefined;
}

interface NativeHistogram {
  readonly labels: Labels;
  readonly name: string;
  readonly column: StepColumn;
  /** What a classic histogram of the same labels would be found under. */
  readonly key: string;
}

/**
 * Native histograms come first, then classic ones in the order of their first bucket. All buckets are kept until the input
 * has ended. Where both kinds have the same labels at a step there is no answer.
 */
export class HistogramOperator implements Operator {
  readonly #question: HistogramQuestion;
  readonly #operand: Operator;
  readonly #config: HistogramConfig;
  readonly #evaluation: Evaluation;
  /** By the name of the metric. */
  readonly #raised = new Map<string, RaisedSteps>();

  constructor(question: HistogramQuestion, operand: Operator, config: HistogramConfig, evaluation: Evaluation) {
    this.#question = question;
    this.#operand = operand;
    this.#config = config;
    this.#evaluation = evaluation;
  }

  async *run(): Batches {
    const { stepCount } = this.#config;
    const solvers = await this.#solvers();
    const natives: NativeHistogram[] = [];
    const histograms = await this.#readBuckets(natives);
    if (natives.length === 0 && solvers[0].labelled === undefined) {
      const answers = mapped(histograms.values(), (histogram) => this.#answer(histogram, solvers[0]));
      yield* inTurns(answers, 20 * stepCount, this.#evaluation);
    } else {
      const turns = new Turns(this.#evaluation);
      for (const native of natives) {
        this.#takeMixed(native, histograms.get(native.key));
        const pause = turns.after(stepCount);
        if (pause !== undefined) await pause;
      }
      // A series may have been of one kind first and of the other one later, and quantiles may change from step to step.
      const results = new UniqueColumns();
      for (const solver of solvers) {
        const answers = [
          mapped(natives, (native) => this.#answerNative(native, solver)),
          mapped(histograms.values(), (histogram) => this.#answer(histogram, solver)),
        ];
        for (const kind of answers) {
          for (const answer of kind) {
            addLabelled(results, answer, solver);
            const pause = turns.after(20 * stepCount);
            if (pause !== undefined) await pause;
          }
        }
      }
      yield* inBatches(results.series());
    }
    this.#remarkOnRaised();
    this.#evaluation.samples.hold(-natives.length * stepCount);
    for (const { buckets } of histograms.values()) this.#evaluation.samples.hold(-buckets.length * stepCount);
  }

  async #solvers(): Promise<readonly Solver[]> {
    const question = this.#question;
    const notes = notesAt(this.#evaluation, this.#config.operandPosition);
    if (question.kind === 'fraction') {
      const lower = await readScalar(question.lower);
      const upper = await readScalar(question.upper);
      const fraction: Solver = {
        classic: (k, buckets) => ({ value: classicFraction(lower[k], upper[k], buckets), raised: undefined }),
        native: (k, histogram, name) => {
          if (hasNanObservations(histogram)) {
            const what = 'input to histogram_fraction has NaN observations, which are excluded from all fractions';
            notes.info(what + ofMetric(name));
          }
          return nativeFraction(lower[k], upper[k], histogram);
        },
      };
      return [fraction];
    }
    if (question.kind === 'quantile') return [await this.#quantile(question.quantile, question.position, notes)];
    const solvers: Solver[] = [];
    for (const { quantile, position } of question.quantiles) {
      solvers.push(await this.#quantile(quantile, position, notes, question.label));
    }
    return solvers;
  }

  async #quantile(quantile: Operator, position: number, notes: Notes, label?: string): Promise<Solver> {
    const quantiles = await readScalar(quantile);
    this.#checkQuantiles(quantiles, position);
    return {
      ...(label === undefined ? {} : { labelled: { label, at: (k) => printOpenMetrics(quantiles[k]) } }),
      classic: (k, buckets) => classicQuantile(quantiles[k], buckets),
      native: (k, histogram, name) => {
        const { value, nans } = nativeQuantile(quantiles[k], histogram);
        if (nans !== 'none') {
          const result = nans === 'skewed' ? 'skewed higher' : 'NaN';
          notes.info(`input to histogram_quantile has NaN observations, result is ${result}${ofMetric(name)}`);
        }
        return value;
      },
    };
  }

  #checkQuantiles(quantiles: Float64Array, position: number): void {
    for (const q of quantiles) {
      if (q >= 0 && q <= 1) continue;
      const text = `quantile value should be between 0 and 1, got ${printTwoDigits(q)}`;
      this.#evaluation.annotations.warn(text, position);
    }
  }

  async #readBuckets(natives: NativeHistogram[]): Promise<Map<string, ClassicHistogram>> {
    const { stepCount, operandPosition } = this.#config;
    const { annotations, samples, delayedNameRemoval } = this.#evaluation;
    const groupKey = new GroupKey({ without: true, labels: [BUCKET_LABEL] });
    const le = new Set([BUCKET_LABEL]);
    const histograms = new Map<string, ClassicHistogram>();
    const turns = new Turns(this.#evaluation);
    for await (const batch of this.#operand.run()) {
      for (const { labels, column: given } of batch) {
        let column = given;
        if (given.histograms !== undefined) {
          const key = `${labels.get(METRIC_NAME)}\n${groupKey.of(labels)}`;
          const name = labels.get(METRIC_NAME);
          natives.push({ labels: delayedNameRemoval ? labels : withoutName(labels), name, column: given, key });
          samples.hold(stepCount);
          column = floatsOf(given);
          if (!hasValue(column)) continue;
        }
        const text = labels.get(BUCKET_LABEL);
        const bound = parseBound(text);
        // Where names are removed early, remarks do not know them.
        const name = delayedNameRemoval ? labels.get(METRIC_NAME) : '';
        if (bound === undefined) {
          const what = `bucket label "${BUCKET_LABEL}" is missing or has a malformed value of ${JSON.stringify(text)}`;
          annotations.warn(what + ofMetric(name), operandPosition);
          continue;
        }
        // Histograms of different names are different, even if their quantiles then collide.
        const key = `${labels.get(METRIC_NAME)}\n${groupKey.of(labels)}`;
        let histogram = histograms.get(key);
        if (histogram === undefined) {
          const rest = labels.without(le);
          histogram = { labels: delayedNameRemoval ? rest : withoutName(rest), name, buckets: [], raisedAt: undefined };
          histograms.set(key, histogram);
        }
        histogram.buckets.push({ bound, column });
        samples.hold(stepCount);
        const pause = turns.after(WORK_PER_BUCKET);
        if (pause !== undefined) await pause;
      }
    }
    return histograms;
  }

  /** Takes the steps at which there are buckets of both kinds from both. */
  #takeMixed({ name, column }: NativeHistogram, classic: ClassicHistogram | undefined): void {
    if (classic === undefined) return;
    for (let k = 0; k < this.#config.stepCount; k++) {
      if (histogramAt(column, k) === undefined) continue;
      const mixed = classic.buckets.filter((bucket) => bucket.column.present[k] === 1);
      if (mixed.length === 0) continue;
      const what = 'vector contains a mix of classic and native histograms';
      this.#evaluation.annotations.warn(what + ofMetric(name), this.#config.operandPosition);
      for (const bucket of mixed) bucket.column.present[k] = 0;
      column.present[k] = 0;
    }
  }

  #answerNative({ labels, name, column }: NativeHistogram, solver: Solver): SeriesColumn {
    const out = newStepColumn(this.#config.stepCount);
    for (let k = 0; k < out.present.length; k++) {
      const histogram = histogramAt(column, k);
      if (histogram === undefined) continue;
      out.values[k] = solver.native(k, histogram, name);
      out.present[k] = 1;
    }
    return { labels, column: out, dropName: true };
  }

  #answer(histogram: ClassicHistogram, solver: Solver): SeriesColumn {
    const { labels, buckets } = histogram;
    const { stepCount } = this.#config;
    buckets.sort((a, b) => a.bound - b.bound);
    const out = newStepColumn(stepCount);
    const bounds = new Float64Array(buckets.length);
    const counts = new Float64Array(buckets.length);
    const scratch = { bounds, counts, length: 0 };
    for (let k = 0; k < stepCount; k++) {
      let length = 0;
      for (const { bound, column } of buckets) {
        if (column.present[k] === 0) continue;
        bounds[length] = bound;
        counts[length++] = column.values[k];
      }
      if (length === 0) continue;
      scratch.length = length;
      const { value, raised } = solver.classic(k, scratch);
      out.values[k] = value;
      out.present[k] = 1;
      if (raised !== undefined) this.#noteRaised(histogram, k, raised);
    }
    return { labels, column: out, dropName: true };
  }

  #noteRaised(histogram: ClassicHistogram, k: number, { firstBound, lastBound, most }: RaisedCounts): void {
    const { stepCount } = this.#config;
    histogram.raisedAt ??= new Uint8Array(stepCount);
    if (histogram.raisedAt[k] === 1) return;
    histogram.raisedAt[k] = 1;
    let steps = this.#raised.get(histogram.name);
    if (steps === undefined) {
      steps = { counts: new Uint32Array(stepCount), firstBound, lastBound, most };
      this.#raised.set(histogram.name, steps);
    }
    steps.counts[k]++;
    steps.firstBound = Math.min(steps.firstBound, firstBound);
    steps.lastBound = Math.max(steps.lastBound, lastBound);
    steps.most = Math.max(steps.most, most);
  }

  #remarkOnRaised(): void {
    const { steps, operandPosition } = this.#config;
    for (const [name, { counts, firstBound, lastBound, most }] of this.#raised) {
      const what =
        'input to histogram_quantile needed to be fixed for monotonicity ' +
        '(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)';
      const fromMs = steps.startMs + counts.findIndex((count) => count > 0) * steps.stepMs;
      const toMs = steps.startMs + counts.findLastIndex((count) => count > 0) * steps.stepMs;
      const sizes = { firstBound, lastBound, most, count: counts.reduce((sum, count) => sum + count, 0), fromMs, toMs };
      this.#evaluation.annotations.infoOf(what + ofMetric(name), operandPosition, sizes);
    }
  }
}

/** What was raised of the histograms of one name. */
interface RaisedSteps {
  /** Histograms at each step. */
  readonly counts: Uint32Array;
  firstBound: number;
  lastBound: number;
  most: number;
}

/** A bucket's bound as the reference reads it; undefined when it is none. */
function parseBound(text: string): number | undefined {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return /^nan$/i.test(text) ? NaN : undefined;
  return Number(text);
}

/** As OpenMetrics writes a number: with a decimal point or an exponent. */
function printOpenMetrics(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (!Number.isFinite(value)) return printSample(value);
  const text = printG(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Adds an answer under the labels of its steps, a series for each label value there is. */
function addLabelled(results: UniqueColumns, answer: SeriesColumn, { labelled }: Solver): void {
  if (labelled === undefined) {
    results.add(answer);
    return;
  }
  const { column } = answer;
  const columns = new Map<string, StepColumn>();
  for (let k = 0; k < column.present.length; k++) {
    if (column.present[k] === 0) continue;
    const value = labelled.at(k);
    let part = columns.get(value);
    if (part === undefined) columns.set(value, (part = newStepColumn(column.present.length)));
    part.values[k] = column.values[k];
    part.present[k] = 1;
  }
  for (const [value, part] of columns) {
    const labels = answer.labels.without(new Set([labelled.label])).with(Labels.from([[labelled.label, value]]));
    results.add({ labels, column: part, dropName: true });
  }
}

function* mapped<T, U>(items: Iterable<T>, change: (item: T) => U): Generator<U> {
  for (const item of items) yield change(item);
}

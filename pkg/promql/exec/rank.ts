// topk, bottomk and limitk: of every group, some series at each step, with their own labels.
//
// Per group and step at most k candidates are kept, as (value, series) pairs in a heap whose root is the first to go. Which
// of several equal values goes first is part of the answer, so the heap moves its entries as the reference's does.

import { Fault } from '../../errors/fault.ts';
import type { HistogramValue } from '../../model/histogram-value.ts';
import { dropHistograms, histogramAt, newStepColumn, type StepColumn, setHistogram } from '../functions/step-column.ts';
import { printSample } from '../number-text.ts';
import type { Grouping, RankOp } from '../plan/node.ts';
import { inBatches, readScalar } from './batches.ts';
import { GroupKey } from './group-key.ts';
import { BYTES_PER_STEP, labelsBytes } from './kept.ts';
import type { Batches, Evaluation, Operator, SeriesColumn } from './operator.ts';
import { Turns } from './turns.ts';

/** The objects of one group at one step, and of one entry there. */
const CANDIDATES_BYTES = 200;
const ENTRY_BYTES = 64;

export interface RankConfig {
  readonly op: RankOp;
  readonly grouping: Grouping;
  readonly stepCount: number;
  /** Where annotations point to. */
  readonly position: number;
}

/** One step: groups in order, each sorted best first (limitk: input order). Several steps: series in input order. */
export class RankOperator implements Operator {
  readonly #operand: Operator;
  readonly #parameter: Operator;
  readonly #config: RankConfig;
  readonly #evaluation: Evaluation;

  constructor(operand: Operator, parameter: Operator, config: RankConfig, evaluation: Evaluation) {
    this.#operand = operand;
    this.#parameter = parameter;
    this.#config = config;
    this.#evaluation = evaluation;
  }

  async *run(): Batches {
    const { op, grouping, stepCount, position } = this.#config;
    const limits = (await readScalar(this.#parameter)).map(wholeLimit);
    // Where none is wanted nothing is looked at.
    const picksAny = limits.some((limit) => limit >= 1);
    const isTop = op === 'topk';
    const groupKey = new GroupKey(grouping);
    const groups = new Map<string, RankedGroup>();
    // Only series that are a candidate somewhere keep their labels.
    const series: SeriesColumn[] = [];
    const empty = newStepColumn(0);
    const { bytes } = this.#evaluation;
    const turns = new Turns(this.#evaluation);
    let heldBytes = 0;
    const take = (more: number): void => {
      heldBytes += more;
      bytes.take(more);
    };
    for await (const batch of this.#operand.run('passing')) {
      for (const { labels, dropName, column } of batch) {
        // Histograms have no rank, but may be among any k.
        if (op !== 'limitk' && column.histograms !== undefined && dropHistograms(column) && picksAny) {
          this.#evaluation.annotations.info(`ignored histogram in ${op} aggregation`, position);
        }
        const pause = turns.after(4 * stepCount);
        if (pause !== undefined) await pause;
        const key = groupKey.of(labels);
        let group = groups.get(key);
        if (group === undefined) {
          group = {
            steps: Array.from({ length: stepCount }, () => new Candidates(op)),
            bars: new Float64Array(stepCount).fill(NaN),
          };
          groups.set(key, group);
          take(stepCount * CANDIDATES_BYTES);
        }
        const { steps, bars } = group;
        const { present, values } = column;
        let isCandidate = false;
        let entriesBytes = 0;
        for (let k = 0; k < stepCount; k++) {
          if (present[k] === 0) continue;
          const value = values[k];
          if (isTop ? value <= bars[k] : value >= bars[k]) continue;
          const { entries } = steps[k];
          const isMore = entries.length < limits[k];
          if (!steps[k].offer(value, series.length, limits[k], histogramAt(column, k))) continue;
          isCandidate = true;
          if (op !== 'limitk' && entries.length >= limits[k]) bars[k] = entries[0].value;
          if (isMore) entriesBytes += ENTRY_BYTES;
        }
        if (!isCandidate) continue;
        series.push({ labels, dropName, column: empty });
        // Itself, its column of the answer, and entries that take no other's place.
        take(labelsBytes(labels) + stepCount * BYTES_PER_STEP + entriesBytes);
      }
    }
    this.#evaluation.samples.hold(series.length);
    yield* inBatches(stepCount === 1 ? ranked(groups.values(), series) : columns(groups.values(), series, stepCount));
    this.#evaluation.samples.hold(-series.length);
    bytes.give(heldBytes);
  }
}

function wholeLimit(value: number): number {
  if (Number.isNaN(value)) throw new Fault('execution', 'Parameter value is NaN');
  if (value <= -(2 ** 63)) throw new Fault('execution', `Scalar value ${printLarge(value)} underflows int64`);
  if (value >= 2 ** 63) throw new Fault('execution', `Scalar value ${printLarge(value)} overflows int64`);
  return Math.trunc(value);
}

function printLarge(value: number): string {
  return Number.isFinite(value) ? value.toExponential() : printSample(value);
}

function* ranked(groups: Iterable<RankedGroup>, series: readonly SeriesColumn[]): Generator<SeriesColumn> {
  for (const { steps } of groups) {
    for (const { value, index, histogram } of steps[0].best()) {
      const { labels, dropName } = series[index];
      const histograms = histogram === undefined ? undefined : [histogram];
      yield { labels, dropName, column: { values: Float64Array.of(value), present: Uint8Array.of(1), histograms } };
    }
  }
}

function* columns(
  groups: Iterable<RankedGroup>,
  series: readonly SeriesColumn[],
  stepCount: number,
): Generator<SeriesColumn> {
  const out: (StepColumn | undefined)[] = new Array(series.length).fill(undefined);
  for (const { steps } of groups) {
    for (let k = 0; k < stepCount; k++) {
      for (const { value, index, histogram } of steps[k].entries) {
        const column = (out[index] ??= newStepColumn(stepCount));
        column.values[k] = value;
        column.present[k] = 1;
        if (histogram !== undefined) setHistogram(column, k, histogram);
      }
    }
  }
  for (let i = 0; i < series.length; i++) {
    const column = out[i];
    if (column !== undefined) yield { ...series[i], column };
  }
}

interface RankedGroup {
  readonly steps: readonly Candidates[];
  /** The worst candidate of each step that has all it may have: what is no better is not looked at. NaN says nothing. */
  readonly bars: Float64Array;
}

interface Entry {
  readonly value: number;
  readonly index: number;
  readonly histogram: HistogramValue | undefined;
}

/** The best k of one group at one step. */
class Candidates {
  readonly entries: Entry[] = [];
  readonly #op: RankOp;

  constructor(op: RankOp) {
    this.#op = op;
  }

  /** Whether the value is now among the candidates. */
  offer(value: number, index: number, limit: number, histogram: HistogramValue | undefined): boolean {
    const { entries } = this;
    if (entries.length < limit) {
      entries.push({ value, index, histogram });
      if (this.#op !== 'limitk') this.#up(entries.length - 1);
      return true;
    }
    if (limit < 1 || this.#op === 'limitk') return false;
    const worst = entries[0].value;
    const isBetter = this.#op === 'topk' ? worst < value : worst > value;
    if (!isBetter && !(Number.isNaN(worst) && !Number.isNaN(value))) return false;
    entries[0] = { value, index, histogram };
    this.#down(0);
    return true;
  }

  /** Sorted, the best first. */
  best(): readonly Entry[] {
    if (this.#op === 'limitk') return this.entries;
    return this.entries.sort((a, b) => this.#order(a.value, b.value));
  }

  #order(a: number, b: number): number {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    if (a === b) return 0;
    return this.#isWorse(b, a) ? -1 : 1;
  }

  /** NaN is worse than everything. */
  #isWorse(a: number, b: number): boolean {
    if (Number.isNaN(a)) return true;
    return this.#op === 'topk' ? a < b : a > b;
  }

  #up(start: number): void {
    const { entries } = this;
    for (let child = start; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#isWorse(entries[child].value, entries[parent].value)) return;
      [entries[child], entries[parent]] = [entries[parent], entries[child]];
      child = parent;
    }
  }

  #down(start: number): void {
    const { entries } = this;
    for (let parent = start; ; ) {
      let child = 2 * parent + 1;
      if (child >= entries.length) return;
      if (child + 1 < entries.length && this.#isWorse(entries[child + 1].value, entries[child].value)) child++;
      if (!this.#isWorse(entries[child].value, entries[parent].value)) return;
      [entries[child], entries[parent]] = [entries[parent], entries[child]];
      parent = child;
    }
  }
}

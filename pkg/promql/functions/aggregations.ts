// Accumulators of the aggregations that make one series of many: columns go in, in label order, one column comes out.

import { must } from '../../errors/assert.ts';
import { isInfinite, KahanSum } from './kahan.ts';
import { checkQuantile, quantileOf } from './quantile.ts';
import type { StepColumn } from './step-column.ts';
import type { Notes } from './windows.ts';

export type FoldOp = 'sum' | 'avg' | 'count' | 'min' | 'max' | 'group' | 'stddev' | 'stdvar' | 'quantile';

/** The state of one group over all steps. */
export interface Accumulator {
  /** Folds one member's column in; the column is not kept. */
  add(column: StepColumn): void;
  /** Writes the result into every step of `out`. Call once. */
  finish(out: StepColumn): void;
  /**
   * What of `finish` takes long, a step at a time: each gives how much work it was, in comparisons. To be called to its
   * end before `finish` by whoever has others waiting.
   */
  prepare?(): Iterable<number>;
}

/** `parameter` is quantile's, one value a step. */
export function newAccumulator(op: FoldOp, stepCount: number, notes: Notes, parameter?: Float64Array): Accumulator {
  switch (op) {
    case 'sum':
      return new Sum(stepCount);
    case 'avg':
      return new Average(stepCount);
    case 'count':
      return new Count(stepCount);
    case 'group':
      return new Group(stepCount);
    case 'min':
      return new Extreme(stepCount, false);
    case 'max':
      return new Extreme(stepCount, true);
    case 'stddev':
      return new Spread(stepCount, true);
    case 'stdvar':
      return new Spread(stepCount, false);
    case 'quantile':
      return new Quantile(stepCount, must(parameter, 'quantile parameter'), notes);
  }
}

class Sum implements Accumulator {
  readonly #sums: Float64Array;
  readonly #compensations: Float64Array;
  readonly #present: Uint8Array;

  constructor(stepCount: number) {
    this.#sums = new Float64Array(stepCount);
    this.#compensations = new Float64Array(stepCount);
    this.#present = new Uint8Array(stepCount);
  }

  add({ values, present }: StepColumn): void {
    const sums = this.#sums;
    const compensations = this.#compensations;
    const seen = this.#present;
    for (let k = 0; k < sums.length; k++) {
      if (present[k] === 0) continue;
      const value = values[k];
      if (seen[k] === 0) {
        seen[k] = 1;
        sums[k] = value;
        continue;
      }
      const sum = sums[k];
      const total = sum + value;
      if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) compensations[k] = 0;
      else if (Math.abs(sum) >= Math.abs(value)) compensations[k] += sum - total + value;
      else compensations[k] += value - total + sum;
      sums[k] = total;
    }
  }

  finish(out: StepColumn): void {
    for (let k = 0; k < this.#sums.length; k++) out.values[k] = this.#sums[k] + this.#compensations[k];
    out.present.set(this.#present);
  }
}

/** A compensated sum, or from where that would overflow on a running mean. */
class Average implements Accumulator {
  readonly #sums: Float64Array;
  readonly #compensations: Float64Array;
  readonly #counts: Float64Array;
  readonly #incremental: Uint8Array;

  constructor(stepCount: number) {
    this.#sums = new Float64Array(stepCount);
    this.#compensations = new Float64Array(stepCount);
    this.#counts = new Float64Array(stepCount);
    this.#incremental = new Uint8Array(stepCount);
  }

  add({ values, present }: StepColumn): void {
    const sums = this.#sums;
    const compensations = this.#compensations;
    const counts = this.#counts;
    for (let k = 0; k < sums.length; k++) {
      if (present[k] === 0) continue;
      const value = values[k];
      if (counts[k]++ === 0) {
        sums[k] = value;
        continue;
      }
      const sum = sums[k];
      const total = sum + value;
      if (this.#incremental[k] === 1 || total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) {
        this.#advance(k, value);
        continue;
      }
      if (Math.abs(sum) >= Math.abs(value)) compensations[k] += sum - total + value;
      else compensations[k] += value - total + sum;
      sums[k] = total;
    }
  }

  #advance(k: number, value: number): void {
    const count = this.#counts[k];
    if (this.#incremental[k] === 0) {
      this.#incremental[k] = 1;
      this.#sums[k] /= count - 1;
      this.#compensations[k] /= count - 1;
    }
    const mean = this.#sums[k];
    if (isInfinite(mean)) {
      if (isInfinite(value) && mean > 0 === value > 0) return;
      if (Number.isFinite(value)) return;
    }
    const q = (count - 1) / count;
    const next = new KahanSum(q * mean, q * this.#compensations[k]);
    next.add(value / count);
    this.#sums[k] = next.sum;
    this.#compensations[k] = next.compensation;
  }

  finish(out: StepColumn): void {
    for (let k = 0; k < this.#sums.length; k++) {
      const count = this.#counts[k];
      out.present[k] = count > 0 ? 1 : 0;
      const divisor = this.#incremental[k] === 1 ? 1 : count;
      out.values[k] = this.#sums[k] / divisor + this.#compensations[k] / divisor;
    }
  }
}

class Count implements Accumulator {
  readonly #counts: Float64Array;

  constructor(stepCount: number) {
    this.#counts = new Float64Array(stepCount);
  }

  add({ present }: StepColumn): void {
    const counts = this.#counts;
    for (let k = 0; k < counts.length; k++) counts[k] += present[k];
  }

  finish(out: StepColumn): void {
    for (let k = 0; k < this.#counts.length; k++) {
      out.values[k] = this.#counts[k];
      out.present[k] = this.#counts[k] > 0 ? 1 : 0;
    }
  }
}

class Group implements Accumulator {
  readonly #present: Uint8Array;

  constructor(stepCount: number) {
    this.#present = new Uint8Array(stepCount);
  }

  add({ present }: StepColumn): void {
    for (let k = 0; k < this.#present.length; k++) this.#present[k] |= present[k];
  }

  finish(out: StepColumn): void {
    out.values.fill(1);
    out.present.set(this.#present);
  }
}

/** NaN only counts where there is nothing else. */
class Extreme implements Accumulator {
  readonly #best: Float64Array;
  readonly #present: Uint8Array;
  readonly #isMax: boolean;

  constructor(stepCount: number, isMax: boolean) {
    this.#best = new Float64Array(stepCount);
    this.#present = new Uint8Array(stepCount);
    this.#isMax = isMax;
  }

  add({ values, present }: StepColumn): void {
    const best = this.#best;
    for (let k = 0; k < best.length; k++) {
      if (present[k] === 0) continue;
      const value = values[k];
      const held = best[k];
      if (this.#present[k] === 0 || Number.isNaN(held) || (this.#isMax ? held < value : held > value)) best[k] = value;
      this.#present[k] = 1;
    }
  }

  finish(out: StepColumn): void {
    out.values.set(this.#best);
    out.present.set(this.#present);
  }
}

/** Welford's recurrence. */
class Spread implements Accumulator {
  readonly #counts: Float64Array;
  readonly #means: Float64Array;
  readonly #squares: Float64Array;
  readonly #isDeviation: boolean;

  constructor(stepCount: number, isDeviation: boolean) {
    this.#counts = new Float64Array(stepCount);
    this.#means = new Float64Array(stepCount);
    this.#squares = new Float64Array(stepCount);
    this.#isDeviation = isDeviation;
  }

  add({ values, present }: StepColumn): void {
    for (let k = 0; k < this.#counts.length; k++) {
      if (present[k] === 0) continue;
      const value = values[k];
      const count = ++this.#counts[k];
      if (count === 1) {
        this.#means[k] = value;
        this.#squares[k] = Number.isFinite(value) ? 0 : Number.NaN;
        continue;
      }
      const difference = value - this.#means[k];
      this.#means[k] += difference / count;
      this.#squares[k] += difference * (value - this.#means[k]);
    }
  }

  finish(out: StepColumn): void {
    for (let k = 0; k < this.#counts.length; k++) {
      out.present[k] = this.#counts[k] > 0 ? 1 : 0;
      const variance = this.#squares[k] / this.#counts[k];
      out.values[k] = this.#isDeviation ? Math.sqrt(variance) : variance;
    }
  }
}

/** Keeps every value: columns are copied side by side, member by member. */
class Quantile implements Accumulator {
  readonly #stepCount: number;
  readonly #parameter: Float64Array;
  readonly #notes: Notes;
  readonly #values: Float64Array[] = [];
  readonly #present: Uint8Array[] = [];
  readonly #quantiles: Float64Array;
  readonly #found: Uint8Array;
  /** Steps whose quantiles are known. */
  #done = 0;

  constructor(stepCount: number, parameter: Float64Array, notes: Notes) {
    this.#stepCount = stepCount;
    this.#quantiles = new Float64Array(stepCount);
    this.#found = new Uint8Array(stepCount);
    this.#parameter = parameter;
    this.#notes = notes;
  }

  add({ values, present }: StepColumn): void {
    this.#values.push(values.slice(0, this.#stepCount));
    this.#present.push(present.slice(0, this.#stepCount));
  }

  *prepare(): Iterable<number> {
    const members = this.#values.length;
    const scratch = new Float64Array(members);
    const workPerStep = members * (1 + Math.log2(members));
    for (; this.#done < this.#stepCount; this.#done++) {
      const k = this.#done;
      let count = 0;
      for (let i = 0; i < members; i++) if (this.#present[i][k] === 1) scratch[count++] = this.#values[i][k];
      this.#quantiles[k] = quantileOf(this.#parameter[k], scratch, count);
      this.#found[k] = count > 0 ? 1 : 0;
      if (count > 0) checkQuantile(this.#parameter[k], this.#notes);
      yield workPerStep;
    }
    this.#values.length = 0;
    this.#present.length = 0;
  }

  finish(out: StepColumn): void {
    for (const _ of this.prepare());
    out.values.set(this.#quantiles);
    out.present.set(this.#found);
  }
}

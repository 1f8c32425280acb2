// Scalar with scalar, and vector with scalar: value by value, one series at a time.

import {
  type ArithmeticOp,
  arithmetic,
  type ComparisonOp,
  comparison,
  isTrim,
  type TrimOp,
} from '../functions/binary-ops.ts';
import { combineHistograms } from '../functions/histogram-binary.ts';
import { incompatibleSamples } from '../functions/histogram-notes.ts';
import { histogramAt, type StepColumn, setHistogram } from '../functions/step-column.ts';
import type { Notes } from '../functions/windows.ts';
import { isComparison, scalarFunction } from '../plan/fold-constants.ts';
import { hasValue, readScalar, scalarSeries } from './batches.ts';
import { notesAt } from './matrix-selector.ts';
import { withoutName } from './names.ts';
import type { Batches, ColumnUse, Evaluation, Operator, SeriesColumn } from './operator.ts';

export class ScalarScalarOperator implements Operator {
  readonly #op: ArithmeticOp | ComparisonOp | 'min_of' | 'max_of';
  readonly #left: Operator;
  readonly #right: Operator;

  constructor(op: ArithmeticOp | ComparisonOp | 'min_of' | 'max_of', left: Operator, right: Operator) {
    this.#op = op;
    this.#left = left;
    this.#right = right;
  }

  async *run(): Batches {
    const left = await readScalar(this.#left);
    const right = await readScalar(this.#right);
    const compute = scalarFunction(this.#op);
    for (let k = 0; k < left.length; k++) left[k] = compute(left[k], right[k]);
    yield [scalarSeries(left)];
  }
}

export interface VectorScalarConfig {
  readonly op: ArithmeticOp | ComparisonOp | TrimOp;
  /** Comparisons give 0 or 1 instead of leaving samples out. */
  readonly bool: boolean;
  readonly scalarSide: 'left' | 'right';
  /** Where annotations point to. */
  readonly position: number;
}

export class VectorScalarOperator implements Operator {
  readonly #vector: Operator;
  readonly #scalar: Operator;
  readonly #config: VectorScalarConfig;
  readonly #evaluation: Evaluation;

  constructor(vector: Operator, scalar: Operator, config: VectorScalarConfig, evaluation: Evaluation) {
    this.#vector = vector;
    this.#scalar = scalar;
    this.#config = config;
    this.#evaluation = evaluation;
  }

  async *run(use?: ColumnUse): Batches {
    const scalar = await readScalar(this.#scalar);
    const { op, bool } = this.#config;
    const dropsName = bool || !(isComparison(op) || isTrim(op));
    const notes = notesAt(this.#evaluation, this.#config.position);
    const apply = columnFunction(this.#config, scalar, notes);
    for await (const batch of this.#vector.run(use)) {
      const out: SeriesColumn[] = [];
      for (const { labels, column, dropName } of batch) {
        const hasHistograms = column.histograms !== undefined;
        if (hasHistograms) applyToHistograms(column, this.#config, scalar, notes);
        apply(column);
        if (((isComparison(op) && !bool) || isTrim(op) || hasHistograms) && !hasValue(column)) continue;
        out.push({
          labels: dropsName && !this.#evaluation.delayedNameRemoval ? withoutName(labels) : labels,
          column,
          dropName: dropsName || dropName,
        });
      }
      if (out.length > 0) yield out;
    }
  }
}

/** The histograms of a column, in place; those that give nothing are gone. Floats are left as they are. */
function applyToHistograms(column: StepColumn, config: VectorScalarConfig, scalar: Float64Array, notes: Notes): void {
  const { op, scalarSide } = config;
  for (let k = 0; k < column.present.length; k++) {
    const histogram = histogramAt(column, k);
    if (histogram === undefined) continue;
    const [left, right] = scalarSide === 'left' ? [scalar[k], histogram] : [histogram, scalar[k]];
    const result = combineHistograms(op, left, right, notes);
    if (typeof result === 'object') setHistogram(column, k, result);
    else column.present[k] = 0;
  }
}

/** Changes a column in place. A filter keeps the vector's value, on whichever side the vector stands. */
function columnFunction(config: VectorScalarConfig, scalar: Float64Array, notes: Notes): (column: StepColumn) => void {
  const { op, bool } = config;
  const isLeft = config.scalarSide === 'left';
  if (isTrim(op)) return (column) => dropFloats(op, column, notes);
  if (!isComparison(op)) {
    const compute = arithmetic(op);
    return ({ values }) => {
      for (let k = 0; k < values.length; k++) {
        values[k] = isLeft ? compute(scalar[k], values[k]) : compute(values[k], scalar[k]);
      }
    };
  }
  const holds = comparison(op);
  return ({ values, present }) => {
    for (let k = 0; k < values.length; k++) {
      const kept = isLeft ? holds(scalar[k], values[k]) : holds(values[k], scalar[k]);
      if (bool) values[k] = kept ? 1 : 0;
      else if (!kept) present[k] = 0;
    }
  };
}

/** Only histograms can be cut off. */
function dropFloats(op: TrimOp, { present, histograms }: StepColumn, notes: Notes): void {
  for (let k = 0; k < present.length; k++) {
    if (present[k] === 0 || histograms?.[k] !== undefined) continue;
    notes.info(incompatibleSamples(op, 'float', 'float'));
    present[k] = 0;
  }
}

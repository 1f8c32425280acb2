// Results of a query as data: what an engine hands out and an API prints. Times are milliseconds.

import type { HistogramValue } from './histogram-value.ts';
import type { Labels } from './labels.ts';

export interface VectorSample {
  readonly labels: Labels;
  /** Means nothing where there is a histogram. */
  readonly value: number;
  readonly histogram?: HistogramValue | undefined;
}

/**
 * One series of a matrix. Times and values have the same length; times ascend. Series may share their `times`. Histograms
 * have times of their own; undefined where there are none.
 */
export interface MatrixSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: HistogramPoints | undefined;
}

export interface HistogramPoints {
  readonly times: Float64Array;
  readonly values: readonly HistogramValue[];
}

export interface ScalarValue {
  readonly kind: 'scalar';
  readonly timeMs: number;
  readonly value: number;
}

export interface StringValue {
  readonly kind: 'string';
  readonly timeMs: number;
  readonly value: string;
}

export interface VectorValue {
  readonly kind: 'vector';
  /** The time of every sample. */
  readonly timeMs: number;
  /** In the order the expression gives them: sorted only where it sorts. */
  readonly samples: readonly VectorSample[];
}

export interface MatrixValue {
  readonly kind: 'matrix';
  /** Sorted by labels; none is without points. */
  readonly series: readonly MatrixSeries[];
}

/** Owned by the receiver; nothing changes it any more. */
export type Value = ScalarValue | StringValue | VectorValue | MatrixValue;

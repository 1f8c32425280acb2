// Remarks about histograms that several functions make, as the reference words them.

/** ` for metric name "x"`, nothing for a series without a name. */
export function ofMetric(name: string): string {
  return name === '' ? '' : ` for metric name ${JSON.stringify(name)}`;
}

export function mixedSamples(name: string): string {
  return `encountered a mix of histograms and floats for metric name ${JSON.stringify(name)}`;
}

export function mixedSchemas(name: string): string {
  return `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${JSON.stringify(name)}`;
}

export function ignoredInRange(name: string): string {
  return `ignored histograms in a range containing both floats and histograms for metric name ${JSON.stringify(name)}`;
}

export function notACounter(name: string): string {
  return `this native histogram metric is not a counter: ${JSON.stringify(name)}`;
}

export function notAGauge(name: string): string {
  return `this native histogram metric is not a gauge: ${JSON.stringify(name)}`;
}

export function reconciledBounds(during: 'addition' | 'subtraction' | 'aggregation'): string {
  return `mismatched custom buckets were reconciled during ${during}`;
}

export function conflictingResets(during: 'addition' | 'subtraction' | 'aggregation'): string {
  return `conflicting counter resets during histogram ${during}`;
}

export function incompatibleSamples(op: string, left: string, right: string): string {
  return `incompatible sample types encountered for binary operator "${op}": ${left} ${op} ${right}`;
}

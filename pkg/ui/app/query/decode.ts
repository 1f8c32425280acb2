// A query's answer as columns: all samples of all series in two arrays, so that ten thousand series cost no object each
// per sample, and a worker can hand them over without copying.

/** A native histogram as the API writes it. */
export interface HistogramPoint {
  readonly timeMs: number;
  readonly count: number;
  readonly sum: number;
  /** lower, upper, count of every bucket, one after the other, ascending. */
  readonly buckets: Float64Array;
}

export type SeriesLabels = Readonly<Record<string, string>>;

export interface QueryResult {
  readonly kind: 'vector' | 'matrix' | 'scalar' | 'string';
  readonly labels: readonly SeriesLabels[];
  /** Series `i` has the samples `offsets[i]` up to `offsets[i + 1]`. */
  readonly offsets: Uint32Array;
  /** ms, ascending within a series. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Values as the server wrote them; of vectors, scalars and strings only. */
  readonly texts: readonly string[];
  /** By series; an empty list where there are none. Left out when no series has any. */
  readonly histograms?: readonly (readonly HistogramPoint[])[];
}

export interface QueryData {
  readonly result: QueryResult;
  /** The measured plan, as sent; undefined when it was not asked for. */
  readonly analysis: unknown;
  readonly stats: unknown;
}

/** Reads `data` of an answer. Throws a plain Error when it is not what the API promises. */
export function decodeQueryData(data: unknown): QueryData {
  const { resultType, result, analysis, stats } = (data ?? {}) as Record<string, unknown>;
  const hasAnalysis = typeof analysis === 'object' && analysis !== null && Object.keys(analysis).length > 0;
  return { result: decodeResult(resultType, result), analysis: hasAnalysis ? analysis : undefined, stats };
}

function decodeResult(kind: unknown, result: unknown): QueryResult {
  if (kind === 'scalar' || kind === 'string') {
    const [time, text] = pairOf(result);
    return columns(kind, [{}], [[[time, text]]], []);
  }
  if ((kind !== 'vector' && kind !== 'matrix') || !Array.isArray(result)) {
    throw new Error(`the answer is of a kind this page does not know: ${String(kind)}`);
  }
  const labels: SeriesLabels[] = [];
  const points: (readonly unknown[])[] = [];
  const histograms: (readonly unknown[])[] = [];
  for (const one of result as Record<string, unknown>[]) {
    labels.push((one['metric'] ?? {}) as SeriesLabels);
    if (kind === 'vector') {
      points.push(one['value'] === undefined ? [] : [one['value']]);
      histograms.push(one['histogram'] === undefined ? [] : [one['histogram']]);
    } else {
      points.push(listOf(one['values']));
      histograms.push(listOf(one['histograms']));
    }
  }
  return columns(kind, labels, points, histograms);
}

function columns(
  kind: QueryResult['kind'],
  labels: readonly SeriesLabels[],
  points: readonly (readonly unknown[])[],
  histograms: readonly (readonly unknown[])[],
): QueryResult {
  const offsets = new Uint32Array(labels.length + 1);
  for (let i = 0; i < points.length; i++) offsets[i + 1] = offsets[i] + points[i].length;
  const times = new Float64Array(offsets[labels.length]);
  const values = new Float64Array(offsets[labels.length]);
  const texts: string[] = [];
  let at = 0;
  for (const list of points) {
    for (const point of list) {
      const [time, text] = pairOf(point);
      times[at] = Math.round(Number(time) * 1000);
      values[at++] = parseValue(text);
      if (kind !== 'matrix') texts.push(String(text));
    }
  }
  const result = { kind, labels, offsets, times, values, texts };
  if (histograms.every((list) => list.length === 0)) return result;
  return { ...result, histograms: histograms.map((list) => list.map(decodeHistogram)) };
}

function decodeHistogram(point: unknown): HistogramPoint {
  const [time, body] = pairOf(point);
  const { count, sum, buckets } = (body ?? {}) as Record<string, unknown>;
  const list = listOf(buckets);
  const flat = new Float64Array(list.length * 3);
  for (const [i, bucket] of list.entries()) {
    const [, lower, upper, bucketCount] = bucket as unknown[];
    flat[i * 3] = parseValue(lower);
    flat[i * 3 + 1] = parseValue(upper);
    flat[i * 3 + 2] = parseValue(bucketCount);
  }
  return { timeMs: Math.round(Number(time) * 1000), count: parseValue(count), sum: parseValue(sum), buckets: flat };
}

/** "1.5", "NaN", "+Inf", "-Inf". */
export function parseValue(text: unknown): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

function pairOf(value: unknown): readonly [unknown, unknown] {
  if (!Array.isArray(value) || value.length < 2) throw new Error('a sample of the answer is no pair of time and value');
  return value as unknown as readonly [unknown, unknown];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

// Answers of the API for tests, made of few words.

import { decodeQueryData, type QueryResult } from './decode.ts';

/** A matrix: labels of each series, and its points as [seconds, value]. */
export function matrix(
  ...series: readonly (readonly [Readonly<Record<string, string>>, readonly (readonly [number, string])[]])[]
): QueryResult {
  const result = series.map(([metric, values]) => ({ metric, values }));
  return decodeQueryData({ resultType: 'matrix', result }).result;
}

/** A vector at one moment. */
export function vector(...series: readonly (readonly [Readonly<Record<string, string>>, string])[]): QueryResult {
  const result = series.map(([metric, value]) => ({ metric, value: [10, value] }));
  return decodeQueryData({ resultType: 'vector', result }).result;
}

/** One series of native histograms: seconds, and buckets as [lower, upper, count]. */
export function histograms(
  ...points: readonly (readonly [number, readonly (readonly [number, number, number])[]])[]
): QueryResult {
  const list = points.map(([time, buckets]) => {
    const count = buckets.reduce((sum, [, , one]) => sum + one, 0);
    return [time, { count: String(count), sum: '1.5', buckets: buckets.map((bucket) => [0, ...bucket.map(String)]) }];
  });
  return decodeQueryData({ resultType: 'matrix', result: [{ metric: { job: 'a' }, histograms: list }] }).result;
}

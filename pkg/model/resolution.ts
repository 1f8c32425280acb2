// The three resolutions of stored data, and what a cap on them does to a query.

/** Milliseconds a sample stands for; 0 is raw. */
export const RESOLUTION_RAW = 0;
export const RESOLUTION_5M = 300_000;
export const RESOLUTION_1H = 3_600_000;

/** Coarsest first, the order in which a gateway tries them. */
export const resolutions: readonly number[] = [RESOLUTION_1H, RESOLUTION_5M, RESOLUTION_RAW];

/** As tables and file names print it: `raw`, `5m`, `1h`. */
export function resolutionText(resolutionMs: number): string {
  if (resolutionMs === RESOLUTION_RAW) return 'raw';
  if (resolutionMs === RESOLUTION_5M) return '5m';
  if (resolutionMs === RESOLUTION_1H) return '1h';
  return `${resolutionMs}ms`;
}

const twoSampleFunctions: ReadonlySet<string> = new Set([
  'rate',
  'irate',
  'increase',
  'delta',
  'idelta',
  'deriv',
  'predict_linear',
  'holt_winters',
  'double_exponential_smoothing',
]);

/** Whether a function of a range needs two samples for a value. */
export function isTwoSampleFunction(func: string): boolean {
  return twoSampleFunctions.has(func);
}

/** The coarsest resolution a select may use: a function that needs two samples must find them within its range. */
export function cappedResolution(maxResolutionMs: number, func: string, rangeMs: number): number {
  // Whole milliseconds, rounded down: the wire carries an integer.
  return twoSampleFunctions.has(func) ? Math.min(maxResolutionMs, Math.floor(rangeMs / 2)) : maxResolutionMs;
}

/** The look-back that still finds samples of the coarsest resolution allowed. */
export function dynamicLookback(lookbackMs: number, maxResolutionMs: number): number {
  if (maxResolutionMs > Math.max(RESOLUTION_5M, lookbackMs)) return Math.max(lookbackMs, RESOLUTION_1H);
  if (maxResolutionMs > lookbackMs) return Math.max(lookbackMs, RESOLUTION_5M);
  return lookbackMs;
}

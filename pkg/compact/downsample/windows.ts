// Where windows of a resolution end, and into how many chunks a series is cut.

/** Windows a chunk has at most, on average. */
const WINDOWS_PER_CHUNK = 140;

/** How far apart raw samples are taken to be, ms: blocks do not record how often was scraped. */
const ASSUMED_RAW_STEP_MS = 60_000;

/** The last millisecond of the window that a time lies in. Windows are aligned to 0, also those before it. */
export function windowEnd(time: number, resolutionMs: number): number {
  // Never before the time itself, which rounding does to times that no real sample has.
  return Math.max(time, Math.floor(time / resolutionMs) * resolutionMs + resolutionMs - 1);
}

export interface SampleSpan {
  /** Of the first and the last sample, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly sampleCount: number;
}

/**
 * How many chunks samples become. The numbers are the reference's, rounded where it rounds, so that chunks of both have the
 * same boundaries: whoever reads counters sees those.
 */
export function outputChunkCount(
  { minTime, maxTime, sampleCount }: SampleSpan,
  resolutions: { readonly from: number; readonly to: number },
): number {
  const stepMs = resolutions.from === 0 ? ASSUMED_RAW_STEP_MS : resolutions.from;
  const mostWindows = Math.trunc((maxTime - minTime) / resolutions.to);
  // Samples at one moment only fill it, whatever the division says.
  const fullness = maxTime === minTime ? 1 : Math.min(1, sampleCount / ((maxTime - minTime) / stepMs));
  const expectedWindows = Math.trunc(mostWindows * fullness) + 1;
  // The fewest chunks whose mean, rounded down, is within the limit.
  return Math.floor(expectedWindows / (WINDOWS_PER_CHUNK + 1)) + 1;
}

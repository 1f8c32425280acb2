// How numbers, sizes, times and durations are written on every page.

/** 1234567 -> "1.23M": at most three digits that count. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return '0';
  const size = Math.abs(value);
  for (const [limit, unit] of [
    [1e15, 'P'],
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (size >= limit) return `${trimmed(value / limit)}${unit}`;
  }
  if (size >= 0.001) return trimmed(value);
  return value.toExponential(2).replace(/\.?0+e/, 'e');
}

/** Binary units: 1536 -> "1.5 KiB". */
export function byteText(bytes: number): string {
  let size = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB', 'TiB']) {
    if (Math.abs(size) < 1024) return `${trimmed(size)} ${unit}`;
    size /= 1024;
  }
  return `${trimmed(size)} PiB`;
}

/** How long something took: "1.2 ms", "3.4 s", "2m 5s". */
export function tookText(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${trimmed(ms)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 3600
    ? `${Math.floor(seconds / 60)}m ${seconds % 60}s`
    : `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
}

/** "2026-01-31 17:05:09", with ".250" when there are milliseconds. Times no calendar has are written as numbers. */
export function timeText(ms: number, isLocal: boolean): string {
  // Calendars of JavaScript end 8.64e15 ms from 1970.
  if (!(Math.abs(ms) <= 8.64e15)) return String(ms);
  const date = new Date(isLocal ? ms - new Date(ms).getTimezoneOffset() * 60_000 : ms);
  const text = date.toISOString().replace('T', ' ').replace('Z', '');
  return text.endsWith('.000') ? text.slice(0, -4) : text;
}

/** A duration in the units of PromQL, the largest first: 5400000 -> "1h30m". 0 is "0s". */
export function durationText(ms: number): string {
  let rest = Math.round(Math.abs(ms));
  if (rest === 0) return '0s';
  let text = ms < 0 ? '-' : '';
  for (const [unit, size] of UNITS) {
    // Weeks and years only when they come out even: "8d" is clearer than "1w1d".
    if ((unit === 'y' || unit === 'w') && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** Milliseconds of "1h30m", "90", "2.5" (seconds); undefined when it is neither. */
export function parseDurationText(text: string): number | undefined {
  const trimmedText = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmedText)) return Number(trimmedText) * 1000;
  const match = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(trimmedText);
  if (match === null || trimmedText === '') return undefined;
  return UNITS.reduce((sum, [, size], i) => sum + Number(match[i + 1] ?? 0) * size, 0);
}

const UNITS = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}

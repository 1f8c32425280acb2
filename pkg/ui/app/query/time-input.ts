// Times and ranges as people type them.

import { parseDurationText, timeText } from '../parts/text.ts';

/** `now` (also empty) is undefined; what is no time is `invalid`. `now-1h` and `2026-01-31 17:05[:09]` are times, too. */
export function parseTimeInput(text: string, isLocal: boolean, nowMs: number): number | undefined | 'invalid' {
  const typed = text.trim().toLowerCase();
  if (typed === '' || typed === 'now') return undefined;
  const relative = /^now\s*-\s*(.+)$/.exec(typed);
  if (relative !== null) {
    const ms = parseDurationText(relative[1]);
    return ms === undefined ? 'invalid' : Math.floor((nowMs - ms) / 1000) * 1000;
  }
  if (/^\d{9,11}(\.\d+)?$/.test(typed)) return Number(typed) * 1000;
  const match = /^(\d{4})-(\d\d?)-(\d\d?)(?:[ t]+(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?\s*(z?)$/.exec(typed);
  if (match === null) return 'invalid';
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return 'invalid';
  return isLocal && match[7] === ''
    ? new Date(year, month - 1, day, hour, minute, second).getTime()
    : Date.UTC(year, month - 1, day, hour, minute, second);
}

/** What the field shows: empty for now. */
export function timeInputText(ms: number | undefined, isLocal: boolean): string {
  return ms === undefined ? '' : timeText(Math.floor(ms / 1000) * 1000, isLocal);
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The ranges that − and + go through. */
export const RANGES_MS: readonly number[] = [
  ...[1, 5, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 7, 14, 28, 56, 182, 365, 730].map((days) => days * DAY_MS),
];

/** The next range up (1) or down (-1); the end of the list stays. */
export function nextRange(rangeMs: number, direction: 1 | -1): number {
  const found = direction === 1 ? RANGES_MS.find((one) => one > rangeMs) : RANGES_MS.findLast((one) => one < rangeMs);
  return found ?? rangeMs;
}

// Where a time axis has its marks, and what is written at them.

import type { Interval } from './intervals.ts';

export interface Tick {
  readonly ms: number;
  readonly text: string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps that fall on round times; beyond days, months and years have their own. */
const STEPS = [
  1000,
  5000,
  15_000,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
];
/** Whole months; 12 and more are years. */
const MONTH_STEPS = [1, 3, 6, 12, 24, 60, 120, 600, 1200];

/** At most `count` round times within the range, in UTC or in the browser's zone. */
export function ticksOf({ from, to }: Interval, count: number, isLocal: boolean): readonly Tick[] {
  const span = to - from;
  if (!(span > 0) || count < 1 || !isCalendar(from) || !isCalendar(to)) return [];
  const step = STEPS.find((one) => span / one <= count);
  if (step === undefined) return monthTicks({ from, to }, count, isLocal);
  const offset = isLocal ? new Date(from).getTimezoneOffset() * MINUTE : 0;
  const ticks: Tick[] = [];
  for (let ms = Math.ceil((from - offset) / step) * step + offset; ms <= to && ticks.length < count + 1; ms += step) {
    ticks.push({ ms, text: tickText(ms, step, isLocal) });
  }
  return ticks;
}

function monthTicks({ from, to }: Interval, count: number, isLocal: boolean): readonly Tick[] {
  const months = (to - from) / (30.44 * DAY);
  const step = MONTH_STEPS.find((one) => months / one <= count) ?? MONTH_STEPS.at(-1)!;
  const first = isLocal ? new Date(from) : new Date(from + new Date(from).getTimezoneOffset() * MINUTE);
  const begin = Math.floor((first.getFullYear() * 12 + first.getMonth()) / step) * step;
  const ticks: Tick[] = [];
  for (let month = begin; ticks.length <= count; month += step) {
    const ms = isLocal
      ? new Date(Math.floor(month / 12), month % 12, 1).getTime()
      : Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (!(ms <= to)) break;
    if (ms < from) continue;
    const [date] = isoText(ms, isLocal).split('T');
    ticks.push({ ms, text: step >= 12 ? date.slice(0, -6) : date.slice(0, -3) });
  }
  return ticks;
}

/** The time at a step of hours, the day at midnight; the day alone at steps of days. */
function tickText(ms: number, step: number, isLocal: boolean): string {
  const [date, time] = isoText(ms, isLocal).split('T');
  if (step >= DAY || time.startsWith('00:00:00')) return date.slice(-5);
  return step < MINUTE ? time.slice(0, 8) : time.slice(0, 5);
}

function isoText(ms: number, isLocal: boolean): string {
  return new Date(isLocal ? ms - new Date(ms).getTimezoneOffset() * MINUTE : ms).toISOString();
}

/** Calendars of JavaScript end 8.64e15 ms from 1970; a day is left for zones. */
function isCalendar(ms: number): boolean {
  return Math.abs(ms) < 8.64e15 - DAY;
}

/** How long ago, in one unit: "12 s", "3 min", "5 h", "2 d". Negative is "0 s": clocks differ a little. */
export function agoText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** The length of a stretch of time in at most two units: "2h", "1d12h", "34d". */
export function spanText(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['y', 365 * DAY],
    ['d', DAY],
    ['h', HOUR],
    ['m', MINUTE],
    ['s', 1000],
  ];
  let rest = Math.round(Math.abs(ms) / 1000) * 1000;
  const first = units.findIndex(([, size]) => rest >= size);
  if (first < 0) return `${Math.round(ms)}ms`;
  let text = '';
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

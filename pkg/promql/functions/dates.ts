// Parts of a date, in UTC, of a value taken as seconds since the epoch.

import { each } from './pointwise.ts';

interface Day {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

const DAY_SECONDS = 86_400;

/** Where int64 ends. Values that do not fit, and NaN, are that second in the reference's arithmetic. */
const BEYOND = 2 ** 63;

/** Fractions are cut off. */
function wholeSeconds(value: number): number {
  return value < BEYOND && value > -BEYOND ? Math.trunc(value) : BEYOND;
}

function dayNumber(value: number): number {
  const seconds = wholeSeconds(value);
  if (Number.isSafeInteger(seconds)) return Math.floor(seconds / DAY_SECONDS);
  return Number((BigInt(seconds) - BigInt(secondOfDay(value))) / BigInt(DAY_SECONDS));
}

function secondOfDay(value: number): number {
  const seconds = wholeSeconds(value);
  // The remainder of doubles is exact.
  const rest = seconds % DAY_SECONDS;
  return rest < 0 ? rest + DAY_SECONDS : Math.abs(rest);
}

/** The Gregorian date of a day, 0 being 1970-01-01. Counts from 1 March of year 0, so that leap days come last. */
function dateOf(days: number): Day {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function lengthOfMonth({ year, month }: Day): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

const before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

function ordinal({ year, month, day }: Day): number {
  return before[month - 1] + day + (month > 2 && isLeap(year) ? 1 : 0);
}

export const daysInMonth = each((value) => lengthOfMonth(dateOf(dayNumber(value))));
export const dayOfMonth = each((value) => dateOf(dayNumber(value)).day);
export const dayOfYear = each((value) => ordinal(dateOf(dayNumber(value))));
/** Sunday is 0; the epoch was a Thursday. */
export const dayOfWeek = each((value) => (((dayNumber(value) + 4) % 7) + 7) % 7);
export const month = each((value) => dateOf(dayNumber(value)).month);
export const year = each((value) => dateOf(dayNumber(value)).year);
export const hour = each((value) => Math.floor(secondOfDay(value) / 3600));
export const minute = each((value) => Math.floor((secondOfDay(value) % 3600) / 60));

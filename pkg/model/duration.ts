// Durations as Prometheus writes them: 1h30m, 250ms, 0s. In code they are milliseconds.

import { Fault } from '../errors/fault.ts';

const units: readonly (readonly [string, number])[] = [
  ['y', 31_536_000_000],
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** The longest span that int64 nanoseconds hold, whole milliseconds. */
const LONGEST_MS = 9_223_372_036_854;

/** Milliseconds. Units come in falling order, each at most once. Throws `invalid` with the reference's text. */
export function parseDuration(text: string): number {
  if (text === '') throw new Fault('invalid', 'empty duration string');
  if (text === '0') return 0;
  let at = 0;
  let next = 0;
  let sumMs = 0;
  while (at < text.length) {
    const digits = /^[0-9]+/.exec(text.slice(at))?.[0];
    // More than an unsigned 64-bit number is no number to the reference.
    if (digits === undefined || BigInt(digits) >= 2n ** 64n)
      throw new Fault('invalid', `not a valid duration string: ${JSON.stringify(text)}`);
    at += digits.length;
    const unit = /^[^0-9]*/.exec(text.slice(at))![0];
    at += unit.length;
    const index = units.findIndex(([name]) => name === unit);
    if (index < 0) {
      const what = unit === '' ? 'not a valid duration string:' : `unknown unit ${JSON.stringify(unit)} in duration`;
      throw new Fault('invalid', `${what} ${JSON.stringify(text)}`);
    }
    if (index < next) throw new Fault('invalid', `not a valid duration string: ${JSON.stringify(text)}`);
    next = index + 1;
    sumMs += Number(digits) * units[index][1];
    if (!(sumMs <= LONGEST_MS)) throw new Fault('invalid', 'duration out of range');
  }
  return sumMs;
}

/**
 * The shortest form that keeps every millisecond: 90 minutes are `1h30m`. Years and weeks are only used when nothing
 * is left over. Negative durations get a minus in front.
 */
export function printDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let left = Math.abs(durationMs);
  let out = durationMs < 0 ? '-' : '';
  for (const [name, unitMs] of units) {
    if ((name === 'y' || name === 'w') && left % unitMs !== 0) continue;
    const count = Math.floor(left / unitMs);
    if (count === 0) continue;
    out += `${count}${name}`;
    left -= count * unitMs;
  }
  return out;
}

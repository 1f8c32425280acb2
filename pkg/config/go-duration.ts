// Durations as Go spells them: the second form flags and files take beside the Prometheus one of model/duration.ts.

import { Fault } from '../errors/fault.ts';

/** 2^63 ns: what the reference's durations can hold. */
const LARGEST_MS = 9_223_372_036_854;

const GO_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** `1.5h`, `-10s`, `1d`: fractions and a sign allowed; a bare number only when it is 0. Milliseconds, maybe a fraction. */
export function parseGoDuration(text: string): number {
  const quoted = JSON.stringify(text);
  const sign = text.startsWith('-') ? -1 : 1;
  let rest = /^[-+]/.test(text) ? text.slice(1) : text;
  if (rest === '0') return 0;
  if (rest === '') throw new Fault('invalid', `time: invalid duration ${quoted}`);
  let ms = 0;
  while (rest !== '') {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) throw new Fault('invalid', `time: invalid duration ${quoted}`);
    rest = rest.slice(number.length);
    const unit = /^[^\d.]+/.exec(rest)?.[0];
    if (unit === undefined) throw new Fault('invalid', `time: missing unit in duration ${quoted}`);
    const unitMs = Object.hasOwn(GO_UNITS_MS, unit) ? GO_UNITS_MS[unit] : undefined;
    if (unitMs === undefined) {
      throw new Fault('invalid', `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    }
    rest = rest.slice(unit.length);
    ms += Number(number) * unitMs;
  }
  if (ms > LARGEST_MS) throw new Fault('invalid', `time: invalid duration ${quoted}`);
  return sign * ms;
}

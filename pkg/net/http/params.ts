// Request parameters: text to values, with the error texts of the reference. The first of repeated values wins.

import { Fault } from '../../errors/fault.ts';
import { parseDuration as parsePrometheusDuration } from '../../model/duration.ts';

/** Parameters by name, each with its values in the order they came. */
export class Parameters {
  readonly #values = new Map<string, string[]>();

  /** Later sources come after earlier ones, value by value. */
  constructor(...sources: readonly URLSearchParams[]) {
    for (const source of sources) {
      for (const [name, value] of source) {
        const values = this.#values.get(name);
        if (values === undefined) this.#values.set(name, [value]);
        else values.push(value);
      }
    }
  }

  /** The first value, or empty text when there is none: an empty parameter counts as absent everywhere. */
  text(name: string): string {
    return this.#values.get(name)?.[0] ?? '';
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Every value, in order. */
  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  names(): IterableIterator<string> {
    return this.#values.keys();
  }
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** `byDefault` when absent or empty. */
export function boolParameter(parameters: Parameters, name: string, byDefault: boolean): boolean {
  const text = parameters.text(name);
  if (text === '') return byDefault;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new Fault('invalid', `'${name}' parameter: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** A whole number from 0, `byDefault` when absent or empty. */
export function countParameter(parameters: Parameters, name: string, byDefault: number): number {
  const text = parameters.text(name);
  if (text === '') return byDefault;
  if (!/^[-+]?\d+$/.test(text)) {
    throw new Fault('invalid', `'${name}' parameter: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new Fault(
      'invalid',
      `'${name}' parameter: strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`,
    );
  }
  if (value < 0) throw new Fault('invalid', `'${name}' parameter must not be negative`);
  return value;
}

/** The optional time of an instant query, in milliseconds; `byDefault` when absent or empty. */
export function timeParameter(parameters: Parameters, name: string, byDefault: number): number {
  const text = parameters.text(name);
  if (text === '') return byDefault;
  try {
    return parseTime(text);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    throw new Fault('invalid', `Invalid time value for '${name}': ${thrown.message}`);
  }
}

/** The duration of a parameter in milliseconds; `byDefault` when absent or empty. */
export function durationParameter(parameters: Parameters, name: string, byDefault: number): number {
  const text = parameters.text(name);
  if (text === '') return byDefault;
  try {
    return parseDuration(text);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    throw new Fault('invalid', `'${name}' parameter: ${thrown.message}`);
  }
}

const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** Seconds as a decimal, or RFC 3339; milliseconds, rounded to whole ones. */
export function parseTime(text: string): number {
  if (DECIMAL.test(text)) {
    // Whole seconds and fraction apart, as the reference does: 1435781430.781 is not exact as a double.
    const seconds = Number(text);
    const whole = Math.trunc(seconds);
    const ms = whole * 1000 + Math.round((seconds - whole) * 1000);
    if (Math.abs(ms) < 2 ** 63) return ms;
  } else {
    const ms = parseRfc3339(text);
    if (ms !== undefined) return ms;
  }
  throw new Fault('invalid', `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
}

/** 2^63 ns. */
const LARGEST_DURATION_MS = 9_223_372_036_854.775;

/** Seconds as a decimal, or the Prometheus form (`1h30m`); milliseconds. */
export function parseDuration(text: string): number {
  if (DECIMAL.test(text)) {
    const ms = Number(text) * 1000;
    if (Math.abs(ms) > LARGEST_DURATION_MS) {
      throw new Fault('invalid', `cannot parse ${JSON.stringify(text)} to a valid duration. It overflows int64`);
    }
    return ms;
  }
  try {
    if (text !== '') return parsePrometheusDuration(text);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
  }
  throw new Fault('invalid', `cannot parse ${JSON.stringify(text)} to a valid duration`);
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[-+]\d\d:\d\d)$/;

function parseRfc3339(text: string): number | undefined {
  const parts = RFC3339.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, 0);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const fractionMs = Math.trunc(Number(`0.${parts[7] ?? '0'}`) * 1000 + 1e-6);
  const zone = parts[8];
  const zoneMinutes = zone === 'Z' ? 0 : Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return date.getTime() + fractionMs - (zone.startsWith('-') ? -1 : 1) * zoneMinutes * 60_000;
}

// The values of number and duration tokens.

import { messageOf } from '../../errors/fault.ts';
import { parseDuration } from '../../model/duration.ts';
import type { TokenReader } from './token-reader.ts';
import { DURATION, type Token } from './tokens.ts';

/** The value of a NUMBER or DURATION token; a duration counts in seconds. */
export function numberOf(token: Token, reader: TokenReader): number {
  if (token.kind === DURATION) return durationOf(token, reader) / 1000;
  return parseNumber(token, reader);
}

/** The milliseconds a DURATION or NUMBER token (of seconds) stands for. */
export function durationOf(token: Token, reader: TokenReader): number {
  if (token.kind !== DURATION) return secondsToMs(parseNumber(token, reader), token.start, reader);
  try {
    return parseDuration(token.text);
  } catch (thrown) {
    throw reader.mistake(token.start, messageOf(thrown));
  }
}

/** Rounded as the reference does; beyond what int64 nanoseconds hold is an error. */
function secondsToMs(seconds: number, at: number, reader: TokenReader): number {
  if (Math.abs(seconds) > 2 ** 63 / 1e9 || Number.isNaN(seconds)) throw reader.mistake(at, 'duration out of range');
  return Math.trunc(seconds * 1000);
}

function parseNumber(token: Token, reader: TokenReader): number {
  const { text } = token;
  const plain = text.toLowerCase();
  if (plain === 'inf') return Number.POSITIVE_INFINITY;
  if (plain === 'nan') return Number.NaN;
  // An underscore stands between digits, or behind `0x`.
  const digits = plain.replaceAll(/(?<=[0-9a-fx])_(?=[0-9a-f])/g, '');
  if (/^0x[0-9a-f]+$/.test(digits)) return Number(digits);
  // Like C, a leading zero makes whole numbers octal, unless a digit says otherwise.
  if (/^0[0-7]+$/.test(digits)) return Number(`0o${digits.slice(1)}`);
  if (/^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/.test(digits)) {
    const value = Number(digits);
    if (Number.isFinite(value)) return value;
    throw reader.mistake(
      token.start,
      `error parsing number: strconv.ParseFloat: parsing "${text}": value out of range`,
    );
  }
  throw reader.mistake(token.start, `error parsing number: strconv.ParseFloat: parsing "${text}": invalid syntax`);
}

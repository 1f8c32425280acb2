// The kinds of flags, used as `'query.timeout': durationMs('2m', 'Longest time one query may take.')`. The first
// argument is the default as one would write it on the command line, or undefined; what a bad value is told is the
// reference's own text.

import { during, Fault } from '../errors/fault.ts';
import { parseDuration } from '../model/duration.ts';
import { expandEnvironment } from './env.ts';
import type { Flag, FlagForm, FlagSources } from './flag.ts';
import { parseGoDuration } from './go-duration.ts';
import { parseLabelFlag } from './label-flag.ts';
import { parseTimeFlag } from './time-flag.ts';

export interface FlagOptions {
  readonly isHidden?: boolean;
  readonly isRequired?: boolean;
  readonly short?: string;
}

/** A moment that may be relative to now: ask it with the present time, as often as it matters. Milliseconds. */
export type FlagTime = (nowMs: number) => number;

/** `--x` and `--no-x`; a value is refused. */
export function bool(byDefault: boolean, help: string, options: FlagOptions = {}): Flag<boolean> {
  return {
    ...describe('switch', '', help, byDefault ? ['true'] : [], options),
    parse: (given) => (given.at(-1) ?? String(byDefault)) === 'true',
  };
}

export function string(byDefault: string, help: string, options: FlagOptions = {}): Flag<string> {
  return single('STRING', byDefault, help, options, (text) => text);
}

/** Text that may be absent: undefined when the flag is not given. */
export function optionalString(help: string, options: FlagOptions = {}): Flag<string | undefined> {
  return optional('STRING', help, options, (text) => text);
}

/** An absolute URL, as given, without what a URL parser would add. Userinfo and path are kept. */
export function url(byDefault: string, help: string, options: FlagOptions = {}): Flag<string> {
  return single('URL', byDefault, help, options, parseUrl);
}

/** A whole number; exponents and fractions are cut as the reference cuts them. */
export function int(byDefault: number, help: string, options: FlagOptions = {}): Flag<number> {
  return single('INT', String(byDefault), help, options, parseInteger);
}

/** A whole number from 0. */
export function uint(byDefault: number, help: string, options: FlagOptions = {}): Flag<number> {
  return single('UINT', String(byDefault), help, options, parseUnsigned);
}

/** As uint, but undefined when not given. */
export function optionalUint(help: string, options: FlagOptions = {}): Flag<number | undefined> {
  return optional('UINT', help, options, parseUnsigned);
}

export function float(byDefault: number, help: string, options: FlagOptions = {}): Flag<number> {
  return single('FLOAT', String(byDefault), help, options, parseFloatText);
}

/** Numbers, each given by its own flag; given ones replace the defaults. */
export function floatList(
  byDefault: readonly number[],
  help: string,
  options: FlagOptions = {},
): Flag<readonly number[]> {
  return list('FLOAT', byDefault.map(String), help, options, parseFloatText);
}

/** One of a closed set of words. */
export function choice<const C extends readonly string[]>(
  choices: C,
  byDefault: C[number],
  help: string,
  options: FlagOptions = {},
): Flag<C[number]> {
  return single(`<${choices.join('|')}>`, byDefault, help, options, (text) => parseChoice(choices, text));
}

/** Some of a closed set of words, in the order given. */
export function choiceList<const C extends readonly string[]>(
  choices: C,
  byDefault: readonly C[number][],
  help: string,
  options: FlagOptions = {},
): Flag<readonly C[number][]> {
  return list(`<${choices.join('|')}>`, byDefault, help, options, (text) => parseChoice(choices, text));
}

/** Values in the order given. What is given replaces the defaults. */
export function stringList(
  byDefault: readonly string[],
  help: string,
  options: FlagOptions = {},
): Flag<readonly string[]> {
  return list('STRING', byDefault, help, options, (text) => text);
}

/** Addresses, each `host:port` or with a lookup prefix such as `dns+`; text is kept as given. */
export function addressList(help: string, options: FlagOptions = {}): Flag<readonly string[]> {
  return list('ADDRESS', [], help, options, parseAddressText);
}

/** A size such as `250MB`, to bytes. Units are powers of two and may not be left out. */
export function bytes(byDefault: string, help: string, options: FlagOptions = {}): Flag<number> {
  return single('SIZE', byDefault, help, options, parseSize);
}

/** As bytes, but undefined when not given. */
export function optionalBytes(help: string, options: FlagOptions = {}): Flag<number | undefined> {
  return optional('SIZE', help, options, parseSize);
}

/** A duration in the Prometheus form (`1h30m`), to milliseconds. */
export function durationMs(byDefault: string, help: string, options: FlagOptions = {}): Flag<number> {
  return single('DURATION', byDefault, help, options, parseDuration);
}

/** A duration in the Go form (`1.5h`, sign allowed), to milliseconds. */
export function goDurationMs(byDefault: string, help: string, options: FlagOptions = {}): Flag<number> {
  return single('DURATION', byDefault, help, options, parseGoDuration);
}

/** As goDurationMs, but undefined when not given. */
export function optionalGoDurationMs(help: string, options: FlagOptions = {}): Flag<number | undefined> {
  return optional('DURATION', help, options, parseGoDuration);
}

/** RFC 3339, or a Prometheus duration from now with an optional sign. A relative time moves with the clock. */
export function time(byDefault: string, help: string, options: FlagOptions = {}): Flag<FlagTime> {
  return single('TIME', byDefault, help, options, parseTimeFlag);
}

/** `name="value"` pairs in the order given. A malformed one is a set-up error. */
export function labelList(help: string, options: FlagOptions = {}): Flag<readonly (readonly [string, string])[]> {
  return { ...list('NAME="VALUE"', [], help, options, parseLabelFlag), isSetUp: true };
}

export interface ContentOptions extends FlagOptions {
  /** False for the two settings in which the reference leaves `$(NAME)` as it stands. */
  readonly expandsEnvironment?: boolean;
}

/**
 * The pair `--x-file=<path>` and `--x=<content>`: the content, with `$(NAME)` replaced from the environment. Empty text
 * when neither is given, unless the pair is required. Give the table the name without `-file`.
 */
export function pathOrContent(name: string, help: string, options: ContentOptions = {}): Flag<string> {
  return {
    ...describe('content', 'CONTENT', help, [], options),
    isSetUp: true,
    // A required pair is answered below, as a set-up error; to the parser it is optional.
    isRequired: false,
    parse(given, sources) {
      const content = readContent(name, given, sources);
      if (options.isRequired === true && content === '') {
        throw new Fault(
          'invalid',
          `flag ${name}-file or ${name} is required for running this command and content cannot be empty`,
        );
      }
      if (options.expandsEnvironment === false) return content;
      return expandEnvironment(content, sources.env);
    },
  };
}

function readContent(name: string, given: readonly string[], sources: FlagSources): string {
  const file = given.findLast((text) => text.startsWith('file='))?.slice('file='.length) ?? '';
  const text = given.findLast((item) => item.startsWith('text='))?.slice('text='.length) ?? '';
  if (file !== '' && text !== '') throw new Fault('invalid', `both ${name}-file and ${name} flags set`);
  if (file === '') return text;
  try {
    return sources.readFile(file);
  } catch (thrown) {
    throw during(`load file ${file} for ${name}-file`, thrown);
  }
}

function describe(
  form: FlagForm,
  placeholder: string,
  help: string,
  defaults: readonly string[],
  options: FlagOptions,
): Omit<Flag<never>, 'parse'> {
  return {
    form,
    placeholder,
    help,
    defaults,
    isHidden: options.isHidden ?? false,
    isRequired: options.isRequired ?? false,
    isSetUp: false,
    ...(options.short === undefined ? {} : { short: options.short }),
  };
}

function single<T>(
  placeholder: string,
  byDefault: string,
  help: string,
  options: FlagOptions,
  parse: (text: string) => T,
): Flag<T> {
  return {
    ...describe('single', placeholder, help, byDefault === '' ? [] : [byDefault], options),
    parse: (given) => parse(given.at(-1) ?? byDefault),
  };
}

function optional<T>(
  placeholder: string,
  help: string,
  options: FlagOptions,
  parse: (text: string) => T,
): Flag<T | undefined> {
  return {
    ...describe('single', placeholder, help, [], options),
    parse: (given) => (given.length === 0 ? undefined : parse(given[given.length - 1])),
  };
}

function list<T>(
  placeholder: string,
  byDefault: readonly string[],
  help: string,
  options: FlagOptions,
  parse: (text: string) => T,
): Flag<readonly T[]> {
  return {
    ...describe('list', placeholder, help, byDefault, options),
    parse: (given) => (given.length === 0 ? byDefault : given).map(parse),
  };
}

function parseChoice<const C extends readonly string[]>(choices: C, text: string): C[number] {
  const found = choices.find((word) => word === text);
  if (found === undefined) throw new Fault('invalid', `enum value must be one of ${choices.join(',')}, got '${text}'`);
  return found;
}

function parseUrl(text: string): string {
  if (text === '') return '';
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) throw new Fault('invalid', `invalid URL: ${quote(text)} has no scheme`);
  if (!URL.canParse(text)) throw new Fault('invalid', `invalid URL: ${quote(text)}`);
  return text;
}

/** The reference's int flags read a float and cut it; beyond safe integers we refuse. */
function parseInteger(text: string): number {
  const value = Math.trunc(parseFloatText(text));
  if (!Number.isSafeInteger(value)) throw new Fault('invalid', `${quote(text)} is not a whole number`);
  return value;
}

function parseUnsigned(text: string): number {
  if (!/^\d+$/.test(text)) throw new Fault('invalid', `${quote(text)} is not a whole number from 0`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Fault('invalid', `${quote(text)} is out of range`);
  return value;
}

function parseFloatText(text: string): number {
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) {
    throw new Fault('invalid', `${quote(text)} is not a number`);
  }
  return Number(text);
}

function parseAddressText(text: string): string {
  const withoutPrefix = text.slice(text.indexOf('+') + 1);
  const hasPrefix = /^[a-z]+\+/.test(text) && withoutPrefix !== '';
  if (!hasPrefix && !/^(?:\[[^\]]*\]|[^:[\]]*):[^:]*$/.test(text)) {
    throw new Fault('invalid', `Address ${text} is not of <host>:<port> format or a valid DNS query.`);
  }
  return text;
}

const SIZE_POWERS: Readonly<Record<string, number>> = { '': 0, K: 1, M: 2, G: 3, T: 4, P: 5, E: 6 };

function parseSize(text: string): number {
  if (text === '0') return 0;
  const parts = /^(\d+(?:\.\d+)?)([KMGTPE]?)(i?)B$/.exec(text);
  if (parts === null || (parts[3] === 'i' && parts[2] === '')) {
    const unit = text.replace(/^[\d.]+/, '');
    const why = unit === '' ? 'missing unit' : `unknown unit ${unit}`;
    throw new Fault('invalid', `units: ${why} in ${text}, a size is a number and a unit such as 250MB`);
  }
  return Math.trunc(Number(parts[1]) * 1024 ** SIZE_POWERS[parts[2]]);
}

function quote(text: string): string {
  return JSON.stringify(text);
}

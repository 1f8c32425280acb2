// Anchored RE2 expressions, as label matchers use them: `^(?s:...)$`, linear time, with shortcuts that need no engine.

import { RE2JS } from 're2js';
import { Fault, messageOf } from '../errors/fault.ts';
import { readShape } from './regexp-shape.ts';

/** Answers of the engine that are kept: some 10 MB at most, as long as the expression is in use. */
const MOST_REMEMBERED = 50_000;
const LONGEST_REMEMBERED = 100;

export interface AnchoredRegexp {
  readonly source: string;
  test(value: string): boolean;
  /** All strings that match, when they are known without scanning (a literal or an alternation of literals). */
  readonly set: readonly string[] | undefined;
  /** Every match starts with this; '' when nothing is known. */
  readonly prefix: string;
}

/** Throws `invalid` with a text that begins `error parsing regexp: ` when the text is not an RE2 expression. */
export function compileAnchored(source: string): AnchoredRegexp {
  const shape = shapeOf(source);
  switch (shape.kind) {
    case 'set': {
      const [first] = shape.values;
      if (shape.values.length === 1) {
        return { source, test: (value) => value === first, set: shape.values, prefix: first };
      }
      const members = new Set(shape.values);
      return { source, test: (value) => members.has(value), set: shape.values, prefix: sharedPrefix(shape.values) };
    }
    case 'any':
      return { source, test: (value) => value.length >= shape.minLength, set: undefined, prefix: '' };
    case 'affixes': {
      const { prefix, suffix, contained, minGap } = shape;
      return { source, test: affixTest(prefix, suffix, contained, minGap), set: undefined, prefix };
    }
    case 'engine': {
      const { prefix } = shape;
      const test = remembering(compileEngine(source));
      return {
        source,
        test: prefix === '' ? test : (value) => value.startsWith(prefix) && test(value),
        set: undefined,
        prefix,
      };
    }
  }
}

// Each test is a closure of its own over just what it needs: they run once for every value of a label.
function affixTest(prefix: string, suffix: string, contained: string, minGap: number): (value: string) => boolean {
  const minLength = prefix.length + suffix.length + contained.length + minGap;
  if (contained !== '' && prefix === '' && suffix === '') return (value) => value.includes(contained);
  if (contained !== '') {
    return (value) =>
      value.length >= minLength &&
      value.startsWith(prefix) &&
      value.endsWith(suffix) &&
      value.slice(prefix.length, value.length - suffix.length).includes(contained);
  }
  if (suffix === '') return (value) => value.length >= minLength && value.startsWith(prefix);
  if (prefix === '') return (value) => value.length >= minLength && value.endsWith(suffix);
  return (value) => value.length >= minLength && value.startsWith(prefix) && value.endsWith(suffix);
}

/** The engine takes microseconds a value, and a matcher meets the values of a label again in each block. */
function remembering(compiled: RE2JS): (value: string) => boolean {
  const known = new Map<string, boolean>();
  return (value) => {
    let matches = known.get(value);
    if (matches === undefined) {
      matches = compiled.matches(value);
      if (known.size < MOST_REMEMBERED && value.length <= LONGEST_REMEMBERED) known.set(value, matches);
    }
    return matches;
  };
}

/** Groups in groups are read by recursion: where they are too many for the stack, the engine has to say what they are. */
function shapeOf(source: string): ReturnType<typeof readShape> {
  try {
    return readShape(source);
  } catch (thrown) {
    if (thrown instanceof RangeError) return { kind: 'engine', prefix: '' };
    throw thrown;
  }
}

function compileEngine(source: string): RE2JS {
  try {
    return RE2JS.compile(source, RE2JS.DOTALL);
  } catch (thrown) {
    // The engine's parser calls itself for every level of parentheses.
    const isTooDeep = thrown instanceof RangeError;
    const text = isTooDeep ? 'expression nests too deeply' : messageOf(thrown);
    throw new Fault('invalid', text.startsWith(ERROR_PREFIX) ? text : `${ERROR_PREFIX}${text}`, { cause: thrown });
  }
}

const ERROR_PREFIX = 'error parsing regexp: ';

function sharedPrefix(values: readonly string[]): string {
  let prefix = values[0];
  for (const value of values) {
    let length = 0;
    while (length < prefix.length && prefix.charCodeAt(length) === value.charCodeAt(length)) length++;
    prefix = prefix.slice(0, length);
  }
  // Never half of a surrogate pair: the prefix is looked up among UTF-8 bytes.
  return /[\ud800-\udbff]$/.test(prefix) ? prefix.slice(0, -1) : prefix;
}

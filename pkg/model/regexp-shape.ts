// What an expression amounts to when it is simple enough to need no engine: a small reader for the subset that label
// matchers are mostly made of. Whatever it does not know, it leaves to the engine, which also judges what is valid.

/** The most strings that groups in a row may stand for and still be a set. Alternatives that are written out are as many as there are. */
const MAX_PRODUCT = 256;
/** The most units all strings of such groups may have together: each repeats what stands around it. */
const MAX_PRODUCT_UNITS = 1 << 20;

export type RegexpShape =
  /** Exactly these strings, in the order written, each once. */
  | { readonly kind: 'set'; readonly values: readonly string[] }
  /** Anything of at least so many UTF-16 units: `.*` (0) and `.+` (1). */
  | { readonly kind: 'any'; readonly minLength: number }
  /**
   * prefix, something, contained, something, suffix, where the gaps are `.*`. Without `contained` the one gap takes at
   * least `minGap` units (1 for `.+`).
   */
  | {
      readonly kind: 'affixes';
      readonly prefix: string;
      readonly suffix: string;
      readonly contained: string;
      readonly minGap: number;
    }
  /** Left to the engine; every match starts with `prefix`. */
  | { readonly kind: 'engine'; readonly prefix: string };

/** Never throws: an expression that is not valid is `engine`. */
export function readShape(source: string): RegexpShape {
  const values = new Reader(source).readWhole();
  if (values !== undefined) return { kind: 'set', values: [...new Set(values)] };
  return readAffixes(source) ?? { kind: 'engine', prefix: literalStart(source) };
}

/** Reads alternations and groups of literals into the list of strings they stand for. */
class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  readWhole(): readonly string[] | undefined {
    const values = this.#alternation();
    return this.#at === this.#source.length ? values : undefined;
  }

  #alternation(): string[] | undefined {
    const all: string[] = [];
    for (;;) {
      const branch = this.#sequence();
      if (branch === undefined) return undefined;
      for (const value of branch) all.push(value);
      if (this.#source[this.#at] !== '|') return all;
      this.#at++;
    }
  }

  #sequence(): string[] | undefined {
    let all = [''];
    while (this.#at < this.#source.length) {
      const char = this.#source[this.#at];
      if (char === '|' || char === ')') return all;
      const part = char === '(' ? this.#group() : this.#literal();
      if (part === undefined || isRepetition(this.#source[this.#at])) return undefined;
      if (part.length === 1 && all.length === 1) {
        all[0] += part[0];
        continue;
      }
      if (part.length > 1 && all.length > 1 && all.length * part.length > MAX_PRODUCT) return undefined;
      if (unitsOf(all) * part.length + unitsOf(part) * all.length > MAX_PRODUCT_UNITS) return undefined;
      const heads = all;
      all = heads.length === 1 && heads[0] === '' ? part : heads.flatMap((head) => part.map((tail) => head + tail));
    }
    return all;
  }

  #group(): string[] | undefined {
    this.#at++;
    if (this.#source[this.#at] === '?') {
      // Names and flags are the engine's business.
      if (this.#source[this.#at + 1] !== ':') return undefined;
      this.#at += 2;
    }
    const inner = this.#alternation();
    if (inner === undefined || this.#source[this.#at] !== ')') return undefined;
    this.#at++;
    return inner;
  }

  #literal(): string[] | undefined {
    const { text, end } = literalRun(this.#source, this.#at);
    this.#at = end;
    return text === '' ? undefined : [text];
  }
}

function unitsOf(values: readonly string[]): number {
  let units = 0;
  for (const value of values) units += value.length;
  return units;
}

interface Literal {
  readonly text: string;
  /** Units of the source it takes. */
  readonly width: number;
}

/** One character that stands for itself, escaped or not; undefined for anything else. */
function literalAt(source: string, at: number): Literal | undefined {
  const char = source[at];
  if (char === '\\') {
    const next = source[at + 1];
    // An escaped ASCII punctuation mark is itself; letters and digits mean something.
    return next !== undefined && /[!-/:-@[-`{-~]/.test(next) ? { text: next, width: 2 } : undefined;
  }
  if (char === undefined || '.+*?()|[]{}^$'.includes(char)) return undefined;
  // A pair is one character, so that a repetition after it does not take half of it; a lone half is left to the engine.
  const point = source.codePointAt(at)!;
  if (point >= 0xd800 && point <= 0xdfff) return undefined;
  return point > 0xffff ? { text: source.slice(at, at + 2), width: 2 } : { text: char, width: 1 };
}

function isRepetition(char: string | undefined): boolean {
  return char === '*' || char === '+' || char === '?' || char === '{';
}

/** Literals not followed by a repetition, as many as there are from `at`. */
function literalRun(source: string, at: number): { readonly text: string; readonly end: number } {
  let text = '';
  for (;;) {
    const literal = literalAt(source, at);
    if (literal === undefined || isRepetition(source[at + literal.width])) return { text, end: at };
    text += literal.text;
    at += literal.width;
  }
}

/** `prefix.*`, `.*suffix`, `prefix.+suffix`, `prefix.*contained.*suffix`, `.*`, `.+`; a lazy gap is the same. */
function readAffixes(source: string): RegexpShape | undefined {
  const head = literalRun(source, 0);
  const first = gapAt(source, head.end);
  if (first === undefined) return undefined;
  const middle = literalRun(source, first.end);
  if (middle.end === source.length) {
    if (head.text === '' && middle.text === '') return { kind: 'any', minLength: first.min };
    return { kind: 'affixes', prefix: head.text, suffix: middle.text, contained: '', minGap: first.min };
  }
  const second = gapAt(source, middle.end);
  if (second === undefined || first.min > 0 || second.min > 0 || middle.text === '') return undefined;
  const tail = literalRun(source, second.end);
  if (tail.end !== source.length) return undefined;
  return { kind: 'affixes', prefix: head.text, suffix: tail.text, contained: middle.text, minGap: 0 };
}

function gapAt(source: string, at: number): { readonly min: number; readonly end: number } | undefined {
  if (source[at] !== '.' || (source[at + 1] !== '*' && source[at + 1] !== '+')) return undefined;
  const end = source[at + 2] === '?' ? at + 3 : at + 2;
  if (isRepetition(source[end])) return undefined;
  return { min: source[at + 1] === '+' ? 1 : 0, end };
}

/** What every match must start with, when no alternation on the outside can go another way. */
function literalStart(source: string): string {
  let depth = 0;
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === '\\') {
      // A quoted stretch hides what stands in it.
      if (source[at + 1] === 'Q') return '';
      at++;
    } else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '[') return source.includes('|') ? '' : literalRun(source, 0).text;
    else if (char === '|' && depth === 0) return '';
  }
  return literalRun(source, 0).text;
}

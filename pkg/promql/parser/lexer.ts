// Text to tokens, one at a time, as the parser asks for them: a mistake in the text is only seen when the parser gets
// there. The scanning rules differ inside braces and right after `[`, where only durations make sense.

import { checkEscape } from './escape.ts';
import { quoteRune } from './quote.ts';
import { fromByteString, parseFault, runeAt, runeLength } from './source.ts';
import {
  DURATION,
  END,
  fillWords,
  IDENTIFIER,
  keywords,
  METRIC_IDENTIFIER,
  NUMBER,
  STRING,
  type Token,
  type TokenKind,
} from './tokens.ts';

type Mode = 'plain' | 'braces' | 'duration';

const singles: ReadonlySet<string> = new Set([',', '*', '/', '%', '+', '-', '^', '@']);
const durationSingles: ReadonlySet<string> = new Set([',', '*', '/', '%', '+', '-', '^']);

export class Lexer {
  /** The text, one character a byte. */
  readonly source: string;
  #at = 0;
  #start = 0;
  #mode: Mode = 'plain';
  #parens = 0;
  #inBracket = false;
  #gotColon = false;
  /** Never forgotten, not even for the next bracket: so it is in the reference. */
  #gotDuration = false;

  constructor(source: string) {
    this.source = source;
  }

  /** The next token; END for ever at the end. Throws `invalid` at what is no token. */
  next(): Token {
    this.#skipBlanks();
    this.#start = this.#at;
    if (this.#mode === 'braces') return this.#inBraces();
    if (this.#mode === 'duration') return this.#inDuration();
    return this.#plain();
  }

  #skipBlanks(): void {
    const { source } = this;
    for (;;) {
      while (isBlank(source[this.#at])) this.#at++;
      // Right after `[` a comment is no comment.
      if (source[this.#at] !== '#' || this.#mode === 'duration') return;
      while (this.#at < source.length && source[this.#at] !== '\n') this.#at++;
    }
  }

  #emit(kind: TokenKind): Token {
    const token = { kind, start: this.#start, end: this.#at, text: this.source.slice(this.#start, this.#at) };
    this.#start = this.#at;
    return token;
  }

  /** Always a throw. Where a token is already out, the mistake counts from behind it. */
  #fail(message: string): never {
    throw parseFault(this.source, this.#start, message);
  }

  /** The next character for a message, U+FFFD at the end. */
  #rune(at: number): string {
    if (at >= this.source.length) return quoteRune(0xfffd);
    return quoteRune(runeAt(this.source, at, runeLength(this.source, at)));
  }

  #plain(): Token {
    const { source } = this;
    const at = this.#at;
    const char = source[at];
    if (char === undefined) return this.#end();
    if (isDigit(char) || (char === '.' && isDigit(source[at + 1]))) return this.#numberOrDuration();
    if (isAlpha(char) || char === ':') return this.#word(char);
    this.#at++;
    if (singles.has(char)) return this.#emit(char);
    switch (char) {
      case '=':
        if (source[at + 1] === '=') return this.#two('==');
        if (source[at + 1] === '~') this.#fail(`unexpected character after '=': '~'`);
        return this.#emit('=');
      case '!':
        if (source[at + 1] === '=') return this.#two('!=');
        return this.#fail(`unexpected character after '!': ${this.#rune(at + 1)}`);
      case '<':
      case '>': {
        const next = source[at + 1];
        return next === '=' || next === '/' ? this.#two(char + next) : this.#emit(char);
      }
      case '"':
      case "'":
        return this.#string(char);
      case '`':
        return this.#rawString();
      case '(':
        this.#parens++;
        return this.#emit('(');
      case ')':
        return this.#closeParen();
      case '{':
        this.#mode = 'braces';
        return this.#emit('{');
      case '[':
        if (this.#inBracket) this.#fail(`unexpected left bracket '['`);
        this.#inBracket = true;
        this.#gotColon = false;
        this.#mode = 'duration';
        return this.#emit('[');
      case ']':
        if (!this.#inBracket) this.#fail(`unexpected right bracket ']'`);
        this.#inBracket = false;
        return this.#emit(']');
      default:
        return this.#fail(`unexpected character: ${this.#rune(at)}`);
    }
  }

  #end(): Token {
    if (this.#parens !== 0) this.#fail('unclosed left parenthesis');
    if (this.#inBracket) this.#fail('unclosed left bracket');
    return this.#emit(END);
  }

  #closeParen(): Token {
    const token = this.#emit(')');
    if (--this.#parens < 0) this.#fail(`unexpected right parenthesis ')'`);
    return token;
  }

  #two(kind: TokenKind): Token {
    this.#at = this.#start + 2;
    return this.#emit(kind);
  }

  #word(char: string): Token {
    const { source } = this;
    if (this.#inBracket) {
      const keyword = this.#durationKeyword();
      if (keyword !== undefined) return keyword;
      this.#at++;
      if (char !== ':') this.#fail(`unexpected character: ${quoteRune(char.charCodeAt(0))}, expected ':'`);
      if (this.#gotColon) this.#fail(`unexpected colon ':'`);
      this.#gotColon = true;
      return this.#emit(':');
    }
    while (isAlphaNumeric(source[this.#at]) || source[this.#at] === ':') this.#at++;
    const word = source.slice(this.#start, this.#at);
    const lower = word.toLowerCase();
    if (lower === 'inf' || lower === 'nan') return this.#emit(NUMBER);
    if (keywords.has(lower) && (!fillWords.has(lower) || this.#opensNext())) return this.#emit(lower);
    return this.#emit(word.includes(':') ? METRIC_IDENTIFIER : IDENTIFIER);
  }

  /** Whether an opening parenthesis comes next. */
  #opensNext(): boolean {
    let at = this.#at;
    while (isBlank(this.source[at])) at++;
    return this.source[at] === '(';
  }

  #inBraces(): Token {
    const { source } = this;
    const at = this.#at;
    const char = source[at];
    if (char === undefined) return this.#fail('unexpected end of input inside braces');
    if (isAlpha(char)) {
      while (isAlphaNumeric(source[this.#at])) this.#at++;
      return this.#emit(IDENTIFIER);
    }
    this.#at++;
    switch (char) {
      case ',':
        return this.#emit(',');
      case '"':
      case "'":
        return this.#string(char);
      case '`':
        return this.#rawString();
      case '=':
        return source[at + 1] === '~' ? this.#two('=~') : this.#emit('=');
      case '!':
        if (source[at + 1] === '~') return this.#two('!~');
        if (source[at + 1] === '=') return this.#two('!=');
        return this.#fail(`unexpected character after '!' inside braces: ${this.#rune(at + 1)}`);
      case '{':
        return this.#fail(`unexpected left brace '{'`);
      case '}':
        this.#mode = 'plain';
        return this.#emit('}');
      default:
        return this.#fail(`unexpected character inside braces: ${this.#rune(at)}`);
    }
  }

  #inDuration(): Token {
    const { source } = this;
    const at = this.#at;
    const char = source[at];
    if (char === undefined) return this.#fail('unexpected end of input in duration expression');
    if (isDigit(char) || (char === '.' && isDigit(source[at + 1]))) {
      this.#gotDuration = true;
      this.#mode = 'plain';
      return this.#numberOrDuration();
    }
    const keyword = this.#durationKeyword();
    if (keyword !== undefined) return keyword;
    this.#at++;
    if (durationSingles.has(char)) return this.#emit(char);
    switch (char) {
      case ']':
        this.#inBracket = false;
        this.#gotColon = false;
        this.#mode = 'plain';
        return this.#emit(']');
      case ':': {
        const token = this.#emit(':');
        if (!this.#gotDuration) this.#fail('unexpected colon before duration in duration expression');
        if (this.#gotColon) this.#fail('unexpected repeated colon in duration expression');
        this.#gotColon = true;
        return token;
      }
      case '(':
        this.#parens++;
        return this.#emit('(');
      case ')':
        return this.#closeParen();
      default:
        return this.#fail(`unexpected character in duration expression: ${this.#rune(at)}`);
    }
  }

  #durationKeyword(): Token | undefined {
    const word = /^(?:step|range|min_of|max_of)(?![a-z0-9_])/i.exec(this.source.slice(this.#at, this.#at + 7))?.[0];
    if (word === undefined) return undefined;
    this.#at += word.length;
    return this.#emit(word.toLowerCase());
  }

  #string(mark: string): Token {
    const { source } = this;
    for (;;) {
      const char = source[this.#at];
      if (char === undefined || char === '\n') return this.#fail('unterminated quoted string');
      if (char === mark) {
        this.#at++;
        return this.#emit(STRING);
      }
      if (char === '\\') {
        const length = checkEscape(source, this.#at + 1, mark);
        if (typeof length === 'string') return this.#fail(length);
        this.#at += 1 + length;
        continue;
      }
      const length = runeLength(source, this.#at);
      if (length === 0) this.#fail('invalid UTF-8 rune');
      this.#at += length;
    }
  }

  #rawString(): Token {
    const end = this.source.indexOf('`', this.#at);
    if (end < 0) return this.#fail('unterminated raw string');
    this.#at = end + 1;
    return this.#emit(STRING);
  }

  #numberOrDuration(): Token {
    if (this.#scanNumber()) return this.#emit(NUMBER);
    if (this.#scanRestOfDuration()) return this.#emit(DURATION);
    const seen = fromByteString(this.source.slice(this.#start, this.#at));
    return this.#fail(`bad number or duration syntax: "${seen}"`);
  }

  #accept(pattern: string): boolean {
    const char = this.source[this.#at];
    if (char === undefined || !pattern.includes(char)) return false;
    this.#at++;
    return true;
  }

  /** Leaves the position behind what looked like a number, also when it is none: a duration may go on from there. */
  #scanNumber(): boolean {
    let digits = '0123456789';
    if (this.#accept('0') && this.#accept('xX')) {
      this.#accept('_');
      digits = '0123456789abcdefABCDEF';
    }
    let dotSeen = false;
    let exponentSeen = false;
    const { source } = this;
    const first = this.#at;
    while (this.#at < source.length) {
      const at = this.#at;
      if (this.#accept('_')) {
        if (this.#at >= source.length || this.#accept('._eE')) return false;
      } else if (this.#accept('.')) {
        if (at === first) continue; // A quirk of the reference: the first dot of `.5.5` and `0.5.5` does not count.
        if (dotSeen || digits.length > 10 || this.#accept('_.')) return false;
        dotSeen = true;
      } else if (digits.length === 10 && this.#accept('eE')) {
        if (exponentSeen) return false;
        exponentSeen = true;
        this.#accept('+-');
        if (this.#at >= source.length || this.#accept('._eE')) return false;
      } else if (!this.#accept(digits)) break;
    }
    return !isAlphaNumeric(source[this.#at]);
  }

  #scanRestOfDuration(): boolean {
    if (!this.#accept('smhdwy')) return false;
    this.#accept('s');
    while (this.#accept('0123456789')) {
      while (this.#accept('0123456789'));
      // Years can only come first.
      if (!this.#accept('smhdw')) return false;
      this.#accept('s');
    }
    if (!isAlphaNumeric(this.source[this.#at])) return true;
    this.#at++; // The error text shows the character that does not belong.
    return false;
  }
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r';
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}

function isAlpha(char: string | undefined): boolean {
  return char !== undefined && ((char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || char === '_');
}

function isAlphaNumeric(char: string | undefined): boolean {
  return isAlpha(char) || isDigit(char);
}

// Go's string literals: reading the three quotings of PromQL, and writing `"..."` as the reference prints it.

import { fromByteString } from './source.ts';

/** Text as Go's %q prints it. A lone surrogate U+DC80 to U+DCFF stands for a raw byte (see source.ts). */
export function quote(text: string): string {
  return `"${escaped(text, '"')}"`;
}

/** One code point in single quotes, as Go's %q prints a rune. */
export function quoteRune(rune: number): string {
  return `'${escaped(String.fromCodePoint(rune), "'")}'`;
}

const short: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  92: '\\\\',
};

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function escaped(text: string, quoteMark: string): string {
  let out = '';
  for (const char of text) {
    const rune = char.codePointAt(0)!;
    if (char === quoteMark) out += `\\${char}`;
    else if (short[rune] !== undefined) out += short[rune];
    else if (rune >= 0x20 && rune < 0x7f) out += char;
    else if (rune < 0x20 || rune === 0x7f) out += `\\x${hex(rune, 2)}`;
    else if (rune >= 0xdc80 && rune <= 0xdcff) out += `\\x${hex(rune - 0xdc00, 2)}`;
    else if (printable.test(char)) out += char;
    else out += rune < 0x10000 ? `\\u${hex(rune, 4)}` : `\\U${hex(rune, 8)}`;
  }
  return out;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

const named: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** The value of a string literal the lexer has let through, quotes included; both as byte strings. */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal[0] === '`') return fromByteString(body.replaceAll('\r', ''));
  if (!body.includes('\\')) return fromByteString(body);
  let bytes = '';
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== '\\') {
      bytes += body[i];
      continue;
    }
    const kind = body[++i];
    const digits = escapeDigits[kind];
    if (digits !== undefined) {
      const value = Number.parseInt(body.slice(i + 1, i + 1 + digits), 16);
      bytes += kind === 'x' ? String.fromCharCode(value) : utf8(value);
      i += digits;
    } else if (kind >= '0' && kind <= '7') {
      bytes += String.fromCharCode(Number.parseInt(body.slice(i, i + 3), 8));
      i += 2;
    } else bytes += named[kind] === undefined ? kind : String.fromCharCode(named[kind]);
  }
  return fromByteString(bytes);
}

const escapeDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function utf8(rune: number): string {
  return String.fromCharCode(...new TextEncoder().encode(String.fromCodePoint(rune)));
}

// Checks one escape sequence of a quoted string while it is scanned.

import { runeAt, runeLength } from './source.ts';

/** How many characters the escape at `at` takes, behind the backslash; or the text of the mistake. */
export function checkEscape(source: string, at: number, mark: string): number | string {
  const kind = source[at];
  if (kind === undefined) return 'escape sequence not terminated';
  if ('abfnrtv\\'.includes(kind) || kind === mark) return 1;
  if (kind >= '0' && kind <= '7') return checkDigits(source, at, 3, 8, 255) ?? 3;
  if (kind === 'x') return checkDigits(source, at + 1, 2, 16, 255) ?? 3;
  if (kind === 'u') return checkDigits(source, at + 1, 4, 16, 0x10ffff) ?? 5;
  if (kind === 'U') return checkDigits(source, at + 1, 8, 16, 0x10ffff) ?? 9;
  return `unknown escape sequence ${describeRune(source, at)}`;
}

function checkDigits(source: string, at: number, count: number, base: number, max: number): string | undefined {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = Number.parseInt(source[i] ?? '', base);
    if (Number.isNaN(digit)) {
      if (i >= source.length) return 'escape sequence not terminated';
      return `illegal character ${describeRune(source, i)} in escape sequence`;
    }
    value = value * base + digit;
  }
  const invalid = value > max || (value >= 0xd800 && value < 0xe000);
  return invalid ? 'escape sequence is an invalid Unicode code point' : undefined;
}

/** As Go's %#U: `U+0071 'q'`, without the character when it cannot be printed. */
function describeRune(source: string, at: number): string {
  const rune = runeAt(source, at, runeLength(source, at));
  const code = `U+${rune.toString(16).toUpperCase().padStart(4, '0')}`;
  const char = String.fromCodePoint(rune);
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char) ? `${code} '${char}'` : code;
}

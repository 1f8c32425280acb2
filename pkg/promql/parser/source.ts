// The text of an expression as bytes: the reference counts positions in UTF-8 bytes, so the lexer works on a string
// with one character a byte. For ASCII it is the text itself.

import { Fault } from '../../errors/fault.ts';

/** One character a byte, U+0000 to U+00FF. A lone surrogate becomes the bytes of U+FFFD. */
export function toByteString(text: string): string {
  let ascii = true;
  for (let i = 0; i < text.length && ascii; i++) ascii = text.charCodeAt(i) < 0x80;
  if (ascii) return text;
  const bytes = new TextEncoder().encode(text);
  let out = '';
  for (let i = 0; i < bytes.length; i += 4096) out += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return out;
}

/**
 * The text that a byte string spells. A byte that is not UTF-8 becomes a lone surrogate, U+DC00 plus the byte, so that
 * printing can show it as `\xff` again.
 */
export function fromByteString(bytes: string): string {
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    const length = runeLength(bytes, i);
    if (length === 0) out += String.fromCharCode(0xdc00 + bytes.charCodeAt(i++));
    else {
      out += length === 1 ? bytes[i] : String.fromCodePoint(runeAt(bytes, i, length));
      i += length;
    }
  }
  return out;
}

/** How many bytes the UTF-8 rune at `i` takes; 0 when there is none that is well formed. */
export function runeLength(bytes: string, i: number): number {
  const lead = bytes.charCodeAt(i);
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (length === 0 || i + length > bytes.length) return 0;
  for (let k = 1; k < length; k++) if ((bytes.charCodeAt(i + k) & 0xc0) !== 0x80) return 0;
  const rune = runeAt(bytes, i, length);
  if (length === 3 && (rune < 0x800 || (rune >= 0xd800 && rune < 0xe000))) return 0;
  if (length === 4 && (rune < 0x10000 || rune > 0x10ffff)) return 0;
  return length;
}

/** The code point at `i`, `length` bytes long as runeLength says; U+FFFD for a length of 0. */
export function runeAt(bytes: string, i: number, length: number): number {
  if (length === 0) return 0xfffd;
  if (length === 1) return bytes.charCodeAt(i);
  let rune = bytes.charCodeAt(i) & (0xff >> (length + 1));
  for (let k = 1; k < length; k++) rune = (rune << 6) | (bytes.charCodeAt(i + k) & 0x3f);
  return rune;
}

/** The Fault for a mistake at byte `at`. */
export function parseFault(source: string, at: number, message: string): Fault {
  if (source === '') return new Fault('invalid', `unknown position: parse error: ${message}`);
  let line = 1;
  let lineStart = 0;
  for (let i = 0; i < at && i < source.length; i++) {
    if (source.charCodeAt(i) !== 10) continue;
    line++;
    lineStart = i + 1;
  }
  return new Fault('invalid', `${line}:${at - lineStart + 1}: parse error: ${message}`);
}

// A label on the command line: `name="value"`, the value in Go's quotes.

import { Fault } from '../errors/fault.ts';

/** The pair. The name must be a label name, the value a quoted string. */
export function parseLabelFlag(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 0) throw new Fault('invalid', `unrecognized label ${JSON.stringify(text)}`);
  const name = text.slice(0, at);
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
    throw new Fault('invalid', `unsupported format for label ${JSON.stringify(text)}`);
  }
  return [name, unquote(text.slice(at + 1))];
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** What stands between double quotes with Go's escapes, or between back quotes as it is. */
function unquote(text: string): string {
  if (/^`[^`]*`$/.test(text)) return text.slice(1, -1);
  if (!/^"(?:[^"\\\n]|\\.)*"$/s.test(text)) throw new Fault('invalid', `invalid syntax: unquote label value ${text}`);
  const pattern = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gs;
  return text.slice(1, -1).replace(pattern, (_, hex, short, long, octal, letter) => {
    const code = hex ?? short ?? long;
    if (code !== undefined || octal !== undefined) {
      const point = code === undefined ? Number.parseInt(octal, 8) : Number.parseInt(code, 16);
      if (point > 0x10ffff) throw new Fault('invalid', `invalid syntax: unquote label value ${text}`);
      return String.fromCodePoint(point);
    }
    const plain = ESCAPES[letter];
    if (plain === undefined) throw new Fault('invalid', `invalid syntax: unquote label value ${text}`);
    return plain;
  });
}

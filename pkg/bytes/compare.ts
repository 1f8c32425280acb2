// Byte order of UTF-8, which is the order of labels everywhere. JavaScript's `<` orders by UTF-16 unit and differs
// where a surrogate pair meets U+E000 to U+FFFF.

/** Negative, zero or positive, as the UTF-8 bytes of `a` order against those of `b` (code point order). */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      // Surrogates stand for code points above every other unit, so they are lifted over U+E000..U+FFFF.
      if (x >= 0xd800 && y >= 0xd800) return lift(x) - lift(y);
      return x - y;
    }
  }
  return a.length - b.length;
}

function lift(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

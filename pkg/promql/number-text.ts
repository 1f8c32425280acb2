// Numbers as Go prints them. JavaScript's shortest digits are the same; the exponents and the special values differ.

/** As samples of vectors and matrices are printed: an exponent below 1e-6 and from 1e21 on, of two digits at least. */
export function printSample(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = `${value}`;
  const at = text.indexOf('e');
  if (at < 0) {
    if (value === Infinity) return '+Inf';
    if (value === -Infinity) return '-Inf';
    return text;
  }
  // 1e-7 is 1e-07 there; the sign is always written, as here.
  return text.length - at === 3 ? `${text.slice(0, at + 2)}0${text.slice(at + 2)}` : text;
}

/** Without any exponent, as scalars are printed and as `count_values` makes label values. */
export function printPlain(value: number): string {
  const text = printSample(value);
  const at = text.indexOf('e');
  if (at < 0) return text;
  const sign = text.startsWith('-') ? '-' : '';
  const [whole, fraction = ''] = text.slice(sign.length, at).split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(text.slice(at + 1));
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

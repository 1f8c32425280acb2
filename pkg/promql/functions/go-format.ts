// Numbers as Go's %g prints them, for messages.

/** The shortest digits that read back the same; with an exponent below 1e-4 and from 1e6 on. */
export function printG(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [digits, exponent] = value.toExponential().split('e');
  const power = Number(exponent);
  // JavaScript prints everything between these two without an exponent.
  if (value === 0 || (power >= -4 && power < 6)) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** The same with two significant digits (`%.2g`), as remarks show quantiles and differences. */
export function printTwoDigits(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 ? '-' : '';
  const [digits, power] = twoDigits(Math.abs(value)).split('e');
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 2) return sign + String(Number(`${digits}e${power}`));
  return `${sign}${digits.replace(/\.0$/, '')}e${power[0]}${power.slice(1).padStart(2, '0')}`;
}

/** As `1.2e+3`. What lies in the middle goes to the even digit, where JavaScript goes up. */
function twoDigits(value: number): string {
  // So many digits tell a number in the middle from those beside it.
  const [digits, power] = value.toExponential(40).split('e');
  const isMiddle = /^\d\.\d50*$/.test(digits);
  return isMiddle && Number(digits[2]) % 2 === 0 ? `${digits.slice(0, 3)}e${power}` : value.toExponential(1);
}

// Flags as text, for the flags page. Configuration contents may hold passwords and are not shown.

/** Flag name -> text; lists joined by commas. */
export function flagTexts(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (name.endsWith('config')) texts[name] = value === '' || value === undefined ? '' : '<REDACTED>';
    else texts[name] = textOf(value);
  }
  return texts;
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map(textOf).join(',');
  // A time relative to now is kept as a function of now.
  if (typeof value === 'function') return new Date(Number(value(Date.now()))).toISOString();
  return String(value);
}

// Flags as text, as one would write them, for the status API. Configuration contents may hold passwords and are not shown.

import type { FlagTable } from '../pkg/config/flag.ts';
import { printDuration } from '../pkg/model/duration.ts';

/** Flag name -> text; lists joined by commas. */
export function flagTexts(
  values: Readonly<Record<string, unknown>>,
  flags: FlagTable,
): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (name.endsWith('config')) texts[name] = value === '' || value === undefined ? '' : '<REDACTED>';
    else texts[name] = textOf(value, flags[name]?.placeholder ?? '');
  }
  return texts;
}

function textOf(value: unknown, placeholder: string): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((one) => itemText(one)).join(',');
  // A time relative to now is kept as a function of now.
  if (typeof value === 'function') return new Date(Number(value(Date.now()))).toISOString();
  if (typeof value === 'number' && placeholder === 'DURATION') return printDuration(value);
  if (typeof value === 'number' && placeholder === 'SIZE') return sizeText(value);
  return String(value);
}

/** Labels are pairs. */
function itemText(item: unknown): string {
  return Array.isArray(item) ? `${item[0]}=${JSON.stringify(item[1])}` : String(item);
}

/** In the largest unit that leaves no remainder. */
function sizeText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let size = bytes;
  let unit = 0;
  while (size !== 0 && size % 1024 === 0 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${size}${units[unit]}`;
}

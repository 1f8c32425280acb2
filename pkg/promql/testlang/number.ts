// Numbers of scripts.

/** A float as scripts write it; NaN when it is none. */
export function parseNumber(text: string): number {
  const lower = text.toLowerCase();
  if (/^[+-]?inf(inity)?$/.test(lower)) return lower.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

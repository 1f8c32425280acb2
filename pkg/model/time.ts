// Timestamps are milliseconds since the epoch in a double. The two int64 sentinels of the wire are mapped here, and the
// text form of RFC 3339.

/** Stands for the least int64, "since ever". */
export const MIN_TIME = -(2 ** 63);
/** Stands for the greatest int64, "for ever"; as a double it is one more than that. */
export const MAX_TIME = 2 ** 63;

/** The int64 text of a timestamp: the sentinels, and everything beyond them, print as the int64 limits. */
export function int64Text(timeMs: number): string {
  if (timeMs >= MAX_TIME) return '9223372036854775807';
  if (timeMs <= MIN_TIME) return '-9223372036854775808';
  return BigInt(timeMs).toString();
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Reads `2024-06-18T01:00:00.5+02:00`; digits past the millisecond are cut off. Undefined when it is no such text. */
export function parseRfc3339(text: string): number | undefined {
  const parts = rfc3339.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day or month out of range would roll over into the next.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  date.setUTCHours(hour, minute, second, Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0')));
  const zoneHours = Number(parts[9] ?? 0);
  const zoneMinutes = Number(parts[10] ?? 0);
  if (zoneHours > 23 || zoneMinutes > 59) return undefined;
  const zoneMs = (zoneHours * 60 + zoneMinutes) * 60_000;
  return date.getTime() - (parts[8] === '-' ? -zoneMs : zoneMs);
}

/** `2024-06-17T23:00:00.5Z`: UTC, fractions without trailing zeros. Throws a RangeError past what a Date can hold. */
export function printRfc3339(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.?0+Z$/, 'Z');
}

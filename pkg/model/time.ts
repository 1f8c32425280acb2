// Timestamps are milliseconds since the epoch in a double. The two int64 sentinels of the wire are mapped here.

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

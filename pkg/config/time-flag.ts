// A moment on the command line: RFC 3339, or a duration before or after now.

import { Fault } from '../errors/fault.ts';
import { parseDuration } from '../model/duration.ts';

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[-+]\d\d:\d\d)$/;

/**
 * `2018-01-01T00:00:00Z` is that moment whatever now is; `-6w` and `2h` are counted from the present time handed in.
 * Milliseconds, cut to whole ones.
 */
export function parseTimeFlag(text: string): (nowMs: number) => number {
  const absolute = parseRfc3339(text);
  if (absolute !== undefined) return () => absolute;
  const sign = text.startsWith('-') ? -1 : 1;
  const offset = sign * parseDuration(/^[-+]/.test(text) ? text.slice(1) : text);
  return (nowMs) => nowMs + offset;
}

/** Milliseconds since the epoch, or undefined when the text is not RFC 3339. Years 0 to 9999. */
export function parseRfc3339(text: string): number | undefined {
  const parts = RFC3339.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, Math.trunc(Number(parts[7] ?? 0) * 1000));
  // A date that rolled over (31 February, 24:00) is no date.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    throw new Fault('invalid', `not a valid time: ${JSON.stringify(text)}`);
  }
  return date.getTime() - zoneOffsetMs(parts[8]);
}

function zoneOffsetMs(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return (zone.startsWith('-') ? -1 : 1) * minutes * 60_000;
}

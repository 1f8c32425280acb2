// How many files one cache of open files may keep. A process has several such caches, and sockets besides.

import { readFileSync } from 'node:fs';

const SHARE = 4;
const FEWEST = 64;
const MOST = 4_096;

let share: number | undefined;

/** A quarter of what the system lets this process have open, between 64 and 4,096; 512 where it does not say. */
export function openFileShare(): number {
  share ??= shareOf(limitsText());
  return share;
}

/** The same of a system's text about limits, as Linux writes it. */
export function shareOf(limits: string): number {
  const limit = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1];
  if (limit === undefined) return 512;
  return Math.max(FEWEST, Math.min(MOST, Math.floor(Number(limit.replace('unlimited', 'Infinity')) / SHARE)));
}

function limitsText(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}

// Puts one file in place of another if a condition holds, also beside other processes that do the same. File systems have
// no such call, so a lock file stands for the moment between looking and renaming. That moment is one turn of the event
// loop; a lock that stays was left by a crash and is broken after a while.

import { closeSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { systemClock } from '../async/clock.ts';
import type { RequestContext } from '../async/request.ts';
import { during, Fault, kindOf } from '../errors/fault.ts';

/** Held for microseconds by the living. */
const STALE_MS = 10_000;
const POLL_MS = 5;

export interface Replacement {
  readonly aside: string;
  readonly path: string;
  /** In a directory that exists, on the same file system. */
  readonly lock: string;
}

/** Renames `aside` to `path` if `holds`, asked with the lock held, says so; whether it did. Waits while others hold it. */
export async function replaceIf(
  request: RequestContext,
  { aside, path, lock }: Replacement,
  holds: () => boolean,
): Promise<boolean> {
  for (;;) {
    if (tryLock(lock)) {
      try {
        if (!holds()) return false;
        renameSync(aside, path);
        return true;
      } finally {
        unlinkSync(lock);
      }
    }
    breakIfStale(lock);
    await systemClock.sleep(POLL_MS, request.signal);
  }
}

function tryLock(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx'));
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw during('lock an object', thrown);
  }
}

/** Looking and removing are one turn of the loop, which leaves a rival in another process microseconds to come between. */
function breakIfStale(lock: string): void {
  try {
    const found = statSync(lock, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS) unlinkSync(lock);
  } catch (thrown) {
    if (kindOf(thrown) !== 'not-found') throw new Fault('unavailable', `break the lock ${lock}`, { cause: thrown });
  }
}

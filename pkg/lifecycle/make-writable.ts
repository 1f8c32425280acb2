// A directory of ours: made, and known to take what is written, before anything is started.

import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';

/** Makes a directory and those above it. A failure says why, and which flag to change. */
export function makeWritable(directory: string, flag: string): void {
  try {
    // Asked first: making a directory on a read-only disk is said to fail because it is not there.
    accessSync(nearest(directory), constants.W_OK);
    mkdirSync(directory, { recursive: true });
  } catch (thrown) {
    throw new Fault(
      kindOf(thrown),
      `cannot write to ${directory} (${messageOf(thrown)}): choose another place with ${flag}`,
      { cause: thrown },
    );
  }
}

/** The directory itself, or the first above it that is there. */
function nearest(directory: string): string {
  const parent = dirname(directory);
  return existsSync(directory) || parent === directory ? directory : nearest(parent);
}

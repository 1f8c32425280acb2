// The one rule for names: `/` between parts, no empty, `.` or `..` part, so that a name means the same in every provider
// and never leads out of a directory.

import { Fault } from '../errors/fault.ts';

/** Throws `invalid` for a name no object can have. */
export function checkObjectName(name: string): void {
  if (!name.split('/').every(isPart)) throw new Fault('invalid', `not an object name: ${JSON.stringify(name)}`);
}

/** A directory without its final `/`; '' is the root. Throws `invalid` for one that cannot be. */
export function directoryOf(directory: string): string {
  const trimmed = directory.endsWith('/') ? directory.slice(0, -1) : directory;
  if (trimmed !== '') checkObjectName(trimmed);
  return trimmed;
}

function isPart(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && !part.includes('\0');
}

// Broken invariants: our own bugs, never bad input. Always on.

import { Fault } from './fault.ts';

/** Throws an `internal` Fault unless the condition holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Fault('internal', `broken invariant: ${message}`);
}

/** The value, or an `internal` Fault when it is missing. */
export function must<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Fault('internal', `broken invariant: no ${what}`);
  return value;
}

/** Closes an exhaustive switch: a new member of the union becomes a type error here. */
export function unreachable(value: never): never {
  throw new Fault('internal', `broken invariant: unexpected ${JSON.stringify(value)}`);
}

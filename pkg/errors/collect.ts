// Many failures as one, without losing the kind.

import { Fault, kindOf, messageOf } from './fault.ts';

/**
 * One Fault for a non-empty list of failures. The kind is the shared one, or `internal` when they differ; the message
 * joins the texts with `; `. A single failure comes back unchanged.
 */
export function collect(failures: readonly unknown[]): unknown {
  if (failures.length === 1) return failures[0];
  const kinds = new Set(failures.map(kindOf));
  const kind = kinds.size === 1 ? kindOf(failures[0]) : 'internal';
  return new Fault(kind, failures.map(messageOf).join('; '), { cause: failures[0] });
}

// What becomes of a block that cannot be compacted: it is marked no-compact with the reason, or only left out by this
// process, so that its group and all others go on.

import type { RequestContext } from '../async/request.ts';
import { metaName } from '../block/layout.ts';
import { Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Activity } from './activity.ts';
import { DAMAGED_REASON } from './damage-reasons.ts';
import { type MarkerDeps, markNoCompact } from './marker.ts';

/** `mark`: written into the bucket, for every compactor. `skip`: known to this process alone. */
export const damagedBlockPolicies = ['mark', 'skip'] as const;
export type DamagedBlockPolicy = (typeof damagedBlockPolicies)[number];

export class Quarantine {
  readonly #marker: MarkerDeps;
  readonly #activity: Activity;
  readonly #policy: DamagedBlockPolicy;
  readonly #skipped = new Set<string>();
  /** Blocks put here in the pass under way: one that fails again is a failure of ours. */
  readonly #fresh = new Set<string>();

  constructor(marker: MarkerDeps, activity: Activity, policy: DamagedBlockPolicy) {
    this.#marker = marker;
    this.#activity = activity;
    this.#policy = policy;
  }

  /** Blocks left out without a mark. */
  get skipped(): ReadonlySet<string> {
    return this.#skipped;
  }

  beginPass(): void {
    this.#fresh.clear();
  }

  /**
   * Takes the block that a failure lies in out of the way. False when it lies in none, or was not cured by it before. A
   * mark that cannot be written is thrown.
   */
  async add(request: RequestContext, thrown: unknown): Promise<boolean> {
    const damaged = damagedBlockOf(thrown);
    if (damaged === undefined || this.#fresh.has(damaged.ulid)) return false;
    const { ulid, reason } = damaged;
    this.#fresh.add(ulid);
    // A block that somebody deleted meanwhile is not broken.
    if (!(await this.#marker.bucket.exists(request, metaName(ulid)))) return true;
    const problem = messageOf(thrown);
    this.#activity.foundDamaged({ ulid, reason, problem });
    if (this.#policy === 'mark') await markNoCompact(request, this.#marker, ulid, { reason, details: problem });
    else this.#skipped.add(ulid);
    return true;
  }
}

/** Whether a failure may lie in what was downloaded of a block, and not in the block. */
export function mayBeOurCopy(thrown: unknown): boolean {
  const kind = kindOf(thrown);
  return kind === 'corrupt' || kind === 'not-found';
}

/** The block a failure lies in and the word for why; undefined when it does not lie in one. */
export function damagedBlockOf(thrown: unknown): { readonly ulid: string; readonly reason: string } | undefined {
  if (!(thrown instanceof Fault)) return undefined;
  if (thrown.kind !== 'corrupt' && thrown.kind !== 'not-found' && thrown.kind !== 'unsupported') return undefined;
  const { block, reason } = thrown.facts;
  if (typeof block !== 'string') return undefined;
  return { ulid: block, reason: typeof reason === 'string' ? reason : DAMAGED_REASON };
}

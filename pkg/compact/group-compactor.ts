// One compaction of one group: plan, run, and what becomes of failures. Groups know nothing of each other.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mapParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { indexName } from '../block/layout.ts';
import { markName } from '../block/marks.ts';
import type { BlockMeta } from '../block/meta.ts';
import { during, Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Activity } from './activity.ts';
import type { CompactorConfig } from './config.ts';
import { OUT_OF_ORDER_REASON } from './damage-reasons.ts';
import { DiskSpace } from './disk-space.ts';
import { runPlan } from './group-run.ts';
import { type BlockGroup, groupBlocks } from './grouper.ts';
import { type MarkerDeps, markNoCompact } from './marker.ts';
import type { MergeThreads } from './merge-threads.ts';
import { type Plan, planGroup } from './planner.ts';
import { recordedIndexSize, recordedSize } from './progress.ts';
import { damagedBlockOf, mayBeOurCopy, Quarantine } from './quarantine.ts';
import type { BucketState } from './syncer.ts';

export interface GroupCompactorDeps {
  readonly marker: MarkerDeps;
  readonly threads: MergeThreads;
  readonly activity: Activity;
}

/** What became of a group. */
export interface GroupOutcome {
  readonly what: 'compacted' | 'idle' | 'blocked';
  /** The group with the merger in the place of its sources, when one was made. */
  readonly next?: BlockGroup;
}

const LOOKS_AT_ONCE = 8;

/** A fact of a Fault after which nothing is to be done until somebody has looked at it. */
const HALTS = 'halts';

/** Whether a failure is to stop everything. */
export function isHalt(thrown: unknown): boolean {
  return thrown instanceof Fault && thrown.facts[HALTS] === true;
}

export class GroupCompactor {
  readonly #deps: GroupCompactorDeps;
  readonly #config: CompactorConfig;
  readonly #quarantine: Quarantine;
  readonly #space = new DiskSpace();
  readonly #blocked = new Map<string, string>();

  constructor(deps: GroupCompactorDeps, config: CompactorConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#quarantine = new Quarantine(deps.marker, deps.activity, config.damagedBlocks);
  }

  /** Why groups are left alone until the next pass, by group. */
  get blocked(): ReadonlyMap<string, string> {
    return this.#blocked;
  }

  /** Blocks this process leaves out without a mark. */
  get skipped(): ReadonlySet<string> {
    return this.#quarantine.skipped;
  }

  beginPass(): void {
    this.#blocked.clear();
    this.#quarantine.beginPass();
  }

  /**
   * One compaction of one group; its failure is put into `failures`. Throws only when everything is to stop. A group that
   * an outcome gave as its next is gone on with when none of its blocks was marked meanwhile.
   */
  async run(
    request: RequestContext,
    group: BlockGroup,
    state: BucketState,
    failures: unknown[],
    isNext = false,
  ): Promise<GroupOutcome> {
    const { logger, meters } = this.#deps.marker;
    const resolution = String(group.resolutionMs);
    meters.runsStarted.inc({ resolution });
    try {
      const outcome = await this.#compact(request, group, state, isNext);
      meters.runsCompleted.inc({ resolution });
      return outcome;
    } catch (thrown) {
      if (request.signal.aborted) throw thrown;
      const failure = during(`group ${group.id} ${group.labels}`, thrown);
      if (this.#halts(thrown)) throw during('halted', failure, { [HALTS]: true });
      this.#blocked.set(group.id, messageOf(failure));
      failures.push(failure);
      logger.error('group could not be compacted, all others go on', {
        group: group.id,
        err: messageOf(failure),
        kind: kindOf(failure),
      });
      if (!(await this.#cure(request, thrown, failures))) return { what: 'blocked' };
      // With its broken block out of the way the rest of the group may go on.
      this.#blocked.delete(group.id);
      return { what: 'compacted' };
    }
  }

  async #cure(request: RequestContext, thrown: unknown, failures: unknown[]): Promise<boolean> {
    try {
      return await this.#quarantine.add(request, thrown);
    } catch (failure) {
      if (request.signal.aborted) throw failure;
      failures.push(during('take a broken block out of the way', failure));
      return false;
    }
  }

  /** What a later try may cure never halts; chunks out of order do not where blocks with them are to be skipped. */
  #halts(thrown: unknown): boolean {
    if (!this.#config.haltsOnError) return false;
    if (this.#config.skipsOutOfOrder && damagedBlockOf(thrown)?.reason === OUT_OF_ORDER_REASON) return false;
    return ['corrupt', 'conflict', 'not-found', 'unsupported', 'internal'].includes(kindOf(thrown));
  }

  async #compact(
    request: RequestContext,
    group: BlockGroup,
    state: BucketState,
    isNext: boolean,
  ): Promise<GroupOutcome> {
    const { marker, activity } = this.#deps;
    const { meters } = marker;
    const plan = await this.#plan(request, group, state);
    if (isNext && (await this.#isMarked(request, plan.blocks))) return { what: 'idle' };
    for (const exclusion of plan.exclusions) await markNoCompact(request, marker, exclusion.ulid, exclusion);
    // What lies beside them is compacted first; then they are complained of.
    if (plan.forbiddenOverlap.length > 0 && (plan.blocks.length < 2 || this.#config.haltsOnError)) {
      const ulids = plan.forbiddenOverlap.map(({ ulid }) => ulid).join(', ');
      throw new Fault('conflict', `blocks ${ulids} overlap, and merging overlaps is not enabled`);
    }
    if (plan.blocks.length < 2) {
      // What a process before fetched for a plan that was carried out, or is no more.
      await rm(join(this.#config.run.workDir, group.id), { recursive: true, force: true });
      return { what: 'idle' };
    }
    const resolution = String(group.resolutionMs);
    meters.compactions.inc({ resolution });
    if (plan.isVertical) meters.verticals.inc({ resolution });
    const sizeBytes = plan.blocks.reduce((sum, block) => sum + recordedSize(block), 0);
    const startMs = marker.now();
    activity.begin(group.id);
    try {
      const merger = await this.#runTwice(request, group, plan);
      activity.end(group.id, { sizeBytes, startMs });
      if (merger === undefined) return { what: 'compacted' };
      const [next] = groupBlocks([...group.blocks.filter((block) => !plan.blocks.includes(block)), merger]);
      return { what: 'compacted', next };
    } catch (thrown) {
      activity.end(group.id);
      meters.compactionFailures.inc({ resolution });
      throw thrown;
    }
  }

  /** Whether one of the blocks was marked for deletion, or not to be compacted, since the bucket was looked at. */
  async #isMarked(request: RequestContext, blocks: readonly BlockMeta[]): Promise<boolean> {
    const { bucket } = this.#deps.marker;
    const names = blocks.flatMap(({ ulid }) => [markName('deletion', ulid), markName('no-compact', ulid)]);
    const found = await mapParallel(names, LOOKS_AT_ONCE, (name) => bucket.exists(request, name), request.signal);
    return found.includes(true);
  }

  async #runTwice(request: RequestContext, group: BlockGroup, plan: Plan): Promise<BlockMeta | undefined> {
    const { marker, threads, activity } = this.#deps;
    const { run } = this.#config;
    const onStep = (): void => activity.sign();
    const deps = { ...marker, threads, space: this.#space, onStep };
    try {
      return await runPlan(request, deps, group, plan, run);
    } catch (thrown) {
      if (request.signal.aborted || !mayBeOurCopy(thrown)) throw thrown;
      // It may be our copy that is broken, or gone, and not the block: what is fetched anew decides.
      await rm(join(run.workDir, group.id), { recursive: true, force: true });
      return runPlan(request, deps, group, plan, run);
    }
  }

  async #plan(request: RequestContext, group: BlockGroup, state: BucketState): Promise<Plan> {
    const sizes = new Map<string, number>();
    for (const block of group.blocks) {
      const recorded = recordedIndexSize(block);
      sizes.set(block.ulid, recorded > 0 ? recorded : await this.#remoteSize(request, indexName(block.ulid)));
    }
    // What is marked for deletion would come back to life in a merger.
    const excluded = new Set([...state.noCompactMarks.keys(), ...state.deletionMarks.keys(), ...this.skipped]);
    const indexSizeBytes = ({ ulid }: { readonly ulid: string }): number => sizes.get(ulid) ?? 0;
    return planGroup({ blocks: group.blocks, excluded, indexSizeBytes }, this.#config.planner);
  }

  /** 0 for what is not there: a block without an index is found out when it is downloaded. */
  async #remoteSize(request: RequestContext, name: string): Promise<number> {
    try {
      return (await this.#deps.marker.bucket.attributes(request, name)).sizeBytes;
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return 0;
      throw thrown;
    }
  }
}

// The compactor: sync, delete, collect garbage, compact group by group until nothing is left, retain, clean. One pass, or
// one after the other. A failure in one group keeps no other from going on, and none of them keeps retention waiting.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../async/clock.ts';
import { forEachParallel } from '../async/parallel.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { metaName } from '../block/layout.ts';
import { collect } from '../errors/collect.ts';
import { during, Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { deleteBlocks, dueDeletions, duePartials } from './cleaner.ts';
import type { CompactorConfig } from './config.ts';
import { describePass } from './dry-run.ts';
import { runPlan } from './group-run.ts';
import { type BlockGroup, groupBlocks } from './grouper.ts';
import { type MarkerDeps, markForDeletion, markNoCompact } from './marker.ts';
import { type CompactMeters, compactMeters } from './meters.ts';
import { planGroup } from './planner.ts';
import { outlook, recordedIndexSize, recordedSize } from './progress.ts';
import { expiredBlocks } from './retention.ts';
import { type BucketState, type SyncerDeps, syncBucket } from './syncer.ts';
import { DAMAGED_REASON } from './verify.ts';

export interface CompactorDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly syncer: SyncerDeps;
  readonly clock?: Clock;
}

/** What became of a group in one round. */
type GroupOutcome = 'compacted' | 'idle' | 'blocked';

export class Compactor {
  readonly #deps: CompactorDeps;
  readonly #config: CompactorConfig;
  readonly #meters: CompactMeters;
  readonly #marker: MarkerDeps;
  /** Why a group is left alone until the next pass, by group. */
  readonly #blocked = new Map<string, unknown>();
  /** Blocks found broken in this pass. */
  readonly #quarantined = new Set<string>();
  /** The fetcher takes one call at a time; this ends when the last one asked for has ended. */
  #lastSync: Promise<unknown> = Promise.resolve();

  constructor(deps: CompactorDeps, config: CompactorConfig) {
    const clock = deps.clock ?? systemClock;
    this.#deps = deps;
    this.#config = config;
    this.#meters = compactMeters(deps.metrics);
    this.#meters.halted.set(0);
    this.#meters.deleteDelay.set(config.deleteDelayMs / 1000);
    this.#marker = { bucket: deps.bucket, logger: deps.logger, meters: this.#meters, now: () => clock.now() };
  }

  /**
   * One whole pass. Everything that can be done is done; then what failed is thrown as one: nothing is lost by it, and the
   * next pass tries again.
   */
  async pass(signal: AbortSignal): Promise<void> {
    const request = backgroundRequest(signal);
    const failures: unknown[] = [];
    this.#blocked.clear();
    this.#quarantined.clear();
    try {
      await this.#compactAll(request, failures);
      await this.#attempt(failures, signal, 'apply retention', () => this.retain(request));
      await this.#attempt(failures, signal, 'clean', () => this.clean(request));
    } finally {
      this.#meters.blockedGroups.set(this.#blocked.size);
      if (failures.length > 0) this.#meters.retries.inc();
    }
    if (failures.length > 0) throw collect(failures);
    this.#meters.iterations.inc();
  }

  /** Deletes what is marked long enough, and old partial uploads. Once more than the delay has passed, nothing is left. */
  async clean(request: RequestContext): Promise<void> {
    const state = await this.#sync(request);
    await this.#deleteMarked(request, state);
    const due = await duePartials(request, this.#marker, state.partial.keys(), this.#config.deleteDelayMs);
    await deleteBlocks(request, this.#marker, due, 'upload that never ended');
  }

  /** Only the partial uploads: what is safe while a pass is at work. */
  async cleanPartials(request: RequestContext): Promise<void> {
    const { partial } = await this.#sync(request);
    const due = await duePartials(request, this.#marker, partial.keys(), this.#config.deleteDelayMs);
    await deleteBlocks(request, this.#marker, due, 'upload that never ended');
  }

  /** What a pass would do, one line an action. Nothing is changed. */
  async describe(request: RequestContext): Promise<readonly string[]> {
    const state = await this.#sync(request);
    const partials = await duePartials(request, this.#marker, state.partial.keys(), this.#config.deleteDelayMs);
    return describePass(state, partials, this.#config, this.#marker.now());
  }

  /** Marks what is past its retention. */
  async retain(request: RequestContext): Promise<void> {
    const state = await this.#sync(request);
    const expired = expiredBlocks(state.metas.values(), this.#config.retention, this.#marker.now());
    for (const { ulid, details } of expired) {
      if (state.deletionMarks.has(ulid)) continue;
      await markForDeletion(request, this.#marker, ulid, { reason: 'retention', details });
    }
  }

  /** Works out what is left to do and shows it. */
  async showProgress(request: RequestContext): Promise<void> {
    const state = await this.#sync(request);
    const { compactions } = outlook(state, this.#config.planner);
    const blocks = compactions.flatMap(({ plan }) => plan.blocks);
    this.#meters.todoCompactions.set(compactions.length);
    this.#meters.todoBlocks.set(blocks.length);
    this.#meters.todoBytes.set(blocks.reduce((sum, block) => sum + recordedSize(block), 0));
    const expired = expiredBlocks(state.metas.values(), this.#config.retention, this.#marker.now());
    this.#meters.todoDeletions.set(expired.length);
  }

  /** Rounds, until no group has anything left to do. */
  async #compactAll(request: RequestContext, failures: unknown[]): Promise<void> {
    for (;;) {
      const state = await this.#sync(request);
      await this.#attempt(failures, request.signal, 'delete', () => this.#deleteMarked(request, state));
      await this.#attempt(failures, request.signal, 'collect garbage', () => this.#collectGarbage(request, state));
      await this.#removeScratch(groupBlocks(state.metas.values()));
      let hasCompacted = false;
      const work = async (group: BlockGroup, signal: AbortSignal): Promise<void> => {
        const outcome = await this.#runGroup({ ...request, signal }, group, state, failures);
        if (outcome === 'compacted') hasCompacted = true;
      };
      const groups = groupBlocks(state.metas.values()).filter(({ id, blocks }) => {
        return blocks.length > 1 && !this.#blocked.has(id);
      });
      await forEachParallel(groups, this.#config.concurrency, work, request.signal);
      if (!hasCompacted) return;
    }
  }

  /** What was downloaded for groups that are not there any more. */
  async #removeScratch(groups: readonly BlockGroup[]): Promise<void> {
    const { workDir } = this.#config.run;
    const kept = new Set(groups.map(({ id }) => id));
    await mkdir(workDir, { recursive: true });
    for (const name of await readdir(workDir)) {
      if (!kept.has(name)) await rm(join(workDir, name), { recursive: true, force: true });
    }
  }

  /** One compaction of one group. Throws only when everything is to stop. */
  async #runGroup(
    request: RequestContext,
    group: BlockGroup,
    state: BucketState,
    failures: unknown[],
  ): Promise<GroupOutcome> {
    const resolution = String(group.resolutionMs);
    this.#meters.runsStarted.inc({ resolution });
    try {
      const outcome = await this.#compactGroup(request, group, state);
      this.#meters.runsCompleted.inc({ resolution });
      return outcome;
    } catch (thrown) {
      if (request.signal.aborted) throw thrown;
      const failure = during(`group ${group.id} ${group.labels}`, thrown);
      this.#blocked.set(group.id, failure);
      failures.push(failure);
      this.#deps.logger.error('group could not be compacted, all others go on', {
        group: group.id,
        err: messageOf(failure),
        kind: kindOf(failure),
      });
      // With its broken block out of the way the rest of the group may go on.
      if (!(await this.#quarantine(request, thrown, failures))) return 'blocked';
      this.#blocked.delete(group.id);
      return 'compacted';
    }
  }

  async #compactGroup(request: RequestContext, group: BlockGroup, state: BucketState): Promise<GroupOutcome> {
    const { planner, run } = this.#config;
    const sizes = await this.#indexSizes(request, group);
    const plan = planGroup(
      {
        blocks: group.blocks,
        excluded: new Set(state.noCompactMarks.keys()),
        indexSizeBytes: ({ ulid }) => sizes.get(ulid) ?? 0,
      },
      planner,
    );
    for (const exclusion of plan.exclusions) await markNoCompact(request, this.#marker, exclusion.ulid, exclusion);
    if (plan.forbiddenOverlap.length > 0) {
      const ulids = plan.forbiddenOverlap.map(({ ulid }) => ulid).join(', ');
      throw new Fault('conflict', `blocks ${ulids} overlap, and merging overlaps is not enabled`);
    }
    if (plan.blocks.length < 2) return 'idle';
    const resolution = String(group.resolutionMs);
    this.#meters.compactions.inc({ resolution });
    if (plan.isVertical) this.#meters.verticals.inc({ resolution });
    try {
      try {
        await runPlan(request, this.#marker, group, plan, run);
      } catch (thrown) {
        if (request.signal.aborted || kindOf(thrown) !== 'corrupt') throw thrown;
        // It may be our copy that is broken and not the block: what is fetched anew decides.
        await rm(join(run.workDir, group.id), { recursive: true, force: true });
        await runPlan(request, this.#marker, group, plan, run);
      }
    } catch (thrown) {
      this.#meters.compactionFailures.inc({ resolution });
      throw thrown;
    }
    return 'compacted';
  }

  /** Sizes of indexes; where meta.json records none the bucket is asked. */
  async #indexSizes(request: RequestContext, group: BlockGroup): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>();
    for (const block of group.blocks) {
      let size = recordedIndexSize(block);
      if (size === 0) size = await this.#remoteSize(request, `${block.ulid}/index`);
      sizes.set(block.ulid, size);
    }
    return sizes;
  }

  /** 0 for what is not there: a block without an index is found out when it is downloaded. */
  async #remoteSize(request: RequestContext, name: string): Promise<number> {
    try {
      return (await this.#deps.bucket.attributes(request, name)).sizeBytes;
    } catch (thrown) {
      if (kindOf(thrown) === 'not-found') return 0;
      throw thrown;
    }
  }

  /** Marks the block that a failure lies in no-compact; false when it lies in none. */
  async #quarantine(request: RequestContext, thrown: unknown, failures: unknown[]): Promise<boolean> {
    if (!(thrown instanceof Fault)) return false;
    const { block, reason } = thrown.facts;
    const isBroken = thrown.kind === 'corrupt' || thrown.kind === 'not-found' || thrown.kind === 'unsupported';
    if (typeof block !== 'string' || !isBroken || this.#quarantined.has(block)) return false;
    this.#quarantined.add(block);
    try {
      // A block that somebody deleted meanwhile is not broken.
      if (!(await this.#deps.bucket.exists(request, metaName(block)))) return true;
      const word = typeof reason === 'string' ? reason : DAMAGED_REASON;
      await markNoCompact(request, this.#marker, block, { reason: word, details: messageOf(thrown) });
      return true;
    } catch (failure) {
      if (request.signal.aborted) throw failure;
      failures.push(during(`mark block ${block} no-compact`, failure));
      return false;
    }
  }

  async #collectGarbage(request: RequestContext, state: BucketState): Promise<void> {
    const end = this.#meters.garbageDuration.startTimer();
    this.#meters.garbageRuns.inc();
    try {
      for (const ulid of state.duplicates) {
        await markForDeletion(request, this.#marker, ulid, { reason: 'outdated', details: 'outdated block' });
      }
    } catch (thrown) {
      this.#meters.garbageFailures.inc();
      throw thrown;
    } finally {
      end();
    }
  }

  async #deleteMarked(request: RequestContext, state: BucketState): Promise<void> {
    const due = dueDeletions(state.deletionMarks, this.#config.deleteDelayMs, this.#marker.now());
    await deleteBlocks(request, this.#marker, due, 'marked for deletion long enough ago');
  }

  #sync(request: RequestContext): Promise<BucketState> {
    const sync = this.#lastSync.then(() => syncBucket(request, this.#deps.syncer));
    this.#lastSync = sync.catch(() => {}); // Whoever asked for it hears of the failure.
    return sync;
  }

  /** Does one part of a pass; its failure is kept for the end. */
  async #attempt(failures: unknown[], signal: AbortSignal, doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      this.#deps.logger.error(`${doing} failed, the rest goes on`, { err: messageOf(thrown) });
      failures.push(during(doing, thrown));
    }
  }
}

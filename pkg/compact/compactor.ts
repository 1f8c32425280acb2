// The compactor: sync, delete, collect garbage, compact group by group until nothing is left, downsample, retain, clean. One
// pass, or one after the other. A failure in one group keeps no other from going on, and none of them keeps retention waiting.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../async/clock.ts';
import { type Deadline, linked } from '../async/deadline.ts';
import { forEachParallel } from '../async/parallel.ts';
import { backgroundRequest, type RequestContext } from '../async/request.ts';
import { collect } from '../errors/collect.ts';
import { during, Fault, kindOf, messageOf } from '../errors/fault.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Activity } from './activity.ts';
import { deleteBlocks, dueDeletions, duePartials } from './cleaner.ts';
import type { CompactorConfig } from './config.ts';
import { type DownsampleThreads, noThreads } from './downsample-threads.ts';
import { Downsampler, type DownsamplerDeps } from './downsampler.ts';
import { describePass } from './dry-run.ts';
import { GroupCompactor, isHalt } from './group-compactor.ts';
import { type BlockGroup, groupBlocks } from './grouper.ts';
import { type Lease, noGuard } from './lease.ts';
import { type MarkerDeps, markForDeletion } from './marker.ts';
import { type MergeThreads, noMergeThreads } from './merge-threads.ts';
import { type CompactMeters, compactMeters } from './meters.ts';
import { withProgress } from './progress-bucket.ts';
import { expiredBlocks } from './retention.ts';
import { type BucketState, type SyncerDeps, syncBucket } from './syncer.ts';
import { BucketWatch } from './watch.ts';

export interface CompactorDeps {
  readonly bucket: Bucket;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly syncer: SyncerDeps;
  /** Where blocks are merged and downsampled; on this thread when absent. */
  readonly mergeThreads?: MergeThreads;
  readonly downsampleThreads?: DownsampleThreads;
  /** What keeps a second compactor out; absent for tools, which do single steps. */
  readonly lease?: Lease;
  readonly clock?: Clock;
}

/** Releasing is a courtesy: nobody waits for it for long. */
const RELEASE_MS = 5_000;
/** A clock may be ahead of the bucket's so far: less than any delay one would set. */
const MOST_CLOCK_LEAD_MS = 600_000;

/** A group is gone on with for so long after a look at the bucket without another one. */
const STATE_IS_FRESH_MS = 60_000;

export class Compactor {
  readonly #deps: CompactorDeps;
  readonly #config: CompactorConfig;
  readonly #clock: Clock;
  readonly #meters: CompactMeters;
  /** Its bucket tells of progress: it is the pass's. */
  readonly #marker: MarkerDeps;
  readonly #groups: GroupCompactor;
  readonly #downsampler: Downsampler | undefined;
  readonly #activity: Activity;
  readonly #watch: BucketWatch;
  /** The fetcher takes one call at a time; this ends when the last one asked for has ended. */
  #lastLook: Promise<unknown> = Promise.resolve();
  /** Of the pass under way. */
  #pass: Deadline | undefined;
  #isStandby = false;

  constructor(deps: CompactorDeps, config: CompactorConfig) {
    const clock = deps.clock ?? systemClock;
    const now = (): number => clock.now();
    this.#deps = deps;
    this.#config = config;
    this.#clock = clock;
    const meters = compactMeters(deps.metrics);
    this.#meters = meters;
    meters.halted.set(0);
    meters.deleteDelay.set(config.deleteDelayMs / 1000);
    this.#activity = new Activity(now);
    const bucket = withProgress(deps.bucket, () => this.#activity.sign());
    this.#marker = { bucket, logger: deps.logger, meters, now, guard: deps.lease ?? noGuard };
    const { mergeThreads: threads = noMergeThreads } = deps;
    this.#groups = new GroupCompactor({ marker: this.#marker, threads, activity: this.#activity }, config);
    const blocked = (): ReadonlyMap<string, string> => this.#groups.blocked;
    this.#watch = new BucketWatch({ activity: this.#activity, meters, now, blocked }, config);
    if (config.downsample === undefined) return;
    const { metrics, downsampleThreads = noThreads } = deps;
    const sync = (request: RequestContext): Promise<BucketState> => this.#sync(request);
    const foundDamaged: DownsamplerDeps['foundDamaged'] = (found) => this.#activity.foundDamaged(found);
    const onStep = (): void => this.#activity.sign();
    const downsamplerDeps = { marker: this.#marker, threads: downsampleThreads, metrics, sync, onStep, foundDamaged };
    this.#downsampler = new Downsampler(downsamplerDeps, config.downsample);
  }

  /** What is known of the bucket, and of what is left to do in it. */
  get watch(): BucketWatch {
    return this.#watch;
  }

  /** What is wrong, in words; undefined while all is well. */
  get problem(): string | undefined {
    return this.#activity.problem;
  }

  /**
   * One whole pass. Everything that can be done is done; then what failed is thrown as one: nothing is lost by it, and the
   * next pass tries again. After a halt (isHalt) there must be no next one.
   */
  async pass(parent: AbortSignal): Promise<void> {
    const pass = linked(parent);
    this.#pass = pass;
    const failures: unknown[] = [];
    this.#groups.beginPass();
    this.#activity.beginPass();
    let thrown: unknown;
    try {
      await this.#takeLease(backgroundRequest(pass.signal));
      await this.#steps(backgroundRequest(pass.signal), failures);
      if (failures.length > 0) thrown = collect(failures);
    } catch (failure) {
      thrown = failure;
    } finally {
      this.#pass = undefined;
      pass.release();
    }
    this.#meters.blockedGroups.set(this.#groups.blocked.size);
    // Whoever stands by for another one that is at work has nothing to do itself.
    const hasWork = this.#watch.hasWork && !this.#isStandby;
    this.#activity.endPass(thrown === undefined ? '' : messageOf(thrown), hasWork);
    if (isHalt(thrown)) {
      this.#meters.halted.set(1);
      this.#activity.halt(messageOf(thrown));
    }
    this.#watch.show();
    if (thrown === undefined) {
      this.#meters.iterations.inc();
      return;
    }
    this.#meters.retries.inc();
    throw thrown;
  }

  /** Whether the last pass did nothing because another compactor is at work. */
  get isStandby(): boolean {
    return this.#isStandby;
  }

  async #takeLease(request: RequestContext): Promise<void> {
    this.#isStandby = false;
    try {
      await this.#deps.lease?.acquire(request);
    } catch (thrown) {
      this.#isStandby = kindOf(thrown) === 'conflict';
      throw thrown;
    }
  }

  /** Keeps the lease as long as it is held, until the signal aborts; a pass whose lease is lost is stopped. */
  async keepLease(signal: AbortSignal): Promise<void> {
    const { lease, logger } = this.#deps;
    if (lease === undefined) return;
    for (;;) {
      try {
        await this.#clock.sleep(lease.renewMs, signal);
        if (lease.isHeld) await lease.renew(backgroundRequest(signal));
      } catch (thrown) {
        if (signal.aborted) return;
        logger.error('the lease of the bucket could not be renewed', { err: messageOf(thrown) });
        if (kindOf(thrown) === 'conflict') this.#pass?.abort(thrown);
      }
    }
  }

  /** Lets another compactor start at once. */
  async release(): Promise<void> {
    await this.#deps.lease?.release(backgroundRequest(AbortSignal.timeout(RELEASE_MS)));
  }

  /** Deletes what is marked long enough, and old partial uploads. Once more than the delay has passed, nothing is left. */
  async clean(request: RequestContext): Promise<void> {
    const state = await this.#sync(request);
    this.#watch.see(state);
    await this.#deleteMarked(request, state);
    await this.#deletePartials(request, state);
  }

  async #deletePartials(request: RequestContext, state: BucketState): Promise<void> {
    const due = await duePartials(request, this.#marker, state.partial, this.#config.deleteDelayMs);
    await this.#mustTrustClock(request, due.length);
    await deleteBlocks(request, this.#marker, due, 'upload that never ended');
  }

  /** Only the partial uploads: what is safe while a pass is at work. Does nothing while another compactor is at it. */
  async cleanPartials(request: RequestContext): Promise<void> {
    if (this.#deps.lease?.isHeld === false) return;
    const { partial } = await this.#look(request);
    // What goes on beside a pass says nothing of it.
    const marker = { ...this.#marker, bucket: this.#deps.bucket };
    const due = await duePartials(request, marker, partial, this.#config.deleteDelayMs);
    await this.#mustTrustClock(request, due.length);
    await deleteBlocks(request, marker, due, 'upload that never ended');
  }

  /** What a pass would do, one line an action. Nothing is changed. */
  async describe(request: RequestContext): Promise<readonly string[]> {
    const state = await this.#sync(request);
    const partials = await duePartials(request, this.#marker, state.partial, this.#config.deleteDelayMs);
    return describePass(state, partials, this.#config, this.#marker.now());
  }

  /** Marks what is past its retention. What could not be downsampled stays: its coarser form would never be made. */
  async retain(request: RequestContext): Promise<void> {
    if (!this.#retains) return;
    const state = await this.#sync(request);
    const due = new Set(this.#downsampler?.due(state).map(({ block }) => block.ulid));
    const expired = expiredBlocks(state.metas.values(), this.#config.retention, this.#marker.now());
    await this.#mustTrustClock(request, expired.length);
    for (const { ulid, details } of expired) {
      if (state.deletionMarks.has(ulid)) continue;
      if (due.has(ulid)) {
        this.#deps.logger.warn('block is past its retention and kept: it is not downsampled yet', { block: ulid });
        continue;
      }
      await markForDeletion(request, this.#marker, ulid, { reason: 'retention', details });
    }
  }

  /** Works out what is left to do and shows it. */
  async showProgress(request: RequestContext): Promise<void> {
    this.#watch.see(await this.#look(request));
  }

  async #steps(request: RequestContext, failures: unknown[]): Promise<void> {
    const { signal } = request;
    const last = await this.#compactAll(request, failures);
    if (last !== undefined && this.#downsampler === undefined && !this.#retains && failures.length === 0) {
      // Nothing has changed since the last round looked at the bucket but what it deleted.
      await this.#attempt(failures, signal, 'clean', () => this.#deletePartials(request, last));
      return;
    }
    await this.#attempt(failures, signal, 'downsample', async () => this.#downsampler?.pass(request, failures));
    await this.#attempt(failures, signal, 'apply retention', () => this.retain(request));
    await this.#attempt(failures, signal, 'clean', () => this.clean(request));
  }

  /** Whether anything is ever past its retention. */
  get #retains(): boolean {
    return Object.values(this.#config.retention).some((keptMs) => keptMs !== 0);
  }

  /** Rounds, until no group has anything left to do: what the last one saw, undefined when it marked something itself. */
  async #compactAll(request: RequestContext, failures: unknown[]): Promise<BucketState | undefined> {
    for (;;) {
      const state = await this.#sync(request);
      this.#watch.see(state);
      await this.#attempt(failures, request.signal, 'delete', () => this.#deleteMarked(request, state));
      let garbageCount = 0;
      await this.#attempt(failures, request.signal, 'collect garbage', async () => {
        garbageCount = await this.#collectGarbage(request, state);
      });
      await this.#removeScratch(groupBlocks(state.metas.values()));
      let hasCompacted = false;
      const seenAtMs = this.#marker.now();
      const work = async (group: BlockGroup, signal: AbortSignal): Promise<void> => {
        let outcome = await this.#groups.run({ ...request, signal }, group, state, failures);
        if (outcome.what === 'compacted') hasCompacted = true;
        // What else there is to do in the group is known as long as what was seen of the bucket is not old.
        while (outcome.next !== undefined && Math.abs(this.#marker.now() - seenAtMs) < STATE_IS_FRESH_MS) {
          outcome = await this.#groups.run({ ...request, signal }, outcome.next, state, failures, true);
        }
      };
      const groups = groupBlocks(state.metas.values()).filter(({ id, blocks }) => {
        return blocks.length > 1 && !this.#groups.blocked.has(id);
      });
      // While one group is merged on its thread, the sources of the next one are fetched and the merger before goes up.
      const ahead = this.#deps.mergeThreads?.prepare === undefined ? 0 : 1;
      await forEachParallel(groups, this.#config.concurrency + ahead, work, request.signal);
      if (!hasCompacted) return garbageCount === 0 ? state : undefined;
    }
  }

  /** What was downloaded for groups that are not there any more, or have nothing to be merged with. */
  async #removeScratch(groups: readonly BlockGroup[]): Promise<void> {
    const { workDir } = this.#config.run;
    const kept = new Set(groups.filter(({ blocks }) => blocks.length > 1).map(({ id }) => id));
    await mkdir(workDir, { recursive: true });
    for (const name of await readdir(workDir)) {
      if (!kept.has(name)) await rm(join(workDir, name), { recursive: true, force: true });
    }
  }

  /** Gives how many blocks it marked. */
  async #collectGarbage(request: RequestContext, state: BucketState): Promise<number> {
    const end = this.#meters.garbageDuration.startTimer();
    this.#meters.garbageRuns.inc();
    try {
      const garbage = state.duplicates.filter((ulid) => !state.deletionMarks.has(ulid));
      for (const ulid of garbage) {
        await markForDeletion(request, this.#marker, ulid, { reason: 'outdated', details: 'outdated block' });
      }
      return garbage.length;
    } catch (thrown) {
      this.#meters.garbageFailures.inc();
      throw thrown;
    } finally {
      end();
    }
  }

  async #deleteMarked(request: RequestContext, state: BucketState): Promise<void> {
    const due = dueDeletions(state.deletionMarks, this.#config.deleteDelayMs, this.#marker.now());
    await this.#mustTrustClock(request, due.length);
    await deleteBlocks(request, this.#marker, due, 'marked for deletion long enough ago');
  }

  /** By a clock that is ahead what is fresh looks old: an upload under way, say, like one that broke off long ago. */
  async #mustTrustClock(request: RequestContext, dueCount: number): Promise<void> {
    if (dueCount === 0) return;
    const leadMs = (await this.#deps.lease?.clockLeadMs(request)) ?? 0;
    if (leadMs <= MOST_CLOCK_LEAD_MS) return;
    const lead = `${Math.round(leadMs / 1000)} s`;
    throw new Fault(
      'conflict',
      `the clock of this machine is ${lead} ahead of the bucket's: nothing is deleted until it is right`,
    );
  }

  /** A look that the pass waits for, and so a step of it. */
  async #sync(request: RequestContext): Promise<BucketState> {
    const state = await this.#look(request);
    this.#activity.sign();
    return state;
  }

  #look(request: RequestContext): Promise<BucketState> {
    const look = this.#lastLook.then(() => syncBucket(request, this.#deps.syncer));
    this.#lastLook = look.catch(() => {}); // Whoever asked for it hears of the failure.
    return look;
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

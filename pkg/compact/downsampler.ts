// Downsampling as a step of a pass: raw blocks to 5m, 5m blocks to 1h, each on its own. A block that cannot be downsampled
// keeps none of the others from it.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachParallel } from '../async/parallel.ts';
import type { RequestContext } from '../async/request.ts';
import { metaName } from '../block/layout.ts';
import type { BlockMeta } from '../block/meta.ts';
import { during, kindOf, messageOf } from '../errors/fault.ts';
import { RESOLUTION_RAW, resolutionText } from '../model/resolution.ts';
import { printRfc3339 } from '../model/time.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { DownsampleConfig, RetentionConfig } from './config.ts';
import { DiskSpace } from './disk-space.ts';
import { runTask } from './downsample/downsample-run.ts';
import { type DownsampleMeters, downsampleMeters } from './downsample/meters.ts';
import {
  type DownsampleTask,
  downsampleSteps,
  downsampleTasks,
  type TaskMarks,
  taskResult,
} from './downsample/tasks.ts';
import type { DownsampleThreads } from './downsample-threads.ts';
import { groupId } from './grouper.ts';
import { type MarkerDeps, markNoDownsample } from './marker.ts';
import { damagedBlockOf, mayBeOurCopy } from './quarantine.ts';
import type { BucketState } from './syncer.ts';

export interface DownsamplerDeps {
  readonly marker: MarkerDeps;
  readonly threads: DownsampleThreads;
  readonly metrics: Metrics;
  /** The bucket as it is now. */
  readonly sync: (request: RequestContext) => Promise<DownsampleState>;
  /** Called while something gets on, as a sign of life. */
  readonly onStep?: () => void;
  /** Told of each block that is found broken. */
  readonly foundDamaged?: (found: { readonly ulid: string; readonly reason: string; readonly problem: string }) => void;
}

/** What of the bucket matters here. */
export type DownsampleState = Pick<BucketState, 'metas' | 'noCompactMarks' | 'noDownsampleMarks'> &
  Partial<Pick<BucketState, 'deletionMarks'>>;

export class Downsampler {
  readonly #deps: DownsamplerDeps;
  readonly #config: DownsampleConfig;
  readonly #meters: DownsampleMeters;
  readonly #space = new DiskSpace();
  /** Broken blocks that have no mark: left alone by this process. */
  readonly #skipped = new Set<string>();

  constructor(deps: DownsamplerDeps, config: DownsampleConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#meters = downsampleMeters(deps.metrics);
    for (const { from } of downsampleSteps) this.#meters.expect(String(from));
  }

  /**
   * Everything there is to downsample, in two rounds, since blocks made in the first may be due for the second. Failures of
   * single blocks are put into `failures`; a block that is broken is marked too, and then left alone.
   */
  async pass(request: RequestContext, failures: unknown[]): Promise<void> {
    for (const step of downsampleSteps) {
      const state = await this.#deps.sync(request);
      await this.#removeScratch(downsampleTasks(state.metas.values(), marksOf(state)));
      const work = (task: DownsampleTask, signal: AbortSignal) => this.#run({ ...request, signal }, task, failures);
      const due = this.due(state).filter((task) => task.step === step);
      // While one block is downsampled on its thread, the next one is fetched and the one before goes up.
      const ahead = this.#deps.threads.prepare === undefined ? 0 : 1;
      await forEachParallel(due, this.#config.concurrency + ahead, work, request.signal);
    }
    await this.#removeScratch([]);
  }

  /** What there is to downsample, without what this process has given up. */
  due(state: DownsampleState): readonly DownsampleTask[] {
    const tasks = downsampleTasks(state.metas.values(), marksOf(state));
    return tasks.filter(({ block }) => !this.#skipped.has(block.ulid));
  }

  /** What was left behind for blocks that are not to be downsampled any more. */
  async #removeScratch(tasks: readonly DownsampleTask[]): Promise<void> {
    const { workDir } = this.#config;
    const kept = new Set(tasks.map(({ block }) => block.ulid));
    await mkdir(workDir, { recursive: true });
    for (const name of await readdir(workDir)) {
      if (!kept.has(name)) await rm(join(workDir, name), { recursive: true, force: true });
    }
  }

  /** Throws only when everything is to stop. */
  async #run(request: RequestContext, task: DownsampleTask, failures: unknown[]): Promise<void> {
    const { logger } = this.#deps.marker;
    const { ulid } = task.block;
    const resolution = String(task.step.from);
    this.#meters.total.inc({ resolution });
    const end = this.#meters.duration.startTimer({ resolution });
    try {
      const made = await this.#runTwice(request, task);
      end();
      if (made === undefined) {
        const why = { reason: 'empty-block', details: 'none of its samples is a number' };
        await markNoDownsample(request, this.#deps.marker, ulid, why);
        return;
      }
      logger.info('block is downsampled', {
        block: made.ulid,
        source: ulid,
        resolution: resolutionText(task.step.to),
        samples: made.stats.numSamples,
      });
    } catch (thrown) {
      if (request.signal.aborted) throw thrown;
      const failure = during(`downsample block ${ulid} to ${resolutionText(task.step.to)}`, thrown);
      this.#meters.failure(resolution);
      failures.push(failure);
      logger.error('block could not be downsampled, all others go on', {
        block: ulid,
        err: messageOf(failure),
        kind: kindOf(failure),
      });
      await this.#exclude(request, ulid, thrown, failures);
    }
  }

  async #runTwice(request: RequestContext, task: DownsampleTask): ReturnType<typeof runTask> {
    const { marker, threads, onStep = () => {} } = this.#deps;
    const deps = { ...marker, threads, space: this.#space, onStep };
    try {
      return await runTask(request, deps, task, this.#config);
    } catch (thrown) {
      if (request.signal.aborted || !mayBeOurCopy(thrown)) throw thrown;
      // It may be our copy that is broken, or gone, and not the block: what is fetched anew decides.
      await rm(join(this.#config.workDir, task.block.ulid), { recursive: true, force: true });
      return runTask(request, deps, task, this.#config);
    }
  }

  /** Takes a block out of the way when the failure lies in it: it would fail again for ever. */
  async #exclude(request: RequestContext, ulid: string, thrown: unknown, failures: unknown[]): Promise<void> {
    const damaged = damagedBlockOf(thrown);
    if (damaged?.ulid !== ulid) return;
    await rm(join(this.#config.workDir, ulid), { recursive: true, force: true });
    try {
      // A block that somebody deleted meanwhile is not broken.
      if (!(await this.#deps.marker.bucket.exists(request, metaName(ulid)))) return;
      const problem = messageOf(thrown);
      this.#deps.foundDamaged?.({ ...damaged, problem });
      this.#skipped.add(ulid);
      if (this.#config.damagedBlocks === 'skip') return;
      await markNoDownsample(request, this.#deps.marker, ulid, { reason: damaged.reason, details: problem });
      this.#skipped.delete(ulid);
    } catch (failure) {
      if (request.signal.aborted) throw failure;
      failures.push(during(`mark block ${ulid} no-downsample`, failure));
    }
  }
}

/**
 * What is wrong with a retention beside downsampling, in words: data that goes before its coarser form can have been made is
 * gone for good. Undefined when nothing is.
 */
export function retentionProblem({ rawMs, fiveMinutesMs }: RetentionConfig): string | undefined {
  for (const { from, to, minSpanMs } of downsampleSteps) {
    const keptMs = from === RESOLUTION_RAW ? rawMs : fiveMinutesMs;
    if (keptMs === 0 || keptMs >= minSpanMs) continue;
    const hours = minSpanMs / 3_600_000;
    return `blocks of resolution ${resolutionText(from)} must be kept for ever or for ${hours}h at least, which is how long they are before they are downsampled to ${resolutionText(to)}`;
  }
  return undefined;
}

function marksOf(state: Omit<DownsampleState, 'metas'>): TaskMarks {
  const { noCompactMarks, noDownsampleMarks, deletionMarks } = state;
  // What is marked for deletion would outlive it in a coarser form.
  const noDownsample = { has: (ulid: string) => noDownsampleMarks.has(ulid) || deletionMarks?.has(ulid) === true };
  return { noCompact: noCompactMarks, noDownsample };
}

/** What a pass would downsample of these blocks, both rounds of it, in their order. */
export function outlookOfDownsampling(
  blocks: Iterable<BlockMeta>,
  marks: Omit<DownsampleState, 'metas'>,
): readonly DownsampleTask[] {
  const metas = [...blocks];
  const tasks: DownsampleTask[] = [];
  for (const step of downsampleSteps) {
    const due = downsampleTasks(metas, marksOf(marks)).filter((task) => task.step === step);
    tasks.push(...due);
    metas.push(...due.map(taskResult));
  }
  return tasks;
}

/** The same as text, a line a task. */
export function describeDownsampling(
  blocks: Iterable<BlockMeta>,
  marks: Omit<DownsampleState, 'metas'>,
): readonly string[] {
  return outlookOfDownsampling(blocks, marks).map(({ block, step }) => {
    const span = `${printRfc3339(block.minTime)} - ${printRfc3339(block.maxTime)}`;
    return `downsample to ${resolutionText(step.to)} ${groupName(block)} ${span}: ${block.ulid.replaceAll('+', ' ')}`;
  });
}

function groupName({ thanos }: BlockMeta): string {
  return groupId(thanos.labels, thanos.resolutionMs);
}

// What the compactor knows of the bucket and of itself, for metrics, the page and the status API.

import { type Backlog, type BlocksView, emptyBlocksView } from '../block/blocks-view.ts';
import { printRfc3339 } from '../model/time.ts';
import type { Activity, DamagedBlock } from './activity.ts';
import { backlogOf, estimatedEnd, type GroupBacklog, groupBacklogs } from './backlog.ts';
import type { CompactorConfig } from './config.ts';
import { DAMAGED_REASON } from './damage-reasons.ts';
import { outlookOfDownsampling } from './downsampler.ts';
import type { CompactMeters } from './meters.ts';
import { outlook } from './progress.ts';
import { expiredBlocks } from './retention.ts';
import type { BucketState } from './syncer.ts';

export interface WatchDeps {
  readonly activity: Activity;
  readonly meters: CompactMeters;
  readonly now: () => number;
  /** Why groups are left alone, by group. */
  readonly blocked: () => ReadonlyMap<string, string>;
}

export class BucketWatch {
  readonly #deps: WatchDeps;
  readonly #config: CompactorConfig;
  #state: BucketState | undefined;
  #stateMs = 0;
  #groups: readonly GroupBacklog[] = [];
  #deletionCount = 0;

  constructor(deps: WatchDeps, config: CompactorConfig) {
    this.#deps = deps;
    this.#config = config;
  }

  /** Works out what is left to do in the bucket as it is now. */
  see(state: BucketState): void {
    const { meters, now } = this.#deps;
    this.#state = state;
    this.#stateMs = now();
    const all = outlook(state, this.#config.planner);
    const downsamples = this.#config.downsample === undefined ? [] : outlookOfDownsampling(all.blocks, state);
    this.#groups = groupBacklogs(state, all, downsamples, this.#deps.blocked());
    this.#deletionCount = expiredBlocks(state.metas.values(), this.#config.retention, now()).length;
    const sum = (of: (group: GroupBacklog) => number): number =>
      this.#groups.reduce((total, group) => total + of(group), 0);
    meters.todoCompactions.set(all.compactions.length);
    meters.todoBlocks.set(sum(({ blockCount }) => blockCount));
    meters.todoBytes.set(sum(({ sizeBytes }) => sizeBytes));
    meters.todoDownsamples.set(downsamples.length);
    meters.todoDeletions.set(this.#deletionCount);
    meters.groupBlocks.reset();
    meters.groupBytes.reset();
    for (const { group, blockCount, sizeBytes } of this.#groups) {
      meters.groupBlocks.set({ group }, blockCount);
      meters.groupBytes.set({ group }, sizeBytes);
    }
    this.show();
  }

  /** Brings the metrics that move with time up to date. */
  show(): void {
    const { meters, activity } = this.#deps;
    meters.throughput.set(activity.bytesPerSecond ?? 0);
    meters.estimatedEnd.set((this.#estimatedEnd() ?? 0) / 1000);
    meters.healthy.set(activity.problem === undefined ? 1 : 0);
  }

  /** Whether something is left that could be done; true as long as nobody knows. */
  get hasWork(): boolean {
    if (this.#state === undefined) return true;
    return this.#groups.some(({ compactionCount, downsampleCount }) => compactionCount + downsampleCount > 0);
  }

  /** The blocks worked on, with their marks. */
  view(): BlocksView {
    const state = this.#state;
    if (state === undefined) return emptyBlocksView;
    const marks = [state.deletionMarks, state.noCompactMarks, state.noDownsampleMarks].flatMap((all) => [
      ...all.values(),
    ]);
    return {
      metas: [...state.metas.values()],
      marks: marks.filter(({ id }) => state.metas.has(id)),
      partial: state.partial,
      refreshedAtMs: this.#stateMs,
      error: undefined,
    };
  }

  backlog(): Backlog | undefined {
    if (this.#state === undefined) return undefined;
    return backlogOf(this.#groups, {
      nowMs: this.#stateMs,
      deletionCount: this.#deletionCount,
      bytesPerSecond: this.#deps.activity.bytesPerSecond,
    });
  }

  /** The answer of /api/v1/compact/status; its shape is in docs/components/compact.md. */
  status(): unknown {
    const { activity } = this.#deps;
    const { pass, problem } = activity;
    const blocked = this.#deps.blocked();
    return {
      isHealthy: problem === undefined,
      problem: problem ?? '',
      pass: {
        isRunning: pass.isRunning,
        count: pass.count,
        startedAt: timeText(pass.startMs),
        endedAt: timeText(pass.endMs),
        error: pass.error,
      },
      backlog: total(this.#groups),
      bytesPerSecond: activity.bytesPerSecond ?? null,
      estimatedFinish: timeText(this.#estimatedEnd()),
      groups: this.#groups.map((group) => {
        const because = blocked.get(group.group) ?? group.blockedBecause;
        const { compactionCount, downsampleCount } = group;
        const isWaiting = compactionCount + downsampleCount > 0;
        return {
          group: group.group,
          labels: group.labels,
          resolutionMs: group.resolutionMs,
          state: activity.isRunning(group.group)
            ? 'running'
            : because !== undefined
              ? 'blocked'
              : isWaiting
                ? 'waiting'
                : 'idle',
          problem: because ?? '',
          blockCount: group.totalBlockCount,
          backlog: total([group]),
          oldestTodo: timeText(group.oldestTodoMs),
          lastAdvance: timeText(activity.lastAdvance(group.group)),
        };
      }),
      damaged: [...activity.damaged, ...this.#unreadable()],
    };
  }

  /** Blocks whose meta.json is there and cannot be used: compaction does not even know what they hold. */
  #unreadable(): DamagedBlock[] {
    return [...(this.#state?.partial ?? [])]
      .filter(([, { kind }]) => kind !== 'not-found')
      .map(([ulid, { message }]) => ({ ulid, reason: DAMAGED_REASON, problem: message }));
  }

  #estimatedEnd(): number | undefined {
    return estimatedEnd(this.#groups, this.#deps.activity.bytesPerSecond, this.#stateMs);
  }
}

function total(groups: readonly GroupBacklog[]): object {
  const sum = (of: (group: GroupBacklog) => number): number => groups.reduce((all, group) => all + of(group), 0);
  return {
    compactions: sum(({ compactionCount }) => compactionCount),
    downsamples: sum(({ downsampleCount }) => downsampleCount),
    blocks: sum(({ blockCount }) => blockCount),
    bytes: sum(({ sizeBytes }) => sizeBytes),
  };
}

function timeText(ms: number | undefined): string | null {
  return ms === undefined ? null : printRfc3339(Math.round(ms));
}

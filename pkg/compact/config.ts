// What a compactor is told, and the reference's numbers.

import type { OfflineDedupFunc } from '../block/dedup-funcs.ts';
import type { HashFunc } from '../block/upload.ts';
import type { DamagedBlockPolicy } from './quarantine.ts';

const HOUR_MS = 3_600_000;

/** How long compacted blocks are, by level from 0. The first is never compacted to: it only says how short blocks may be. */
export const levelRangesMs: readonly number[] = [1, 2, 8, 48, 336].map((hours) => hours * HOUR_MS);

/** A partial upload is not touched before it is this old: somebody may still be at it. */
export const PARTIAL_AGE_MS = 48 * HOUR_MS;

/** How long blocks are kept by resolution, ms; 0 = for ever. */
export interface RetentionConfig {
  readonly rawMs: number;
  readonly fiveMinutesMs: number;
  readonly oneHourMs: number;
}

export interface PlannerConfig {
  /** Ascending; the first is left out of the search. */
  readonly rangesMs: readonly number[];
  /** Whether blocks of one group may overlap and are merged then. */
  readonly hasVertical: boolean;
  /** A plan whose indexes together come near this is made smaller. */
  readonly maxIndexSizeBytes: number;
}

export interface RunConfig {
  /** Blocks are worked on below it, a directory for each group. */
  readonly workDir: string;
  readonly hasVertical: boolean;
  readonly dedupFunc: OfflineDedupFunc;
  /** Blocks of a plan downloaded at once. */
  readonly blockConcurrency: number;
  /** Files of a block moved at once. */
  readonly fileConcurrency: number;
  readonly hashFunc: HashFunc;
  /** Labels out of order inside of series are no defect then. */
  readonly acceptsMalformedIndex: boolean;
}

export interface DownsampleConfig {
  /** Blocks are worked on below it, a directory for each. */
  readonly workDir: string;
  /** Blocks at work at once. */
  readonly concurrency: number;
  /** Files of a block moved at once. */
  readonly fileConcurrency: number;
  readonly hashFunc: HashFunc;
  /** Labels out of order inside of series are no defect then. */
  readonly acceptsMalformedIndex: boolean;
  readonly damagedBlocks: DamagedBlockPolicy;
}

export interface CompactorConfig {
  readonly planner: PlannerConfig;
  readonly run: RunConfig;
  /** Undefined: nothing is downsampled. */
  readonly downsample: DownsampleConfig | undefined;
  readonly retention: RetentionConfig;
  /** From a deletion mark to the deletion, ms. */
  readonly deleteDelayMs: number;
  /** Groups at work at once. */
  readonly concurrency: number;
  readonly damagedBlocks: DamagedBlockPolicy;
  /** The first failure that no later try may cure stops everything. */
  readonly haltsOnError: boolean;
  /** Except for blocks with chunks out of order, which are then marked no-compact. */
  readonly skipsOutOfOrder: boolean;
}

/** What becomes of failures unless somebody says otherwise: the block they lie in is marked, everything else goes on. */
export const defaultFailurePolicy = { damagedBlocks: 'mark', haltsOnError: false, skipsOutOfOrder: false } as const;

/** For tools that only retain and clean: nothing is compacted with it. */
export function cleaningConfig(
  deleteDelayMs: number,
  retention: CompactorConfig['retention'] = { rawMs: 0, fiveMinutesMs: 0, oneHourMs: 0 },
): CompactorConfig {
  return {
    planner: { rangesMs: levelRangesMs, hasVertical: false, maxIndexSizeBytes: Number.POSITIVE_INFINITY },
    run: {
      workDir: '',
      hasVertical: false,
      dedupFunc: '',
      blockConcurrency: 1,
      fileConcurrency: 1,
      hashFunc: '',
      acceptsMalformedIndex: false,
    },
    downsample: undefined,
    retention,
    deleteDelayMs,
    concurrency: 1,
    ...defaultFailurePolicy,
  };
}

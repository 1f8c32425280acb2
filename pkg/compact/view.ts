// The bucket as a compactor sees it: which filters run, in which order, and what they keep for it.

import { type ListStrategy, MetaFetcher } from '../block/fetcher.ts';
import { ConsistencyDelayFilter } from '../block/filters/consistency-delay.ts';
import { DeduplicateFilter } from '../block/filters/deduplicate.ts';
import { DeletionMarkFilter } from '../block/filters/deletion-mark.ts';
import { NoCompactMarkFilter } from '../block/filters/no-compact-mark.ts';
import { ReplicaLabelsFilter } from '../block/filters/replica-labels.ts';
import { SelectorFilter } from '../block/filters/selector.ts';
import { TimePartitionFilter } from '../block/filters/time-partition.ts';
import type { SelectorRule } from '../model/relabel.ts';
import type { Bucket } from '../objstore/bucket.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { NoDownsampleMarkFilter } from './downsample/no-downsample-marks.ts';
import type { SyncerDeps } from './syncer.ts';

export interface CompactViewConfig {
  readonly dataDir?: string;
  readonly strategy: ListStrategy;
  readonly concurrency: number;
  readonly consistencyDelayMs: number;
  readonly deleteDelayMs: number;
  readonly replicaLabels: readonly string[];
  /** Blocks these rules do not keep are somebody else's; replica labels are hidden from them. None keeps all. */
  readonly selectorRules?: readonly SelectorRule[];
  /** Moments in ms, asked with the present time; both or none. */
  readonly minTime?: (nowMs: number) => number;
  readonly maxTime?: (nowMs: number) => number;
}

/** Fresh blocks are hidden, and those marked half the delay ago, since by then nobody reads them any more. */
export function compactView(
  deps: { readonly bucket: Bucket; readonly logger: Logger; readonly metrics: Metrics },
  config: CompactViewConfig,
): SyncerDeps {
  const { concurrency, strategy, dataDir, minTime, maxTime, selectorRules = [], replicaLabels } = config;
  const deletionMarks = new DeletionMarkFilter(deps, { delayMs: config.deleteDelayMs / 2, concurrency });
  const duplicates = new DeduplicateFilter({ marked: () => deletionMarks.marks });
  const noCompactMarks = new NoCompactMarkFilter(deps, { concurrency });
  const noDownsampleMarks = new NoDownsampleMarkFilter({ ...deps, noCompactMarks }, { concurrency });
  const filters = [
    ...(minTime === undefined || maxTime === undefined ? [] : [new TimePartitionFilter({ minTime, maxTime })]),
    new SelectorFilter({ rules: selectorRules, hiddenLabels: replicaLabels }),
    new ConsistencyDelayFilter({ delayMs: config.consistencyDelayMs }),
    deletionMarks,
    new ReplicaLabelsFilter({ replicaLabels }),
    duplicates,
    noCompactMarks,
    noDownsampleMarks,
  ];
  const fetcher = new MetaFetcher({ ...deps, filters }, { strategy, concurrency, ...(dataDir && { dataDir }) });
  return { fetcher, duplicates, deletionMarks, noCompactMarks, noDownsampleMarks };
}

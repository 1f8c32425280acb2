// The compactor's metrics, under the names of the reference and, where those have changed, also under the old ones.

import type { Metrics } from '../telemetry/metrics.ts';

/** What blocks are marked for, as the label `marker` has it. */
const DELETION = 'deletion-mark.json';
const NO_COMPACT = 'no-compact-mark.json';
const NO_DOWNSAMPLE = 'no-downsample-mark.json';

export type CompactMeters = ReturnType<typeof compactMeters>;

export function compactMeters(metrics: Metrics) {
  const name = 'thanos_compact';
  const group = `${name}_group`;
  const resolution = ['resolution'] as const;
  const marked = metrics.counter(`${name}_blocks_marked_total`, 'Blocks marked, by mark and reason.', [
    'marker',
    'reason',
  ]);
  const markedForDeletion = metrics.counter(`${name}_blocks_marked_for_deletion_total`, 'Blocks marked for deletion.');
  return {
    halted: metrics.gauge(`${name}_halted`, '1 after a halt, for which --debug.halt-on-error has to be given.'),
    iterations: metrics.counter(`${name}_iterations_total`, 'Passes over the bucket that ended without a failure.'),
    retries: metrics.counter(`${name}_retries_total`, 'Passes that failed and are tried again.'),
    compactions: metrics.counter(`${group}_compactions_total`, 'Compactions tried.', resolution),
    compactionFailures: metrics.counter(`${group}_compactions_failures_total`, 'Compactions that failed.', resolution),
    runsStarted: metrics.counter(`${group}_compaction_runs_started_total`, 'Looks at a group.', resolution),
    runsCompleted: metrics.counter(`${group}_compaction_runs_completed_total`, 'Looks that ended well.', resolution),
    verticals: metrics.counter(`${group}_vertical_compactions_total`, 'Compactions of overlapping blocks.', resolution),
    garbageRuns: metrics.counter(`${name}_garbage_collection_total`, 'Searches for blocks that others replace.'),
    garbageFailures: metrics.counter(`${name}_garbage_collection_failures_total`, 'Those that failed.'),
    garbageDuration: metrics.histogram(
      `${name}_garbage_collection_duration_seconds`,
      'How long they took.',
      [0.01, 0.1, 1, 10, 100],
    ),
    cleaned: metrics.counter(`${name}_blocks_cleaned_total`, 'Blocks deleted.'),
    cleanFailures: metrics.counter(`${name}_block_cleanup_failures_total`, 'Deletions of blocks that failed.'),
    todoCompactions: metrics.gauge(`${name}_todo_compactions`, 'Compactions left to do.'),
    todoBlocks: metrics.gauge(`${name}_todo_compaction_blocks`, 'Blocks that will go into them.'),
    todoDownsamples: metrics.gauge(`${name}_todo_downsample_blocks`, 'Blocks that are to be downsampled.'),
    todoDeletions: metrics.gauge(`${name}_todo_deletion_blocks`, 'Blocks past their retention.'),
    todoBytes: metrics.gauge('tributary_compact_todo_bytes', 'Bytes that the compactions left to do will read.'),
    groupBlocks: metrics.gauge('tributary_compact_group_todo_blocks', 'Blocks that are to be compacted, by group.', [
      'group',
    ]),
    groupBytes: metrics.gauge('tributary_compact_group_todo_bytes', 'Bytes that are to be compacted, by group.', [
      'group',
    ]),
    throughput: metrics.gauge(
      'tributary_compact_bytes_per_second',
      'Bytes compacted for each second of the last compactions; 0 before the first.',
    ),
    estimatedEnd: metrics.gauge(
      'tributary_compact_estimated_finish_timestamp_seconds',
      'When what is left will have been compacted at that speed; 0 when nothing is left or nothing is known.',
    ),
    healthy: metrics.gauge('tributary_compact_healthy', '0 when nothing gets on although there is something to do.'),
    blockedGroups: metrics.gauge('tributary_compact_blocked_groups', 'Groups whose last compaction failed.'),
    deleteDelay: metrics.gauge('thanos_delete_delay_seconds', 'From a deletion mark to the deletion.'),
    /** `reason` is a word, '' for none. */
    markedForDeletion(reason: string): void {
      markedForDeletion.inc();
      marked.inc({ marker: DELETION, reason });
    },
    markedNoCompact(reason: string): void {
      marked.inc({ marker: NO_COMPACT, reason });
    },
    markedNoDownsample(reason: string): void {
      marked.inc({ marker: NO_DOWNSAMPLE, reason });
    },
  };
}

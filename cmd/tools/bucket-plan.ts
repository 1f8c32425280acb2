// tributary tools bucket plan: what a compactor would do with a bucket, when and why. Changes nothing.

import { backgroundRequest } from '../../pkg/async/request.ts';
import { listStrategies } from '../../pkg/block/fetcher.ts';
import { Compactor } from '../../pkg/compact/compactor.ts';
import { cleaningConfig, levelRangesMs } from '../../pkg/compact/config.ts';
import { compactView } from '../../pkg/compact/view.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { bool, bytes, choice, durationMs, goDurationMs, int, stringList, time } from '../../pkg/config/flag-kinds.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const planFlags = {
  ...requiredBucketFlags,
  'consistency-delay': goDurationMs('30m', 'Leave blocks alone that were uploaded less than this ago.'),
  'delete-delay': durationMs('48h', 'Time from a deletion mark to the deletion; 0 is at once.'),
  'retention.resolution-raw': durationMs('0d', 'Keep raw blocks this long; 0d is for ever.'),
  'retention.resolution-5m': durationMs('0d', 'Keep blocks of 5m resolution this long; 0d is for ever.'),
  'retention.resolution-1h': durationMs('0d', 'Keep blocks of 1h resolution this long; 0d is for ever.'),
  'downsampling.disable': bool(false, 'Plan for a compactor that does not downsample.'),
  'deduplication.replica-label': stringList(
    [],
    'Label in which replicas differ, which are merged into one stream. Also a list with commas.',
  ),
  'compact.enable-vertical-compaction': bool(false, 'Merge overlapping blocks; replica labels imply it.'),
  'compact.block-max-index-size': bytes('64GB', 'Leave the largest block out of mergers whose index may pass this.'),
  'debug.max-compaction-level': int(4, 'Highest level: 0 is 1h, 1 is 2h, 2 is 8h, 3 is 2d, 4 is 14d.'),
  'block-discovery-strategy': choice(
    listStrategies,
    'concurrent',
    'How blocks are found: one listing of the root and one look at each block, or one listing of everything.',
  ),
  'block-meta-fetch-concurrency': int(32, 'Block metas fetched at once.'),
  'min-time': time('0000-01-01T00:00:00Z', 'Oldest data to look at: RFC 3339, or relative to now such as -6w.'),
  'max-time': time('9999-12-31T23:59:59Z', 'Newest data to look at: RFC 3339, or relative to now such as -2w.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket plan',
  summary: 'Print what a compactor would do with a bucket, when and why.',
  flags: planFlags,
  async run(values, { env, logger, stdout, stop }) {
    const metrics = new Metrics();
    const bucket = await openBucket({ logger, metrics, env }, values['objstore.config']);
    try {
      const replicaLabels = values['deduplication.replica-label']
        .flatMap((text) => text.split(','))
        .map((name) => name.trim())
        .filter((name) => name !== '');
      const deps = { bucket, logger, metrics };
      const deleteDelayMs = values['delete-delay'];
      const syncer = compactView(deps, {
        strategy: values['block-discovery-strategy'],
        concurrency: values['block-meta-fetch-concurrency'],
        consistencyDelayMs: values['consistency-delay'],
        deleteDelayMs,
        replicaLabels,
        minTime: values['min-time'],
        maxTime: values['max-time'],
      });
      const retention = {
        rawMs: values['retention.resolution-raw'],
        fiveMinutesMs: values['retention.resolution-5m'],
        oneHourMs: values['retention.resolution-1h'],
      };
      const base = cleaningConfig(deleteDelayMs, retention);
      const planner = {
        rangesMs: levelRangesMs.slice(0, values['debug.max-compaction-level'] + 1),
        hasVertical: values['compact.enable-vertical-compaction'] || replicaLabels.length > 0,
        maxIndexSizeBytes: values['compact.block-max-index-size'],
      };
      // Nothing is downloaded for a plan, so that these say only that there is downsampling.
      const { workDir, fileConcurrency, hashFunc, acceptsMalformedIndex } = base.run;
      const job = { workDir, fileConcurrency, hashFunc, acceptsMalformedIndex, concurrency: 1 };
      const downsample = values['downsampling.disable'] ? undefined : { ...job, damagedBlocks: base.damagedBlocks };
      const compactor = new Compactor({ ...deps, syncer }, { ...base, planner, downsample });
      for (const line of await compactor.describe(backgroundRequest(stop))) stdout.write(`${line}\n`);
      return 0;
    } finally {
      await bucket.close();
    }
  },
});

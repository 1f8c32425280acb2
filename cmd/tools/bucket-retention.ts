// tributary tools bucket retention: marks blocks past their retention for deletion, once.

import { backgroundRequest } from '../../pkg/async/request.ts';
import { Compactor } from '../../pkg/compact/compactor.ts';
import { cleaningConfig } from '../../pkg/compact/config.ts';
import { compactView } from '../../pkg/compact/view.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { durationMs, goDurationMs, int } from '../../pkg/config/flag-kinds.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const retentionFlags = {
  ...requiredBucketFlags,
  'delete-delay': goDurationMs(
    '48h',
    'Time from a deletion mark to the deletion: blocks marked half of it ago are hidden.',
  ),
  'consistency-delay': goDurationMs('30m', 'Leave blocks alone that were uploaded less than this ago.'),
  'block-sync-concurrency': int(20, 'Block metas fetched at once.'),
  'retention.resolution-raw': durationMs('0d', 'Keep raw blocks this long; 0d is for ever.'),
  'retention.resolution-5m': durationMs('0d', 'Keep blocks of 5m resolution this long; 0d is for ever.'),
  'retention.resolution-1h': durationMs('0d', 'Keep blocks of 1h resolution this long; 0d is for ever.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket retention',
  summary: 'Mark blocks past their retention for deletion, once.',
  flags: retentionFlags,
  async run(values, { env, logger, stop }) {
    const metrics = new Metrics();
    const bucket = await openBucket({ logger, metrics, env }, values['objstore.config']);
    try {
      const deps = { bucket, logger, metrics };
      const syncer = compactView(deps, {
        strategy: 'concurrent',
        concurrency: values['block-sync-concurrency'],
        consistencyDelayMs: values['consistency-delay'],
        deleteDelayMs: values['delete-delay'],
        replicaLabels: [],
      });
      const retention = {
        rawMs: values['retention.resolution-raw'],
        fiveMinutesMs: values['retention.resolution-5m'],
        oneHourMs: values['retention.resolution-1h'],
      };
      const compactor = new Compactor({ ...deps, syncer }, cleaningConfig(values['delete-delay'], retention));
      await compactor.retain(backgroundRequest(stop));
      logger.info('retention is applied');
      return 0;
    } finally {
      await bucket.close();
    }
  },
});

// tributary tools bucket cleanup: deletes partial uploads, and blocks whose deletion mark is old enough.

import { backgroundRequest } from '../../pkg/async/request.ts';
import { Compactor } from '../../pkg/compact/compactor.ts';
import { cleaningConfig } from '../../pkg/compact/config.ts';
import { compactView } from '../../pkg/compact/view.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { goDurationMs, int } from '../../pkg/config/flag-kinds.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const cleanupFlags = {
  ...requiredBucketFlags,
  'delete-delay': goDurationMs('48h', 'Time from a deletion mark to the deletion; 0 is at once.'),
  'consistency-delay': goDurationMs('30m', 'Leave blocks alone that were uploaded less than this ago.'),
  'block-sync-concurrency': int(20, 'Block metas fetched at once.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket cleanup',
  summary: 'Delete partial uploads, and blocks whose deletion mark is old enough.',
  flags: cleanupFlags,
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
      const compactor = new Compactor({ ...deps, syncer }, cleaningConfig(values['delete-delay']));
      await compactor.clean(backgroundRequest(stop));
      logger.info('cleanup is done');
      return 0;
    } finally {
      await bucket.close();
    }
  },
});

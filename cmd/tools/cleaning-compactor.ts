// What the tools that apply one of the compactor's cleaning steps once have in common: their flags, and a compactor over
// the bucket for as long as the step takes.

import { Compactor } from '../../pkg/compact/compactor.ts';
import { cleaningConfig } from '../../pkg/compact/config.ts';
import { compactView } from '../../pkg/compact/view.ts';
import type { FlagTable, FlagValues } from '../../pkg/config/flag.ts';
import { goDurationMs, int } from '../../pkg/config/flag-kinds.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import type { CommandContext } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';
import { selectorFlags } from '../selector-flags.ts';

export const cleaningFlags = {
  ...requiredBucketFlags,
  ...selectorFlags,
  'delete-delay': goDurationMs('48h', 'Time from a deletion mark to the deletion; 0 is at once.'),
  'consistency-delay': goDurationMs('30m', 'Leave blocks alone that were uploaded less than this ago.'),
  'block-sync-concurrency': int(20, 'Block metas fetched at once.'),
} satisfies FlagTable;

/** Runs `step` with a compactor that has synced nothing yet, and closes the bucket after it. */
export async function withCleaningCompactor(
  values: FlagValues<typeof cleaningFlags>,
  { env, logger }: CommandContext,
  retention: Parameters<typeof cleaningConfig>[1],
  step: (compactor: Compactor) => Promise<unknown>,
): Promise<void> {
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
      selectorRules: values['selector.relabel-config'],
    });
    await step(new Compactor({ ...deps, syncer }, cleaningConfig(values['delete-delay'], retention)));
  } finally {
    await bucket.close();
  }
}

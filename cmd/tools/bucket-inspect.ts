// tributary tools bucket inspect: a table of all blocks of a bucket.

import { withTimeout } from '../../pkg/async/deadline.ts';
import { backgroundRequest } from '../../pkg/async/request.ts';
import { blockColumns, blockTable, blockTableForms } from '../../pkg/block/block-table.ts';
import { MetaFetcher } from '../../pkg/block/fetcher.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { choice, choiceList, goDurationMs, labelList } from '../../pkg/config/flag-kinds.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const inspectFlags = {
  ...requiredBucketFlags,
  selector: labelList('Only blocks with this external label, as name="value".', { short: 'l' }),
  'sort-by': choiceList(blockColumns, ['FROM', 'UNTIL'], 'Columns to sort by, in turn.'),
  timeout: goDurationMs('5m', 'How long fetching the metas of blocks may take.'),
  output: choice(blockTableForms, 'table', 'Layout.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket inspect',
  summary: 'Print a table of all blocks of a bucket.',
  flags: inspectFlags,
  async run(values, { env, logger, stdout, stop }) {
    const metrics = new Metrics();
    const bucket = await openBucket({ logger, metrics, env }, values['objstore.config']);
    const limit = withTimeout(stop, values.timeout, 'listing blocks took longer than --timeout');
    try {
      const config = { strategy: 'concurrent', concurrency: 32 } as const;
      const fetcher = new MetaFetcher({ bucket, logger, metrics, filters: [] }, config);
      const { metas, incomplete } = await fetcher.fetch(backgroundRequest(limit.signal));
      if (incomplete !== undefined) throw incomplete;
      const selected = [...metas.values()].filter(({ thanos }) =>
        values.selector.every(([name, value]) => thanos.labels.get(name) === value),
      );
      stdout.write(blockTable(selected, { form: values.output, sortBy: values['sort-by'] }));
      return 0;
    } finally {
      limit.release();
      await bucket.close();
    }
  },
});

// tributary tools bucket ls: one line per block of a bucket.

import { withTimeout } from '../../pkg/async/deadline.ts';
import { backgroundRequest } from '../../pkg/async/request.ts';
import { type BlockLineForm, blockLine, blockLineForms } from '../../pkg/block/block-lines.ts';
import { MetaFetcher } from '../../pkg/block/fetcher.ts';
import type { BlockFilter } from '../../pkg/block/filters/block-filter.ts';
import { DeletionMarkFilter } from '../../pkg/block/filters/deletion-mark.ts';
import { TimePartitionFilter } from '../../pkg/block/filters/time-partition.ts';
import type { Flag, FlagTable } from '../../pkg/config/flag.ts';
import { bool, goDurationMs, string, time } from '../../pkg/config/flag-kinds.ts';
import { Fault } from '../../pkg/errors/fault.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const META_CONCURRENCY = 32;

const outputText = string('', 'Form of a line: empty for identifiers, wide or json.', { short: 'o' });
const output: Flag<BlockLineForm> = {
  ...outputText,
  parse(given, sources) {
    const text = outputText.parse(given, sources);
    const form = blockLineForms.find((known) => known === text);
    if (form === undefined) throw new Fault('invalid', `templates are not supported, use wide or json: ${text}`);
    return form;
  },
};

const lsFlags = {
  ...requiredBucketFlags,
  output,
  'exclude-delete': bool(false, 'Leave out blocks marked for deletion.'),
  'min-time': time('0000-01-01T00:00:00Z', 'Only blocks with data from this time on: RFC 3339, or relative as -6w.'),
  'max-time': time('9999-12-31T23:59:59Z', 'Only blocks with data up to this time: RFC 3339, or relative as -2w.'),
  timeout: goDurationMs('5m', 'How long fetching the metas of blocks may take.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket ls',
  summary: 'Print one line per block of a bucket.',
  flags: lsFlags,
  async run(values, { env, logger, stdout, stop }) {
    const metrics = new Metrics();
    const bucket = await openBucket({ logger, metrics, env }, values['objstore.config']);
    const limit = withTimeout(stop, values.timeout, 'listing blocks took longer than --timeout');
    try {
      const filters: BlockFilter[] = [
        new TimePartitionFilter({ minTime: values['min-time'], maxTime: values['max-time'] }),
      ];
      if (values['exclude-delete']) {
        filters.push(new DeletionMarkFilter({ bucket, logger }, { delayMs: 0, concurrency: META_CONCURRENCY }));
      }
      const config = { strategy: 'concurrent', concurrency: META_CONCURRENCY } as const;
      const fetcher = new MetaFetcher({ bucket, logger, metrics, filters }, config);
      const { metas, incomplete } = await fetcher.fetch(backgroundRequest(limit.signal));
      if (incomplete !== undefined) throw incomplete;
      for (const meta of metas.values()) stdout.write(blockLine(meta, values.output));
      logger.info('blocks are listed', { blocks: metas.size });
      return 0;
    } finally {
      limit.release();
      await bucket.close();
    }
  },
});

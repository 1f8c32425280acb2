// tributary tools bucket ls: one line per block of a bucket.

import { withTimeout } from '../../pkg/async/deadline.ts';
import { backgroundRequest } from '../../pkg/async/request.ts';
import { blockLine, blockLineForms } from '../../pkg/block/block-lines.ts';
import { blockTemplate } from '../../pkg/block/block-template.ts';
import { MetaFetcher } from '../../pkg/block/fetcher.ts';
import type { BlockFilter } from '../../pkg/block/filters/block-filter.ts';
import { DeletionMarkFilter } from '../../pkg/block/filters/deletion-mark.ts';
import { SelectorFilter } from '../../pkg/block/filters/selector.ts';
import { TimePartitionFilter } from '../../pkg/block/filters/time-partition.ts';
import type { BlockMeta } from '../../pkg/block/meta.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { bool, goDurationMs, string, time } from '../../pkg/config/flag-kinds.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';
import { selectorFlags } from '../selector-flags.ts';

const META_CONCURRENCY = 32;

const lsFlags = {
  ...requiredBucketFlags,
  ...selectorFlags,
  output: string('', 'Form of a line: empty for identifiers, wide, json, or a Go template over the meta of a block.', {
    short: 'o',
  }),
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
    const lineOf = lineFormOf(values.output);
    const metrics = new Metrics();
    const bucket = await openBucket({ logger, metrics, env }, values['objstore.config']);
    const limit = withTimeout(stop, values.timeout, 'listing blocks took longer than --timeout');
    try {
      const filters: BlockFilter[] = [
        new TimePartitionFilter({ minTime: values['min-time'], maxTime: values['max-time'] }),
        new SelectorFilter({ rules: values['selector.relabel-config'] }),
      ];
      if (values['exclude-delete']) {
        filters.push(new DeletionMarkFilter({ bucket, logger }, { delayMs: 0, concurrency: META_CONCURRENCY }));
      }
      const config = { strategy: 'concurrent', concurrency: META_CONCURRENCY } as const;
      const fetcher = new MetaFetcher({ bucket, logger, metrics, filters }, config);
      const { metas, incomplete } = await fetcher.fetch(backgroundRequest(limit.signal));
      if (incomplete !== undefined) throw incomplete;
      for (const meta of metas.values()) stdout.write(lineOf(meta));
      logger.info('blocks are listed', { blocks: metas.size });
      return 0;
    } finally {
      limit.release();
      await bucket.close();
    }
  },
});

/** What prints one block, with its final newline. */
function lineFormOf(output: string): (meta: BlockMeta) => string {
  const form = blockLineForms.find((known) => known === output);
  if (form !== undefined) return (meta) => blockLine(meta, form);
  const template = blockTemplate(output);
  return (meta) => `${template(meta)}\n`;
}

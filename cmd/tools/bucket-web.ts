// tributary tools bucket web: a page that shows every block of a bucket.

import { blocksRoutes } from '../../pkg/block/blocks-api.ts';
import { emptyBlocksView } from '../../pkg/block/blocks-view.ts';
import { BlocksViewer } from '../../pkg/block/blocks-viewer.ts';
import { SelectorFilter } from '../../pkg/block/filters/selector.ts';
import { TimePartitionFilter } from '../../pkg/block/filters/time-partition.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { bool, goDurationMs, string, time } from '../../pkg/config/flag-kinds.ts';
import { Fault } from '../../pkg/errors/fault.ts';
import { statusRoutes } from '../../pkg/net/http/status-routes.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { webPrefix } from '../../pkg/ui/prefix.ts';
import { defineCommand } from '../command-spec.ts';
import { corsFlags, httpFlags, requiredBucketFlags, webPrefixFlags } from '../flag-groups.ts';
import { runCommand } from '../run.ts';
import { selectorFlags } from '../selector-flags.ts';
import { statusFacts } from '../status-facts.ts';
import { mountWithPage } from '../web-page.ts';

const META_CONCURRENCY = 32;

const webFlags = {
  ...httpFlags,
  ...requiredBucketFlags,
  ...selectorFlags,
  ...corsFlags,
  ...webPrefixFlags,
  refresh: goDurationMs('30m', 'Interval between looks at the bucket.'),
  timeout: goDurationMs('5m', 'How long fetching the metas of blocks may take.'),
  label: string('', 'External label by which the page groups blocks; all of them when empty.'),
  'disable-admin-operations': bool(false, 'Refuse to mark blocks through the page and its API.'),
  'min-time': time('0000-01-01T00:00:00Z', 'Oldest data to show: RFC 3339, or relative to now such as -6w.'),
  'max-time': time('9999-12-31T23:59:59Z', 'Newest data to show: RFC 3339, or relative to now such as -2w.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket web',
  summary: 'Serve a page that shows every block of a bucket.',
  flags: webFlags,
  run(values, context) {
    if (values.refresh <= 0) throw new Fault('invalid', 'invalid argument: --refresh must be longer than 0');
    const prefix = webPrefix({
      route: values['web.route-prefix'],
      external: values['web.external-prefix'],
      header: values['web.prefix-header'],
    });
    return runCommand({
      name: 'bucket',
      values,
      context,
      http: { sendsCors: !values['web.disable-cors'], routePrefix: prefix.route },
      components: async ({ logger, metrics, http }) => {
        const bucket = await openBucket({ logger, metrics, env: context.env }, values['objstore.config']);
        const viewer = new BlocksViewer(
          {
            bucket,
            logger,
            metrics,
            filters: [
              new TimePartitionFilter({ minTime: values['min-time'], maxTime: values['max-time'] }),
              new SelectorFilter({ rules: values['selector.relabel-config'] }),
            ],
          },
          { intervalMs: values.refresh, timeoutMs: values.timeout, concurrency: META_CONCURRENCY },
        );
        const blocks = blocksRoutes(
          { bucket, logger, view: (name) => (name === 'loaded' ? emptyBlocksView : viewer.view()) },
          { label: values.label, canMark: !values['disable-admin-operations'] },
        );
        mountWithPage(http, [...blocks, ...statusRoutes(statusFacts('bucket web', values, webFlags))], {
          component: 'bucket web',
          prefix,
          startPage: '/blocks',
        });
        return [{ name: 'bucket', start: async () => {}, stop: () => bucket.close() }, viewer];
      },
    });
  },
});

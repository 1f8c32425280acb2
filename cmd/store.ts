// tributary store: StoreAPI over the blocks of a bucket.

import { blocksRoutes } from '../pkg/block/blocks-api.ts';
import { emptyBlocksView } from '../pkg/block/blocks-view.ts';
import { listStrategies, MetaFetcher } from '../pkg/block/fetcher.ts';
import { ConsistencyDelayFilter } from '../pkg/block/filters/consistency-delay.ts';
import { DeduplicateFilter } from '../pkg/block/filters/deduplicate.ts';
import { DeletionMarkFilter } from '../pkg/block/filters/deletion-mark.ts';
import { SelectorFilter } from '../pkg/block/filters/selector.ts';
import { TimePartitionFilter } from '../pkg/block/filters/time-partition.ts';
import { defaultReaderPoolConfig, ReaderPool } from '../pkg/block/index-header/reader-pool.ts';
import { IndexCache } from '../pkg/cache/index-cache.ts';
import type { FlagTable } from '../pkg/config/flag.ts';
import { bool, bytes, choice, durationMs, goDurationMs, int, string, time } from '../pkg/config/flag-kinds.ts';
import { Fault } from '../pkg/errors/fault.ts';
import type { Component } from '../pkg/lifecycle/component.ts';
import { GrpcServer } from '../pkg/net/grpc/server.ts';
import { statusRoutes } from '../pkg/net/http/status-routes.ts';
import { openBucket } from '../pkg/objstore/factory.ts';
import { StoreGateway } from '../pkg/store/gateway.ts';
import { storeService } from '../pkg/store/grpc-server.ts';
import { infoService } from '../pkg/store/info.ts';
import { webPrefix } from '../pkg/ui/prefix.ts';
import { type CommandValues, defineCommand } from './command-spec.ts';
import {
  blocksPageFlags,
  corsFlags,
  grpcFlags,
  httpFlags,
  requiredBucketFlags,
  webPrefixFlags,
} from './flag-groups.ts';
import { runCommand, type ServiceDeps } from './run.ts';
import { selectorFlags } from './selector-flags.ts';
import { statusFacts } from './status-facts.ts';
import { mountWithPage } from './web-page.ts';

const storeFlags = {
  ...httpFlags,
  ...grpcFlags,
  ...corsFlags,
  ...requiredBucketFlags,
  ...selectorFlags,
  ...blocksPageFlags,
  'web.external-prefix': webPrefixFlags['web.external-prefix'],
  'web.prefix-header': webPrefixFlags['web.prefix-header'],
  'data-dir': string('./data', 'Local directory for index-headers and block metas.'),
  'cache-index-header': bool(true, 'Keep index-headers on disk between starts.'),
  'index-cache-size': bytes('250MB', 'Size of the index cache in memory.'),
  'chunk-pool-size': bytes('2GB', 'Most bytes of chunks that all requests together may hold.'),
  'store.grpc.series-max-concurrency': int(20, 'Series calls served at once; more wait.'),
  'sync-block-duration': goDurationMs('15m', 'Interval between syncs with the bucket.'),
  'block-discovery-strategy': choice(
    listStrategies,
    'concurrent',
    'How blocks are found: one listing of the root and one look at each block, or one listing of everything.',
  ),
  'block-sync-concurrency': int(20, 'Blocks loaded at once.'),
  'block-meta-fetch-concurrency': int(32, 'Block metas fetched at once.'),
  'min-time': time('0000-01-01T00:00:00Z', 'Oldest data to serve: RFC 3339, or relative to now such as -6w.'),
  'max-time': time('9999-12-31T23:59:59Z', 'Newest data to serve: RFC 3339, or relative to now such as -2w.'),
  'consistency-delay': durationMs('0s', 'Hide blocks that were uploaded less than this ago.'),
  'ignore-deletion-marks-delay': durationMs('24h', 'Hide blocks this long after they were marked for deletion.'),
} satisfies FlagTable;

type StoreValues = CommandValues<typeof storeFlags>;

export const command = defineCommand({
  name: 'store',
  summary: 'StoreAPI over the blocks of a bucket.',
  flags: storeFlags,
  run: (values, context) =>
    runCommand({
      name: 'store',
      values,
      context,
      http: { sendsCors: !values['web.disable-cors'] },
      components: (deps) => storeComponents(values, deps),
    }),
});

/** Larger items would push everything else out of the index cache; the share is the reference's. */
const MAX_ITEM_SHARE = 2;

async function storeComponents(values: StoreValues, deps: ServiceDeps): Promise<readonly Component[]> {
  const { logger, metrics, http } = deps;
  const minTime = values['min-time'];
  const maxTime = values['max-time'];
  if (minTime(Date.now()) > maxTime(Date.now())) {
    throw new Fault('invalid', 'invalid argument: --min-time cannot be greater than --max-time');
  }
  const dataDir = values['data-dir'];
  const bucket = await openBucket({ logger, metrics, env: deps.context.env }, values['objstore.config'], {
    hedges: true,
  });
  const deletionMarks = new DeletionMarkFilter(
    { bucket, logger },
    { delayMs: values['ignore-deletion-marks-delay'], concurrency: values['block-meta-fetch-concurrency'] },
  );
  const fetcher = new MetaFetcher(
    {
      bucket,
      logger,
      metrics,
      filters: [
        new TimePartitionFilter({ minTime, maxTime }),
        new SelectorFilter({ rules: values['selector.relabel-config'] }),
        new ConsistencyDelayFilter({ delayMs: values['consistency-delay'] }),
        deletionMarks,
        new DeduplicateFilter(),
      ],
    },
    {
      dataDir,
      strategy: values['block-discovery-strategy'],
      concurrency: values['block-meta-fetch-concurrency'],
    },
  );
  const pool = new ReaderPool(
    { bucket, logger },
    { ...defaultReaderPoolConfig, directory: dataDir, keepFiles: values['cache-index-header'] },
  );
  const maxBytes = values['index-cache-size'];
  const gateway = new StoreGateway(
    {
      bucket,
      fetcher,
      pool,
      cache: new IndexCache({ maxBytes, maxItemBytes: Math.floor(maxBytes / MAX_ITEM_SHARE) }, metrics),
      logger,
      metrics,
    },
    {
      minTime: () => minTime(Date.now()),
      maxTime: () => maxTime(Date.now()),
      seriesConcurrency: values['store.grpc.series-max-concurrency'],
      chunkBytes: values['chunk-pool-size'],
      syncIntervalMs: values['sync-block-duration'],
      blockSyncConcurrency: values['block-sync-concurrency'],
    },
  );
  if (!values['web.disable']) {
    const blocks = blocksRoutes(
      {
        bucket,
        logger,
        view: (name) =>
          name === 'loaded' ? { ...gateway.blocksView(), marks: [...deletionMarks.marks.values()] } : emptyBlocksView,
      },
      { label: values['bucket-web-label'], canMark: !values['disable-admin-operations'] },
    );
    mountWithPage(http, [...blocks, ...statusRoutes(statusFacts('store', values, storeFlags))], {
      component: 'store',
      // Without a route prefix of its own, a store answers at the root whatever links begin with.
      prefix: {
        ...webPrefix({ route: '', external: values['web.external-prefix'], header: values['web.prefix-header'] }),
        route: '',
      },
      startPage: '/blocks',
    });
  }
  const grpc = new GrpcServer(
    { logger, metrics, services: [infoService(() => gateway.info()), storeService(gateway.store)] },
    {
      address: values['grpc-address'],
      gracePeriodMs: values['grpc-grace-period'],
      maxConnectionAgeMs: values['grpc-server-max-connection-age'],
    },
  );
  return [closing(bucket), gateway, grpc];
}

/** Closes the bucket when everything that reads it has stopped. */
function closing(bucket: { close(): Promise<void> }): Component {
  return { name: 'bucket', start: async () => {}, stop: () => bucket.close() };
}

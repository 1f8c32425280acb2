// tributary compact: keeps a bucket small: compaction, replica de-duplication, downsampling, retention, deletion.

import { join } from 'node:path';
import { backgroundRequest } from '../pkg/async/request.ts';
import { blocksRoutes } from '../pkg/block/blocks-api.ts';
import { BlocksViewer } from '../pkg/block/blocks-viewer.ts';
import { offlineDedupFuncs } from '../pkg/block/dedup-funcs.ts';
import { listStrategies } from '../pkg/block/fetcher.ts';
import { hashFuncs } from '../pkg/block/upload.ts';
import { Compactor } from '../pkg/compact/compactor.ts';
import { type CompactorConfig, levelRangesMs } from '../pkg/compact/config.ts';
import type { DownsampleThreads } from '../pkg/compact/downsample-threads.ts';
import { retentionProblem } from '../pkg/compact/downsampler.ts';
import { holderIn, Lease } from '../pkg/compact/lease.ts';
import type { MergeThreads } from '../pkg/compact/merge-threads.ts';
import { damagedBlockPolicies } from '../pkg/compact/quarantine.ts';
import { CompactorService } from '../pkg/compact/service.ts';
import { statusRoute } from '../pkg/compact/status-api.ts';
import { compactView } from '../pkg/compact/view.ts';
import { workThreads } from '../pkg/compact/work-threads.ts';
import type { FlagTable } from '../pkg/config/flag.ts';
import {
  bool,
  bytes,
  choice,
  durationMs,
  goDurationMs,
  int,
  string,
  stringList,
  time,
} from '../pkg/config/flag-kinds.ts';
import { Fault } from '../pkg/errors/fault.ts';
import type { Component } from '../pkg/lifecycle/component.ts';
import { lockDirectory } from '../pkg/lifecycle/directory-lock.ts';
import { makeWritable } from '../pkg/lifecycle/make-writable.ts';
import { statusRoutes } from '../pkg/net/http/status-routes.ts';
import type { Bucket } from '../pkg/objstore/bucket.ts';
import { openBucket } from '../pkg/objstore/factory.ts';
import type { Logger } from '../pkg/telemetry/logger.ts';
import { Metrics } from '../pkg/telemetry/metrics.ts';
import { type WebPrefix, webPrefix } from '../pkg/ui/prefix.ts';
import { type CommandContext, type CommandValues, defineCommand } from './command-spec.ts';
import { blocksPageFlags, corsFlags, httpFlags, requiredBucketFlags, webPrefixFlags } from './flag-groups.ts';
import { runCommand, type ServiceDeps } from './run.ts';
import { selectorFlags } from './selector-flags.ts';
import { statusFacts } from './status-facts.ts';
import { mountWithPage } from './web-page.ts';

const compactFlags = {
  ...httpFlags,
  ...corsFlags,
  ...requiredBucketFlags,
  ...selectorFlags,
  ...blocksPageFlags,
  ...webPrefixFlags,
  'data-dir': string('./data', 'Local directory for blocks at work and for block metas.'),
  'consistency-delay': goDurationMs('30m', 'Leave blocks alone that were uploaded less than this ago.'),
  'retention.resolution-raw': durationMs('0d', 'Keep raw blocks this long; 0d is for ever.'),
  'retention.resolution-5m': durationMs('0d', 'Keep blocks of 5m resolution this long; 0d is for ever.'),
  'retention.resolution-1h': durationMs('0d', 'Keep blocks of 1h resolution this long; 0d is for ever.'),
  wait: bool(false, 'Stay, and pass over the bucket again and again, instead of exiting after one pass.', {
    short: 'w',
  }),
  'wait-interval': goDurationMs('5m', 'Pause between passes.'),
  'downsampling.disable': bool(
    false,
    'Do not downsample. Queries over long times then read raw samples, and are slow and large.',
  ),
  'downsample.concurrency': int(1, 'Blocks downsampled at once, each on a thread of its own.'),
  'block-discovery-strategy': choice(
    listStrategies,
    'concurrent',
    'How blocks are found: one listing of the root and one look at each block, or one listing of everything.',
  ),
  'block-meta-fetch-concurrency': int(32, 'Block metas fetched at once.'),
  'block-files-concurrency': int(1, 'Files of one block moved at once.'),
  'block-viewer.global.sync-block-interval': goDurationMs(
    '1m',
    'With --wait, interval between looks at the whole bucket for the page.',
  ),
  'block-viewer.global.sync-block-timeout': goDurationMs('5m', 'How long such a look may take.'),
  'compact.cleanup-interval': goDurationMs(
    '5m',
    'With --wait, interval between looks for partial uploads; 0s is only at the end of passes.',
  ),
  'compact.progress-interval': goDurationMs(
    '5m',
    'With --wait, interval between looks at what is left to do; 0s is never.',
  ),
  'compact.concurrency': int(1, 'Groups compacted at once.'),
  'compact.blocks-fetch-concurrency': int(1, 'Blocks of one group downloaded at once.'),
  'delete-delay': durationMs('48h', 'Time from a deletion mark to the deletion; 0 is at once.'),
  'deduplication.func': choice(
    offlineDedupFuncs,
    '',
    'How overlapping replicas are merged: empty is one-to-one, or penalty.',
  ),
  'deduplication.replica-label': stringList(
    [],
    'Label in which replicas differ; they are merged into one stream, which cannot be undone. Also a list with commas.',
  ),
  'compact.enable-vertical-compaction': bool(false, 'Merge overlapping blocks; replica labels imply it.', {
    isHidden: true,
  }),
  'compact.block-max-index-size': bytes('64GB', 'Leave the largest block out of mergers whose index may pass this.', {
    isHidden: true,
  }),
  'compact.damaged-blocks': choice(
    damagedBlockPolicies,
    'mark',
    'What becomes of a block that cannot be read: mark it no-compact in the bucket, or only skip it in this process.',
  ),
  'compact.skip-block-with-out-of-order-chunks': bool(
    false,
    'With --debug.halt-on-error, do not halt for blocks with chunks out of order but mark them no-compact.',
    { isHidden: true },
  ),
  'debug.halt-on-error': bool(
    false,
    'Stop all work, and stay, at the first failure that no later try may cure. Unlike Thanos, off by default.',
    { isHidden: true },
  ),
  'debug.lease-ttl': goDurationMs('1m', 'Another compactor takes over after so long without a sign of life.', {
    isHidden: true,
  }),
  'debug.accept-malformed-index': bool(false, 'Tolerate labels out of order in indexes.', { isHidden: true }),
  'debug.max-compaction-level': int(4, 'Highest level: 0 is 1h, 1 is 2h, 2 is 8h, 3 is 2d, 4 is 14d.', {
    isHidden: true,
  }),
  'hash-func': choice(hashFuncs, '', 'Record a fingerprint of every uploaded file.'),
  'min-time': time('0000-01-01T00:00:00Z', 'Oldest data to look at: RFC 3339, or relative to now such as -6w.'),
  'max-time': time('9999-12-31T23:59:59Z', 'Newest data to look at: RFC 3339, or relative to now such as -2w.'),
  'dry-run': bool(false, 'Print what one pass would do, when and why, and change nothing.'),
} satisfies FlagTable;

type CompactValues = CommandValues<typeof compactFlags>;

export const command = defineCommand({
  name: 'compact',
  summary: 'Compaction, replica de-duplication, downsampling, retention and deletion for the blocks of a bucket.',
  flags: compactFlags,
  async run(values, context) {
    const config = configOf(values);
    if (values['dry-run']) return dryRun(values, config, context);
    const done = new AbortController();
    const stop = AbortSignal.any([context.stop, done.signal]);
    const prefix = webPrefix({
      route: values['web.route-prefix'],
      external: values['web.external-prefix'],
      header: values['web.prefix-header'],
    });
    return runCommand({
      name: 'compact',
      values,
      context: { ...context, stop },
      http: { sendsCors: !values['web.disable-cors'], routePrefix: prefix.route },
      components: (deps) =>
        compactComponents(values, config, deps, prefix, () => done.abort(new Fault('canceled', 'one pass is done'))),
    });
  },
});

async function compactComponents(
  values: CompactValues,
  config: CompactorConfig,
  { logger, metrics, probe, http, context }: ServiceDeps,
  prefix: WebPrefix,
  onDone: () => void,
): Promise<readonly Component[]> {
  metrics
    .gauge('thanos_consistency_delay_seconds', 'How old a block must be to be looked at.')
    .set(values['consistency-delay'] / 1000);
  const threads = workThreads({
    merge: values['compact.concurrency'],
    downsample: values['downsample.concurrency'],
  });
  // A single pass mostly has work, and a thread takes as long to start as the bucket to be looked at.
  if (!values.wait) threads.prepare();
  const directory = await lockDirectory(values['data-dir'], logger);
  const { bucket, compactor } = await open(values, config, { logger, metrics, env: context.env, threads });
  const onHealth = (problem: string | undefined): void => {
    if (problem !== undefined && probe.state.isHealthy) logger.error('not healthy', { why: problem });
    probe.setHealthy(problem === undefined, problem);
  };
  const service = new CompactorService(
    { compactor, logger, onDone, onHealth },
    {
      waits: values.wait,
      waitIntervalMs: values['wait-interval'],
      cleanupIntervalMs: values['compact.cleanup-interval'],
      progressIntervalMs: values['compact.progress-interval'],
    },
  );
  const closing: Component[] = [
    { name: 'data-dir', start: async () => {}, stop: () => directory.release() },
    { name: 'bucket', start: async () => {}, stop: () => bucket.close() },
    { name: 'threads', start: async () => {}, stop: () => threads.close() },
  ];
  if (!values.wait || values['web.disable']) return [...closing, service];
  // It counts blocks on its own: metrics tell of those that are worked on.
  const viewer = new BlocksViewer(
    { bucket, logger, metrics: new Metrics() },
    {
      intervalMs: values['block-viewer.global.sync-block-interval'],
      timeoutMs: values['block-viewer.global.sync-block-timeout'],
      concurrency: values['block-meta-fetch-concurrency'],
    },
  );
  const { watch } = compactor;
  const blocks = blocksRoutes(
    {
      bucket,
      logger,
      view: (name) => (name === 'loaded' ? watch.view() : viewer.view()),
      backlog: () => watch.backlog(),
    },
    { label: values['bucket-web-label'], canMark: !values['disable-admin-operations'] },
  );
  mountWithPage(http, [...blocks, statusRoute(watch), ...statusRoutes(statusFacts('compact', values, compactFlags))], {
    component: 'compact',
    prefix,
    startPage: '/blocks',
  });
  return [...closing, viewer, service];
}

interface OpenDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly env: CommandContext['env'];
  /** Absent for a look that changes nothing. */
  readonly threads?: { readonly merge: MergeThreads; readonly downsample: DownsampleThreads };
}

async function open(
  values: CompactValues,
  config: CompactorConfig,
  { logger, metrics, env, threads }: OpenDeps,
): Promise<{ readonly bucket: Bucket; readonly compactor: Compactor }> {
  const bucket = await openBucket({ logger, metrics, env }, values['objstore.config']);
  const deps = { bucket, logger, metrics };
  const syncer = compactView(deps, {
    dataDir: values['data-dir'],
    strategy: values['block-discovery-strategy'],
    concurrency: values['block-meta-fetch-concurrency'],
    consistencyDelayMs: values['consistency-delay'],
    deleteDelayMs: values['delete-delay'],
    replicaLabels: replicaLabelsOf(values),
    selectorRules: values['selector.relabel-config'],
    minTime: values['min-time'],
    maxTime: values['max-time'],
  });
  if (threads === undefined) return { bucket, compactor: new Compactor({ ...deps, syncer }, config) };
  makeWritable(values['data-dir'], '--data-dir');
  const holder = await holderIn(values['data-dir']);
  const lease = new Lease(deps, {
    holder,
    ttlMs: values['debug.lease-ttl'],
    shard: values['selector.relabel-config'],
  });
  const { merge: mergeThreads, downsample: downsampleThreads } = threads;
  return { bucket, compactor: new Compactor({ ...deps, syncer, lease, mergeThreads, downsampleThreads }, config) };
}

async function dryRun(values: CompactValues, config: CompactorConfig, context: CommandContext): Promise<number> {
  const { logger, env, stdout, stop } = context;
  const { bucket, compactor } = await open(values, config, { logger, metrics: new Metrics(), env });
  try {
    for (const line of await compactor.describe(backgroundRequest(stop))) stdout.write(`${line}\n`);
    return 0;
  } finally {
    await bucket.close();
  }
}

function configOf(values: CompactValues): CompactorConfig {
  const retention = {
    rawMs: values['retention.resolution-raw'],
    fiveMinutesMs: values['retention.resolution-5m'],
    oneHourMs: values['retention.resolution-1h'],
  };
  const problem = values['downsampling.disable'] ? undefined : retentionProblem(retention);
  if (problem !== undefined) throw new Fault('invalid', `invalid argument: ${problem}; or give --downsampling.disable`);
  const replicaLabels = replicaLabelsOf(values);
  if (values['deduplication.func'] !== '' && replicaLabels.length === 0) {
    throw new Fault('invalid', 'invalid argument: --deduplication.func needs a --deduplication.replica-label');
  }
  const level = values['debug.max-compaction-level'];
  if (level < 0 || level >= levelRangesMs.length) {
    throw new Fault(
      'invalid',
      `invalid argument: --debug.max-compaction-level must be 0 to ${levelRangesMs.length - 1}`,
    );
  }
  const hasVertical = values['compact.enable-vertical-compaction'] || replicaLabels.length > 0;
  return {
    planner: {
      rangesMs: levelRangesMs.slice(0, level + 1),
      hasVertical,
      maxIndexSizeBytes: values['compact.block-max-index-size'],
    },
    run: {
      workDir: join(values['data-dir'], 'compact'),
      hasVertical,
      dedupFunc: values['deduplication.func'],
      blockConcurrency: values['compact.blocks-fetch-concurrency'],
      fileConcurrency: values['block-files-concurrency'],
      hashFunc: values['hash-func'],
      acceptsMalformedIndex: values['debug.accept-malformed-index'],
    },
    downsample: values['downsampling.disable']
      ? undefined
      : {
          workDir: join(values['data-dir'], 'downsample'),
          concurrency: values['downsample.concurrency'],
          fileConcurrency: values['block-files-concurrency'],
          hashFunc: values['hash-func'],
          acceptsMalformedIndex: values['debug.accept-malformed-index'],
          damagedBlocks: values['compact.damaged-blocks'],
        },
    retention,
    deleteDelayMs: values['delete-delay'],
    concurrency: values['compact.concurrency'],
    damagedBlocks: values['compact.damaged-blocks'],
    haltsOnError: values['debug.halt-on-error'],
    skipsOutOfOrder: values['compact.skip-block-with-out-of-order-chunks'],
  };
}

/** Given one by one, in lists with commas, or both. */
function replicaLabelsOf(values: CompactValues): readonly string[] {
  const names = values['deduplication.replica-label'].flatMap((text) => text.split(','));
  return [...new Set(names.map((name) => name.trim()).filter((name) => name !== ''))];
}

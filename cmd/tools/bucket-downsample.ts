// tributary tools bucket downsample: the downsampling of compact alone, again and again until it is stopped.

import { join } from 'node:path';
import { hashFuncs } from '../../pkg/block/upload.ts';
import { DownsampleService } from '../../pkg/compact/downsample-service.ts';
import { workThreads } from '../../pkg/compact/work-threads.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { choice, goDurationMs, int, string } from '../../pkg/config/flag-kinds.ts';
import { lockDirectory } from '../../pkg/lifecycle/directory-lock.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { defineCommand } from '../command-spec.ts';
import { httpFlags, requiredBucketFlags } from '../flag-groups.ts';
import { runCommand } from '../run.ts';

const META_CONCURRENCY = 32;

const downsampleFlags = {
  ...httpFlags,
  ...requiredBucketFlags,
  'wait-interval': goDurationMs('5m', 'Pause between passes.'),
  'downsample.concurrency': int(1, 'Blocks downsampled at once, each on a thread of its own.'),
  'block-files-concurrency': int(1, 'Files of one block moved at once.'),
  'data-dir': string('./data', 'Local directory for blocks at work and for block metas.'),
  'hash-func': choice(hashFuncs, '', 'Record a fingerprint of every uploaded file.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket downsample',
  summary: 'Downsample the blocks of a bucket, again and again.',
  flags: downsampleFlags,
  run(values, context) {
    return runCommand({
      name: 'downsample',
      values,
      context,
      components: async ({ logger, metrics }) => {
        const directory = await lockDirectory(values['data-dir'], logger);
        const bucket = await openBucket({ logger, metrics, env: context.env }, values['objstore.config']);
        const size = values['downsample.concurrency'];
        const threads = workThreads({ merge: size, downsample: size });
        const service = new DownsampleService(
          { bucket, logger, metrics, threads: threads.downsample },
          {
            downsample: {
              workDir: join(values['data-dir'], 'downsample'),
              concurrency: values['downsample.concurrency'],
              fileConcurrency: values['block-files-concurrency'],
              hashFunc: values['hash-func'],
              acceptsMalformedIndex: false,
              damagedBlocks: 'mark',
            },
            waitIntervalMs: values['wait-interval'],
            metaConcurrency: META_CONCURRENCY,
            dataDir: values['data-dir'],
          },
        );
        return [
          { name: 'data-dir', start: async () => {}, stop: () => directory.release() },
          { name: 'bucket', start: async () => {}, stop: () => bucket.close() },
          { name: 'threads', start: async () => {}, stop: () => threads.close() },
          service,
        ];
      },
    });
  },
});

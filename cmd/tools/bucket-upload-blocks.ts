// tributary tools bucket upload-blocks: brings the blocks of a local directory into a bucket, once.

import { backgroundRequest } from '../../pkg/async/request.ts';
import { Shipper } from '../../pkg/block/shipper.ts';
import type { FlagTable } from '../../pkg/config/flag.ts';
import { bool, int, labelList, string } from '../../pkg/config/flag-kinds.ts';
import { Fault } from '../../pkg/errors/fault.ts';
import { Labels } from '../../pkg/model/labels.ts';
import { openBucket } from '../../pkg/objstore/factory.ts';
import { Metrics } from '../../pkg/telemetry/metrics.ts';
import { defineCommand } from '../command-spec.ts';
import { requiredBucketFlags } from '../flag-groups.ts';

const uploadFlags = {
  ...requiredBucketFlags,
  path: string('./data', 'Directory that holds the blocks.'),
  label: labelList('External label of the blocks, as name="value".'),
  'shipper.upload-compacted': bool(false, 'Upload blocks that were compacted here too.'),
  'shipper.upload-concurrency': int(5, 'Files of one block uploaded at once; 0 is one at a time.'),
} satisfies FlagTable;

export const command = defineCommand({
  name: 'tools bucket upload-blocks',
  summary: 'Upload the blocks of a directory that a bucket does not have, once.',
  flags: uploadFlags,
  async run(values, { env, logger, stop }) {
    if (values.label.length === 0) {
      throw new Fault(
        'invalid',
        'no external labels configured for upload, blocks could not be told apart: set --label',
      );
    }
    const labels = Labels.from(values.label);
    const metrics = new Metrics();
    const bucket = await openBucket({ logger, metrics, env }, values['objstore.config']);
    try {
      const shipper = new Shipper(
        { bucket, logger, metrics, labels: () => labels },
        {
          directory: values.path,
          source: 'bucket.upload',
          uploadCompacted: values['shipper.upload-compacted'],
          uploadConcurrency: values['shipper.upload-concurrency'],
        },
      );
      const uploaded = await shipper.sync(backgroundRequest(stop));
      logger.info('blocks are uploaded', { uploaded });
      return 0;
    } finally {
      await bucket.close();
    }
  },
});

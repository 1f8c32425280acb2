// Prints the blocks of a bucket, and how many series of a metric each of them has in the last hour of its time.
//
//   node examples/library/read-bucket.mjs CONFIG.yaml METRIC
//
// CONFIG.yaml is what --objstore.config-file takes; examples/config has some.

import { readFileSync } from 'node:fs';
import { openBucket } from 'tributary/objstore';

const [file, metric] = process.argv.slice(2);
if (file === undefined || metric === undefined) {
  process.stderr.write('usage: read-bucket.mjs CONFIG.yaml METRIC\n');
  process.exit(1);
}

const bucket = await openBucket(readFileSync(file, 'utf8'));
try {
  for (const ulid of await bucket.blocks()) {
    const block = await bucket.openBlock(ulid);
    try {
      const { minTime, maxTime, stats } = block.meta;
      let count = 0;
      const range = { minTime: Math.max(minTime, maxTime - 3_600_000), maxTime };
      for await (const _series of block.series([['__name__', '=', metric]], range)) count++;
      process.stdout.write(`${ulid}: ${count} of ${stats.numSeries} series are ${metric}\n`);
    } finally {
      await block.close();
    }
  }
} finally {
  await bucket.close();
}

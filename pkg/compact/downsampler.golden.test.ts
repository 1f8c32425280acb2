import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import type { BlockMeta } from '../block/meta.ts';
import type { Bucket } from '../objstore/bucket.ts';
import { aggregatesOf } from './aggregates-fixture.ts';
import { bucketOf, compactorOver, metasOf, withDirectory } from './bucket-fixture.ts';

const golden = goldenDir();
const directory = (path: string): string => join(golden ?? '', 'bucket', path);

/** What must be equal of two blocks that were downsampled from the same sources. */
function facts({ minTime, maxTime, stats, compaction, thanos }: BlockMeta): object {
  return {
    range: [minTime, maxTime],
    stats,
    level: compaction.level,
    sources: compaction.sources,
    // Parents that were made on the way have identifiers of their own.
    parents: compaction.parents.map((parent) => [parent.minTime, parent.maxTime]),
    labels: String(thanos.labels),
    resolutionMs: thanos.resolutionMs,
    source: thanos.source,
    extensions: thanos.extensions,
    segmentFiles: thanos.segmentFiles,
    seriesMaxSizeBytes: thanos.seriesMaxSizeBytes,
  };
}

async function downsampled(bucket: Bucket): Promise<BlockMeta[]> {
  const metas = [...(await metasOf(bucket)).values()].filter(({ thanos }) => thanos.resolutionMs > 0);
  const key = ({ thanos, minTime }: BlockMeta) => `${thanos.labels} ${thanos.resolutionMs} ${minTime}`;
  return metas.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

describe.skipIf(golden === undefined)('the reference and this compactor from one bucket (needs golden data)', () => {
  test('make the same downsampled blocks, every aggregate to the bit', { timeout: 120_000 }, () =>
    withDirectory(async (workDir) => {
      const ours = await bucketOf(directory('main/before'));
      const theirs = await bucketOf(directory('main/after'));
      await compactorOver(ours, workDir, { downsamples: true }).pass(new AbortController().signal);
      const [made, wanted] = [await downsampled(ours), await downsampled(theirs)];
      assert.equal(made.length, 6);
      assert.deepEqual(made.map(facts), wanted.map(facts));
      for (const [i, { ulid, thanos }] of made.entries()) {
        const [mine, other] = [await aggregatesOf(ours, ulid), await aggregatesOf(theirs, wanted[i].ulid)];
        assert.deepEqual(mine, other, `${thanos.labels} ${thanos.resolutionMs}`);
      }
    }),
  );
});

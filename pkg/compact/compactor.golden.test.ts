import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { goldenDir } from '../../dev/golden.ts';
import type { BlockMeta } from '../block/meta.ts';
import type { Bucket } from '../objstore/bucket.ts';
import { bucketOf, compactorOver, metasOf, seriesOf, withDirectory } from './bucket-fixture.ts';

const golden = goldenDir();
const directory = (path: string): string => join(golden ?? '', 'bucket', path);

/** What must be equal of two blocks made from the same sources by two compactors. */
function facts(meta: BlockMeta): object {
  const { resolutionMs, labels, source, seriesMaxSizeBytes, chunkMaxSizeBytes, segmentFiles, files } = meta.thanos;
  const isOurs = meta.compaction.level > 1;
  return {
    range: [meta.minTime, meta.maxTime],
    stats: meta.stats,
    level: meta.compaction.level,
    sources: meta.compaction.sources,
    // Parents that were made on the way have identifiers of their own.
    parents: meta.compaction.parents.map(({ minTime, maxTime }) => [minTime, maxTime]),
    labels: String(labels),
    resolutionMs,
    ...(isOurs && {
      source,
      seriesMaxSizeBytes,
      chunkMaxSizeBytes,
      segmentFiles,
      // Symbols are the same, so the files are to the byte.
      sizes: files.map(({ relPath, sizeBytes }) => [relPath, sizeBytes]),
    }),
  };
}

async function rawBlocks(bucket: Bucket): Promise<BlockMeta[]> {
  const metas = [...(await metasOf(bucket)).values()].filter(({ thanos }) => thanos.resolutionMs === 0);
  const key = (meta: BlockMeta) => `${meta.thanos.labels} ${meta.minTime} ${meta.compaction.sources.join()}`;
  return metas.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

describe.skipIf(golden === undefined)('the reference and this compactor from one bucket (needs golden data)', () => {
  for (const [before, after, options] of [
    ['main/before', 'main/after', {}],
    ['dedup/before', 'dedup/after-default', { replicaLabels: ['replica'] }],
    ['dedup/before', 'dedup/after-penalty', { replicaLabels: ['replica'], dedupFunc: 'penalty' }],
  ] as const) {
    test(`make the same raw blocks of ${after}, chunks to the byte`, () =>
      withDirectory(async (workDir) => {
        const ours = await bucketOf(directory(before));
        const theirs = await bucketOf(directory(after));
        await compactorOver(ours, workDir, options).pass(new AbortController().signal);
        const [made, wanted] = [await rawBlocks(ours), await rawBlocks(theirs)];
        assert.deepEqual(made.map(facts), wanted.map(facts));
        for (const [i, meta] of made.entries()) {
          assert.deepEqual(await seriesOf(ours, meta.ulid), await seriesOf(theirs, wanted[i].ulid), meta.ulid);
        }
      }));
  }

  test('a second pass changes nothing', () =>
    withDirectory(async (workDir) => {
      const bucket = await bucketOf(directory('dedup/before'));
      const compactor = compactorOver(bucket, workDir, { replicaLabels: ['replica'] });
      await compactor.pass(new AbortController().signal);
      const before = [...(await metasOf(bucket)).keys()];
      await compactor.pass(new AbortController().signal);
      assert.deepEqual([...(await metasOf(bucket)).keys()], before);
    }));
});
